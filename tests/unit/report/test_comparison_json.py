"""A gate report says after storage what it said before."""

from __future__ import annotations

import json
import math

from tasks.domain.contrast import Answer, Contrast, Example, Photo
from tasks.domain.evaluation import Comparison, Evaluation, Interval
from tasks.domain.finding import Finding, Outcome
from tasks.report.comparison_json import comparison_from_json, comparison_json


def comparison(value: float) -> Comparison:
    evaluation = Evaluation(
        model_sha256="a" * 64,
        dataset="recent",
        digest="d",
        protocol="p",
        metric="accuracy",
        headline=Interval(value=0.5, low=value, high=value),
        n=3,
        metrics={"accuracy": 0.5, "f1/<b>": value},
        image_ids=("x",),
        scores=(1.0,),
    )
    gate = Finding(check="superiority", subject="accuracy", outcome=Outcome.INCONCLUSIVE, value=0.1, n=3)
    photo = Photo(image_id="x", key="solar/images/secret-key.jpg", sha256="d" * 64, camera="line-1")
    example = Example(photo=photo, truth=(), champion=Answer(score=0.0), challenger=Answer(score=1.0))
    return Comparison(
        champion_sha256="a" * 64,
        challenger_sha256="b" * 64,
        gates=(gate,),
        evaluations=(evaluation,),
        agreement=None,
        contrast=Contrast(better=1, worse=0, alike=2, examples=(example,)),
    )


def test_gates_and_numbers_survive_storage() -> None:
    before = comparison(0.25)
    after = comparison_from_json(json.loads(json.dumps(comparison_json(before))))
    assert after.gates == before.gates and after.outcome is Outcome.INCONCLUSIVE
    assert after.evaluations[0].headline == before.evaluations[0].headline
    assert after.evaluations[0].metrics == before.evaluations[0].metrics


def test_a_number_that_does_not_exist_is_null_in_json_and_nan_again_afterwards() -> None:
    text = json.dumps(comparison_json(comparison(math.nan)), allow_nan=False)
    after = comparison_from_json(json.loads(text)).evaluations[0]
    assert math.isnan(after.headline.low) and math.isnan(after.metrics["f1/<b>"])


def test_scores_of_single_images_stay_out_of_the_report() -> None:
    assert "image_ids" not in json.dumps(comparison_json(comparison(0.1)))


def test_counts_of_images_survive_and_examples_stay_on_the_page() -> None:
    text = json.dumps(comparison_json(comparison(0.1)))
    assert "secret-key" not in text
    assert comparison_from_json(json.loads(text)).contrast == Contrast(better=1, worse=0, alike=2)


def test_a_report_from_before_images_were_counted_is_still_read() -> None:
    old = {name: value for name, value in comparison_json(comparison(0.1)).items() if name != "contrast"}
    assert comparison_from_json(old).contrast.n == 0
