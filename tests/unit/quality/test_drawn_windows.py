"""Of a window from which images were drawn, shares are those of the window, not of the sample."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tasks.adapters.expectations import ROW, ask
from tasks.domain.expectation import STANDS_FOR, Expectation
from tasks.domain.finding import Finding, Outcome
from tasks.domain.prediction import Prediction
from tasks.domain.scoring.agreement import agreement
from tasks.domain.tables import CATALOG, PREDICTIONS
from tasks.domain.window import Window
from tasks.quality.findings import of_answers
from tasks.quality.frames import DETECTIONS, Frames, frames
from tasks.quality.infer import class_shares, images_per_hour
from tasks.quality.rules import QualityRules
from tasks.quality.suite import suite
from tests.unit.quality.test_quality_rules import DAY

GOOD, BAD = 60, 40
"""Images of camera `a`, of which every tenth was drawn, and of camera `b`, of which all were."""


def rows(good: float | None, bad: float | None, **broken: Any) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Predictions and catalog; every second image of camera `b` has what is broken."""
    predictions, catalog = [], []
    for n in range(GOOD + BAD):
        camera, chance = ("a", good) if n < GOOD else ("b", bad)
        wrong = broken if camera == "b" and n % 2 else {}
        box = wrong.get("box", [1.0, 1.0, 20.0, 20.0])
        predictions.append(
            {"image_id": f"i{n}", "key": f"k{n}", "captured_at": DAY.end - timedelta(hours=1), "camera": camera,
             "model_version": "1", "kind": "detect", "width": 100, "height": 80, "sampling_probability": chance,
             "error": wrong.get("error"), "site": wrong.get("site", "s"),
             "detections": [{"class_id": int(camera == "b"), "confidence": 0.9, "box": box}]}
        )  # fmt: skip
        catalog.append(
            {"key": f"k{n}", "image_id": f"i{n}", "camera": camera, "size": 9, "etag": "e", "sha256": f"{n:064x}",
             "verdict": wrong.get("verdict", "accepted"), "reason": "", "note": wrong.get("note", ""),
             "sampling_probability": chance}
        )  # fmt: skip
    return predictions, catalog


def shown(good: float | None, bad: float | None, **broken: Any) -> Frames:
    predictions, catalog = rows(good, bad, **broken)
    return frames(
        pa.Table.from_pylist(catalog, schema=CATALOG), pa.Table.from_pylist(predictions, schema=PREDICTIONS), DAY
    )


def check(tables: Frames, rules: QualityRules = QualityRules()) -> dict[str, Finding]:
    found = of_answers(ask(tables, suite(tables, 2, rules)).answers, rules.examples)
    return {f"{each.check} {each.subject}": each for each in found}


OF_WINDOW = (BAD / 2) / (GOOD * 10 + BAD)
OF_SAMPLE = (BAD / 2) / (GOOD + BAD)


@pytest.mark.parametrize(
    ("broken", "name"),
    [
        ({"error": "timeout"}, "failed_share images.failed"),
        ({"verdict": "quarantined"}, "quarantined_share objects.quarantined"),
        ({"note": "size_differs 9x9"}, "size_differs_share objects.size_differs"),
    ],
)
def test_a_share_is_that_of_the_window(broken: dict[str, Any], name: str) -> None:
    assert check(shown(1.0, 1.0, **broken))[name].value == pytest.approx(OF_SAMPLE)
    assert check(shown(0.1, 1.0, **broken))[name].value == pytest.approx(OF_WINDOW)


def test_a_rare_fault_of_a_camera_that_was_drawn_more_often_is_no_breach_of_the_window() -> None:
    rules = QualityRules(max_failed=0.1)
    assert check(shown(1.0, 1.0, error="x"), rules)["failed_share images.failed"].outcome is Outcome.BREACH
    assert check(shown(0.1, 1.0, error="x"), rules)["failed_share images.failed"].outcome is Outcome.OK
    assert check(shown(1.0, 0.1, error="x"), rules)["failed_share images.failed"].value == pytest.approx(200 / 460)


def test_rows_that_break_a_rule_count_for_what_they_stand_for_and_are_still_named() -> None:
    rules, over = QualityRules(mostly=0.9), [50.0, 50.0, 190.0, 70.0]
    plain = check(shown(1.0, 1.0, box=over), rules)["box_inside_image detections.overhang"]
    drawn = check(shown(0.1, 1.0, box=over), rules)["box_inside_image detections.overhang"]
    assert (plain.outcome, plain.value) == (Outcome.BREACH, 20)
    assert (drawn.outcome, drawn.value, drawn.n) == (Outcome.OK, round(100 * OF_WINDOW), 100)
    more = check(shown(1.0, 0.1, box=over), rules)["box_inside_image detections.overhang"]
    assert (more.outcome, more.value) == (Outcome.BREACH, round(100 * 200 / 460)) and "i61" in more.note


def test_the_share_of_missing_values_is_that_of_the_window() -> None:
    asked = [Expectation(name="p", rule="ExpectColumnValuesToNotBeNull", table="images", column="site", mostly=0.9)]
    kept = [ask(shown(good, 1.0, site=None), asked).answers[0] for good in (1.0, 0.1)]
    assert [(each.success, each.unexpected) for each in kept] == [(False, 20), (True, 3)]


def test_rules_that_allow_no_row_are_about_the_rows_that_are_there() -> None:
    asked = [Expectation(name="e", rule="ExpectColumnValuesToBeInSet", table="images", column="site",
                         parameters={"value_set": ("s",)})]  # fmt: skip
    (found,) = ask(shown(0.01, 1.0, site="t"), asked).answers
    assert (found.success, found.unexpected) == (False, 20)


def test_great_expectations_results_stay_as_short_as_without_weights() -> None:
    tables = shown(0.1, 1.0, box=[50.0, 50.0, 190.0, 70.0], error="x")
    asked = ask(tables, suite(tables, 2, QualityRules()))
    assert "unexpected_index_list'" not in str(asked.results).replace("partial_unexpected_index_list'", "")
    assert len(str(asked.results)) < 200_000 and ROW not in tables[DETECTIONS].column_names


@pytest.mark.parametrize("chance", [None, 1.0, 0.25])
def test_images_that_were_all_drawn_alike_change_nothing(chance: float | None) -> None:
    broken = {"error": "x", "note": "size_differs 9x9", "box": [50.0, 50.0, 190.0, 70.0]}
    usual, found = check(shown(None, None, **broken)), check(shown(chance, chance, **broken))
    assert {name: each for name, each in found.items() if "sampling" not in name} == usual


def test_a_class_that_was_drawn_more_often_has_its_share_of_the_window() -> None:
    share, error = class_shares(shown(0.1, 1.0)[DETECTIONS], 2)
    assert share == pytest.approx([600 / 640, 40 / 640])
    rng = np.random.default_rng(0)
    truth = []
    for _ in range(300):  # the standard error is that of drawing with these chances
        kept = np.r_[rng.random(600) < 0.1, np.ones(40, bool)]
        weights = np.r_[np.full(600, 10.0), np.ones(40)]
        truth.append(float((kept * weights)[600:].sum() / (kept * weights).sum()))
    assert np.std(truth) < error[1] < 5 * np.std(truth)
    plain, usual = class_shares(shown(None, None)[DETECTIONS], 2)
    assert plain == pytest.approx([0.6, 0.4]) and usual == pytest.approx(np.sqrt(0.24 / 100))


def test_images_an_hour_are_those_that_each_camera_stands_for() -> None:
    window = Window(DAY.end - timedelta(hours=2), DAY.end)
    assert images_per_hour(shown(0.1, 1.0), window) == pytest.approx({"a": 300.0, "b": 20.0})
    assert images_per_hour(shown(None, None), window) == pytest.approx({"a": 30.0, "b": 20.0})


def test_two_versions_agree_on_the_share_of_the_window_that_they_agree_on() -> None:
    def says(label: int) -> Prediction:
        return Prediction(probabilities=np.eye(2, dtype=np.float32)[label])

    first, second = [says(0)] * 4, [says(0), says(0), says(1), says(1)]
    assert agreement(first, second, (0.5, 0.5)) == 0.5
    assert agreement(first, second, (0.5, 0.5), [1.0] * 4) == 0.5
    assert agreement(first, second, (0.5, 0.5), [0.1, 0.1, 1.0, 1.0]) == pytest.approx(20 / 22)
    assert agreement([], [], (0.5, 0.5), []) is None


def test_a_table_without_weights_is_asked_as_before() -> None:
    table = pa.table({"x": [1.0, None, 3.0]})
    asked = [Expectation(name="m", rule="ExpectColumnMeanToBeBetween", table="t", column="x",
                         parameters={"min_value": 0, "max_value": 2})]  # fmt: skip
    assert ask({"t": table}, asked).answers[0].observed == 2.0
    weighted = table.append_column(STANDS_FOR, pa.array([3.0, 1.0, 1.0]))
    assert ask({"t": weighted}, asked).answers[0].observed == 1.5
