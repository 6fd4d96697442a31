"""Every wrong box gets one name, every missed object too, and mending them is worth what it is worth."""

import numpy as np
import pytest

from tasks.domain.prediction import Prediction
from tasks.domain.scoring.calibration import BINS, bins_of
from tasks.domain.scoring.details import details, reliability
from tasks.domain.scoring.detection import score_detections
from tasks.domain.scoring.matching import Error
from tasks.domain.scoring.taxonomy import confusion, costs, missed
from tasks.domain.scoring.truth import Truth
from tests.unit.evaluate.scoring_sets import CLASSES as MANY
from tests.unit.evaluate.scoring_sets import random_set

CLASSES = ("a", "b")
HERE, HALF, FAR = [0, 0, 10, 10], [4, 0, 14, 10], [50, 50, 60, 60]  # HALF overlaps HERE by 0.43


def scored(labels, answers, confidence=0.0):
    """One image; labels are (box, class), answers (box, class, confidence)."""
    truth = Truth(
        image_id="i",
        session="s",
        classes=np.array([c for _, c in labels], np.int64),
        boxes=np.array([box for box, _ in labels], np.float32).reshape(-1, 4),
    )
    answer = Prediction(
        boxes=np.array([box for box, _, _ in answers], np.float32).reshape(-1, 4),
        classes=np.array([c for _, c, _ in answers], np.int64),
        confidences=np.array([sure for _, _, sure in answers], np.float32),
    )
    return score_detections([truth], [answer], CLASSES, confidence)


def counted(found):
    return {cost.error: cost.count for cost in costs(found) if cost.count}


@pytest.mark.parametrize(
    ("answers", "errors"),
    [
        ([(HERE, 0, 0.9)], {}),
        ([], {Error.MISS: 1}),
        ([(HERE, 1, 0.9)], {Error.CLASS: 1}),
        ([(HALF, 0, 0.9)], {Error.LOCALISATION: 1}),
        ([(HALF, 1, 0.9)], {Error.CLASS_AND_LOCALISATION: 1, Error.MISS: 1}),
        ([(HERE, 0, 0.9), (HERE, 0, 0.8)], {Error.DUPLICATE: 1}),
        ([(HERE, 0, 0.9), (FAR, 0, 0.8)], {Error.BACKGROUND: 1}),
    ],
)
def test_each_error_has_its_name(answers, errors):
    assert counted(scored([(HERE, 0)], answers)) == errors


def test_mending_the_only_error_makes_the_set_perfect():
    labels = [(HERE, 0), (FAR, 1)]
    worlds = {
        Error.CLASS: [(HERE, 1, 0.9), (FAR, 1, 0.8)],
        Error.LOCALISATION: [(HALF, 0, 0.9), (FAR, 1, 0.8)],
        Error.DUPLICATE: [(HERE, 0, 0.9), (FAR, 1, 0.8), (FAR, 1, 0.85)],
        Error.BACKGROUND: [(HERE, 0, 0.7), (FAR, 1, 0.8), ([80, 80, 90, 90], 0, 0.9)],
        Error.MISS: [(FAR, 1, 0.8)],
    }
    for error, answers in worlds.items():
        found = scored(labels, answers)
        cost = next(each for each in costs(found) if each.error is error)
        numbers = found.metrics()
        assert numbers["f1"] + cost.f1 == pytest.approx(1), error
        assert numbers["map50"] + cost.map50 == pytest.approx(1), error
        others = [each for each in costs(found) if each.error is not error]
        assert all(each.f1 == pytest.approx(0) for each in others), error


def test_errors_below_the_operating_confidence_do_not_count():
    found = scored([(HERE, 0)], [(HERE, 0, 0.9), (FAR, 0, 0.2)], confidence=0.5)
    assert counted(found) == {}
    assert counted(scored([(HERE, 0)], [(HERE, 0, 0.2)], confidence=0.5)) == {Error.MISS: 1}


def test_every_kept_box_is_a_hit_or_one_error_and_every_object_is_found_pointed_at_or_missed():
    truths, answers = random_set(3, 60)
    found = score_detections(truths, answers, MANY, 0.3)
    kept, hits = (part.sum() for part in found.counts())
    numbers = details(found)
    wrong = sum(value for name, value in numbers.items() if name.startswith("errors_") and name != "errors_miss")
    assert hits + wrong == kept
    assert numbers["errors_miss"] == missed(found).sum()
    assert all(value > -1e-9 for name, value in numbers.items() if name.startswith("cost_f1"))


def test_the_confusion_matrix_accounts_for_every_box_and_every_object():
    truths, answers = random_set(3, 60)
    found = score_detections(truths, answers, MANY, 0.3)
    matrix = confusion(found)
    kept, hits = (part.sum(0) for part in found.counts())
    assert np.array_equal(matrix[:-1].sum(1), kept)
    assert np.array_equal(matrix[:, :-1].sum(0), found.instances)
    assert np.array_equal(np.diag(matrix)[:-1], hits)


def test_a_box_of_the_wrong_class_is_taken_for_what_it_lies_on():
    matrix = confusion(scored([(HERE, 0), (FAR, 1)], [(HERE, 1, 0.9), ([80, 80, 90, 90], 0, 0.5)]))
    assert matrix.tolist() == [[0, 0, 1], [1, 0, 0], [0, 1, 0]]


def test_a_right_box_keeps_its_object_from_a_surer_one_of_the_wrong_class():
    matrix = confusion(scored([(HERE, 0)], [(HERE, 1, 0.9), (HERE, 0, 0.5)]))
    assert matrix.tolist() == [[1, 0, 0], [0, 0, 1], [0, 0, 0]]


def test_boxes_that_are_right_as_often_as_they_say_are_calibrated():
    rng = np.random.default_rng(0)
    sure = rng.random(20_000)
    assert bins_of(sure, rng.random(20_000) < sure, np.ones(20_000)).error < 0.01
    assert bins_of(sure, rng.random(20_000) < sure**2, np.ones(20_000)).error == pytest.approx(1 / 6, abs=0.01)


def test_reliability_bins_hold_every_box_once():
    truths, answers = random_set(3, 60)
    found = score_detections(truths, answers, MANY)
    whole = reliability(found)
    assert whole.count.sum() == len(found.found.image)
    assert len(whole.right) == BINS
    parts = [reliability(found, label).count for label in range(len(MANY))]
    assert np.array_equal(np.sum(parts, axis=0), whole.count)
