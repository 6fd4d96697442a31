"""A classifier is estimated as a detector is: its class is one box around the whole picture."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
import pytest

from tasks.domain.prediction import Prediction
from tasks.domain.scoring.truth import Truth
from tasks.estimate.alarms import alarms_of
from tasks.estimate.audit import Candidate
from tasks.estimate.beside import measured
from tasks.estimate.calibration import Calibration
from tasks.estimate.calibration_json import read, written
from tasks.estimate.checking import audited
from tasks.estimate.fitting import Labelled, calibrate, looking_at
from tasks.estimate.flag import Flag, judge
from tasks.estimate.framed import ALWAYS, SIZE, framed, framed_truth, one, whole
from tasks.estimate.guess import Guess, finding, silent
from tasks.estimate.ladder import Image
from tasks.estimate.look import shifts
from tasks.estimate.records import Answered, prediction, truth_of
from tasks.estimate.rules import EstimateRules
from tasks.estimate.signs import Views, signs_of
from tests.unit.estimate.made_up import SKILLS

CLASSES = ("bad", "good", "empty")
START = datetime(2026, 11, 1, tzinfo=UTC)


def labels(n: int, seed: int, share: float = 0.4) -> list[Truth]:
    rng = np.random.default_rng(seed)
    classes = rng.choice(3, n, p=[share, 0.8 - share, 0.2])
    found = (
        Truth(
            image_id=f"{seed}-{at}", session=f"{seed}-{at}", classes=np.array([c]), boxes=np.zeros((1, 4), np.float32)
        )
        for at, c in enumerate(classes)
    )
    return [framed_truth(each) for each in found]


def answer(truth: Truth, skill: float, rng: np.random.Generator) -> Prediction:
    """Probabilities that mean what they say: a class of chance p is right in p of the cases."""
    right = float(np.clip(rng.beta(8 * skill, 8 * (1 - skill)), 0.34, 0.999))
    odds = np.full(3, (1 - right) / 2)
    named = int(truth.classes[0]) if rng.random() < right else int((truth.classes[0] + rng.integers(1, 3)) % 3)
    odds[named] = right
    return Prediction(probabilities=odds.astype(np.float32))


def views(known: Sequence[Truth], skill: float, seed: int) -> Views:
    rng = np.random.default_rng(seed)
    return Views(own=[answer(t, skill, rng) for t in known], mirrored=[answer(t, skill, rng) for t in known])


def accuracy(known: Sequence[Truth], answers: Sequence[Prediction]) -> float:
    pairs = zip(known, answers, strict=True)
    return float(np.mean([each.probabilities.argmax() == truth.classes[0] for truth, each in pairs]))  # type: ignore[union-attr]


@pytest.fixture(scope="module")
def known() -> Calibration:
    taught, shown = labels(300, 1), []

    def see(pictures: Sequence[Image]) -> Views:
        start = sum(shown)
        shown.append(len(pictures))
        place, step = (start, 0) if start < 300 else ((start - 300) % 100, 1 + (start - 300) // 100)
        return views(taught[place : place + len(pictures)], [0.93, *SKILLS][step], start)

    picture = np.zeros((20, 20, 3), np.uint8)
    found = calibrate(
        Labelled(truths=taught, open=lambda at: picture, classes=CLASSES, whole=True), see, ("a" * 64, ""), 100
    )
    assert found is not None
    return found


def estimated(known: Calibration, truth: Sequence[Truth], seen: Views) -> tuple[float, Flag]:
    own = seen.framed()
    reference = looking_at(views(labels(400, 9), 0.93, 9).framed().own, [SIZE] * 400, ALWAYS)
    moved = shifts(reference, looking_at(own.own, [SIZE] * len(truth), ALWAYS))
    signs = signs_of(own, known.belief, 3, known.confidences)
    return known.estimate(signs, moved.found.size), judge(known, signs, moved, alarms_of((), False)).flag


@pytest.mark.parametrize("seed", range(20, 24))
def test_the_accuracy_of_a_quiet_set_is_told_without_its_labels(known: Calibration, seed: int) -> None:
    truth = labels(400, seed)
    seen = views(truth, 0.93, seed)
    value, flag = estimated(known, truth, seen)
    assert flag is Flag.VALID and known.metric == "accuracy"
    assert value == pytest.approx(accuracy(truth, seen.own), abs=0.04)


@pytest.mark.parametrize("skill", [0.85, 0.75])
def test_a_loss_is_seen_and_about_as_large_as_it_is(known: Calibration, skill: float) -> None:
    truth = labels(400, 30)
    seen = views(truth, skill, 31)
    value, flag = estimated(known, truth, seen)
    assert flag is Flag.EXTRAPOLATING
    assert value == pytest.approx(accuracy(truth, seen.own), abs=0.07)


def test_another_mix_of_classes_is_said_beside_the_number(known: Calibration) -> None:
    truth = labels(400, 32, share=0.75)
    assert estimated(known, truth, views(truth, 0.93, 33))[1] is Flag.EXTRAPOLATING


def test_a_calibration_of_classes_is_read_back_as_it_was(known: Calibration) -> None:
    again = read(written(known))
    assert again.metric == "accuracy" and again.belief.whole and again.quality == known.quality


def test_records_and_labels_without_a_place_are_about_the_whole_picture() -> None:
    given = [{"class_id": 2, "confidence": 0.2, "box": None}, {"class_id": 1, "confidence": 0.7, "box": None}]
    answer = prediction(given)
    assert (answer.classes.tolist(), answer.boxes.tolist()) == ([1], [[0, 0, 1, 1]])
    assert truth_of("i", "s", [{"class_id": 1, "box": None}]).boxes.tolist() == [[0, 0, 1, 1]]
    assert not whole([]) and not whole([{"class_id": 1, "box": [0, 0, 2, 2]}]) and len(prediction([]).classes) == 0
    assert not whole([{"class_id": 1, "box": None, "polygon": [0.0, 0.0, 3.0, 3.0, 0.0, 3.0]}])


def test_an_answer_that_is_no_number_is_no_answer() -> None:
    broken = Prediction(probabilities=np.array([np.nan, 0.5], np.float32))
    boxes = Prediction(boxes=np.ones((1, 4), np.float32), classes=np.array([1]), confidences=np.ones(1, np.float32))
    assert len(framed(broken).classes) == 0 and framed(boxes) is boxes


def test_nothing_is_beside_the_class_of_a_whole_picture() -> None:
    picture = np.random.default_rng(1).integers(0, 255, (64, 64, 3)).astype(np.uint8)
    assert measured(picture, one(1, 0.9), ALWAYS) is None
    boxed = Prediction(
        boxes=np.array([[8, 8, 20, 20]], np.float32), classes=np.array([1]), confidences=np.ones(1, np.float32)
    )
    assert measured(picture, boxed, 0.25) is not None


def test_the_labels_of_an_audit_speak_for_the_accuracy_of_the_window(known: Calibration) -> None:
    truth = labels(600, 40)
    own = [framed(each) for each in views(truth, 0.9, 41).own]
    ids = tuple(each.image_id for each in truth)
    answers = Answered(
        image_ids=ids, cameras=("a",) * 600, sessions=ids, sizes=(SIZE,) * 600, answers=tuple(own), chances=(1.0,) * 600
    )
    drawn = [
        Candidate(key=name, image_id=name, sha256=name, camera="a", captured_at=START, chance=120 / 600)
        for name in ids[:120]
    ]
    said = {each.image_id: {"objects": [{"class_id": int(each.classes[0]), "box": None}]} for each in truth[:120]}
    found = audited(answers, drawn, said, known)["f1"]
    real = float(np.mean([each.classes[0] == t.classes[0] for each, t in zip(own, truth, strict=True)]))
    assert found.interval.low <= real <= found.interval.high
    assert found.interval.high - found.interval.low < found.alone.high - found.alone.low


def test_what_is_said_of_a_classifier_names_the_accuracy(known: Calibration) -> None:
    truth = labels(200, 50)
    value, _ = estimated(known, truth, views(truth, 0.93, 51))
    verdict = judge(known, known.clean, known.rungs[0].shifts, alarms_of((), True))
    told = finding("solar", Guess(value=value, verdict=verdict, n=200, metric=known.metric), None, EstimateRules())
    assert (told.subject, told.value) == ("accuracy", None) and "audit-sample solar --n 1" in told.note
    assert silent("nothing").subject == "map50"
