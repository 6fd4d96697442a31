"""An exported file that keeps its answers passes, one that lost some is a breach, and too little says nothing."""

from dataclasses import replace

import numpy as np
import pytest

from tasks.domain.finding import Outcome
from tasks.domain.model import Kind, ModelRef
from tasks.domain.prediction import Prediction
from tasks.domain.protocol import Format
from tasks.domain.scoring.scored import score
from tasks.domain.scoring.truth import Truth
from tasks.export import parity
from tasks.export.rules import ExportRules

RULES = ExportRules()


def ref(kind=Kind.DETECT):
    return ModelRef(name="line", sha256="a" * 64, uri="s3://b/k", kind=kind, classes=("a", "b"), imgsz=64)


def world(n=60, sessions=30, seed=0):
    rng = np.random.default_rng(seed)
    said, found = [], []
    for i in range(n):
        corner = rng.uniform(0, 50, (3, 2))
        boxes = np.concatenate([corner, corner + rng.uniform(8, 14, (3, 2))], 1).astype(np.float32)
        classes = rng.integers(0, 2, 3)
        said.append(Truth(image_id=f"i{i}", session=f"s{i % sessions}", classes=classes, boxes=boxes))
        confidences = np.sort(rng.uniform(0.5, 1, 3))[::-1].astype(np.float32)
        found.append(Prediction(boxes=boxes + 0.3, classes=classes, confidences=confidences))
    return said, found


def judged(said, before, after, rules=RULES, kind=Kind.DETECT):
    model = ref(kind)
    first, second = score(model, said, before), score(model, said, after)
    kept = parity.score_kept(Format.ONNX, first, second, rules)
    return kept, parity.answers_kept(Format.ONNX, before, after, first, rules)


def test_answers_that_differ_in_the_last_digits_are_kept():
    said, before = world()
    after = [replace(one, boxes=one.boxes + 1e-3, confidences=one.confidences - np.float32(1e-4)) for one in before]
    kept, alike = judged(said, before, after)
    assert (kept.outcome, alike.outcome, alike.value) == (Outcome.OK, Outcome.OK, 1.0)
    assert kept.value == pytest.approx(0, abs=0.01) and kept.limit == -RULES.margin


def test_a_file_that_lost_a_class_is_a_breach_of_both():
    said, before = world()
    after = [
        replace(one, boxes=one.boxes[one.classes == 0], classes=one.classes[one.classes == 0],
                confidences=one.confidences[one.classes == 0])
        for one in before
    ]  # fmt: skip
    kept, alike = judged(said, before, after)
    assert (kept.outcome, alike.outcome) == (Outcome.BREACH, Outcome.BREACH)
    assert kept.value is not None and kept.value < -0.2
    assert alike.value is not None and 0.3 < alike.value < 0.9
    assert "answers differ" in alike.note


def test_swapped_classes_are_not_the_same_answers():
    said, before = world()
    _, alike = judged(said, before, [replace(one, classes=1 - one.classes) for one in before])
    assert (alike.value, alike.outcome) == (0.0, Outcome.BREACH)


def test_a_file_that_finds_more_is_not_the_same_file():
    said, before = world()
    after = [
        replace(one, boxes=np.concatenate([one.boxes, one.boxes + 20]), classes=np.concatenate([one.classes] * 2),
                confidences=np.concatenate([one.confidences] * 2))
        for one in before
    ]  # fmt: skip
    _, alike = judged(said, before, after)
    assert alike.value == pytest.approx(2 / 3, abs=0.02)


def test_answers_that_are_not_numbers_are_a_breach():
    said, before = world()
    broken = replace(before[0], boxes=np.full((3, 4), np.nan, np.float32))
    kept, alike = judged(said, before, [broken, *before[1:]])
    assert kept.outcome is Outcome.BREACH and "1 answers" in kept.note
    assert alike.value is not None and alike.value < 1


@pytest.mark.parametrize(("n", "sessions"), [(0, 1), (5, 5), (60, 2)])
def test_too_few_images_or_sessions_say_nothing_about_the_score(n, sessions):
    said, before = world(n, sessions)
    kept, alike = judged(said, before, before)
    assert kept.outcome is Outcome.INCONCLUSIVE and kept.note
    assert alike.outcome is (Outcome.OK if n >= RULES.min_images else Outcome.INCONCLUSIVE)


def test_a_classifier_is_held_to_the_class_it_names():
    said = [
        Truth(image_id=f"i{i}", session=f"s{i}", classes=np.array([i % 2]), boxes=np.zeros((1, 4), np.float32))
        for i in range(40)
    ]
    before = [
        Prediction(probabilities=np.array([0.6, 0.4] if i % 2 == 0 else [0.4, 0.6], np.float32)) for i in range(40)
    ]
    after = [*(Prediction(probabilities=one.probabilities[::-1].copy()) for one in before[:10]), *before[10:]]
    kept, alike = judged(said, before, after, kind=Kind.CLASSIFY)
    assert (kept.outcome, alike.outcome, alike.value) == (Outcome.BREACH, Outcome.BREACH, 0.75)


def test_a_version_without_the_deployed_format_is_inconclusive_and_says_the_command():
    finding = parity.missing(Format.ONNX, "line")
    assert finding.outcome is Outcome.INCONCLUSIVE and "evergreen export line" in finding.note
