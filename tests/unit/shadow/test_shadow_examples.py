"""A person is shown where the two versions differ most: gains first, and always what got worse."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest

from tasks.domain.contrast import Contrast, Photo, photos
from tasks.domain.prediction import Prediction
from tasks.domain.scoring.classification import score_classes
from tasks.domain.scoring.detection import score_detections
from tasks.domain.scoring.matching import assigned
from tasks.domain.scoring.truth import Truth
from tasks.domain.tables import DATASETS
from tasks.shadow.examples import LOSSES, MARKS, SHOWN, Examined, chosen, contrast
from tasks.shadow.gates import Pair

CLASSES = ("nut", "bolt")
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def picked(gains, sessions=None, weight=None):
    names = sessions or [f"s{i}" for i in range(len(gains))]
    return chosen(np.array(gains, float), names, np.array(weight or [0.0] * len(gains)))


def photo(i):
    return Photo(image_id=f"i{i}", key=f"k{i}.jpg", sha256=f"{i:064x}", camera="line-1", captured_at=NOON)


def truth(i, corners, classes=None):
    labels = np.zeros(len(corners), np.int64) if classes is None else np.array(classes)
    return Truth(image_id=f"i{i}", session=f"s{i}", classes=labels, boxes=squares(corners))


def squares(corners):
    return np.array([[x, 0, x + 10, 10] for x in corners], np.float32).reshape(-1, 4)


def boxes(corners, confidence=0.9, classes=None):
    labels = np.zeros(len(corners), np.int64) if classes is None else np.array(classes)
    sure = np.full(len(corners), confidence, np.float32)
    return Prediction(boxes=squares(corners), classes=labels, confidences=sure)


def odds(*values):
    return Prediction(probabilities=np.array(values, np.float32))


def compared(truths, champion, challenger, score=score_detections):
    seen = Examined(
        photos=[photo(int(each.image_id[1:])) for each in truths],
        truth=truths,
        champion=champion,
        challenger=challenger,
    )
    pair = Pair(champion=score(truths, champion, CLASSES), challenger=score(truths, challenger, CLASSES))
    return contrast(pair, seen)


def test_gains_come_first_then_losses_each_by_size():
    assert picked([0.1, -0.2, 0.9, 0.0, -0.7]) == [2, 0, 4, 1]


def test_many_gains_never_crowd_out_the_losses():
    found = picked([0.9] * 500 + [-0.1, -0.5, -0.2, -0.4, -0.3])
    assert len(found) == SHOWN
    assert found[-LOSSES:] == [501, 503, 504, 502]


def test_places_that_gains_leave_free_go_to_losses():
    assert len(picked([0.5] + [-0.5] * 40)) == SHOWN
    assert picked([0.5, -0.5]) == [0, 1]


def test_images_that_score_alike_are_not_shown():
    assert picked([0.0, 1e-12, -1e-12]) == []
    assert picked([]) == []


def test_other_sessions_come_before_the_next_frame_of_the_same_one():
    found = picked([0.9] * 30 + [0.4] * 11, ["still"] * 30 + [f"s{i}" for i in range(11)])
    assert found == [0, *range(30, 41)]


def test_of_equal_gains_the_richer_image_comes_first():
    assert picked([1.0, 1.0, 1.0], weight=[1, 5, 3]) == [1, 2, 0]


def test_what_is_right_wrong_and_missed_is_told_as_the_score_counts_it():
    found = compared(
        [truth(0, [0, 50]), truth(1, [0])],
        [boxes([0, 90]), boxes([0])],
        [boxes([0, 51]), boxes([0])],
    )
    (example,) = found.examples
    assert (found.better, found.worse, found.alike, found.n) == (1, 0, 1, 2)
    assert [mark.box[0] for mark in example.champion.right] == [0]
    assert [mark.box[0] for mark in example.champion.wrong] == [90]
    assert [mark.box[0] for mark in example.champion.missed] == [50]
    assert (example.champion.score, example.challenger.score, example.gain) == (0.5, 1.0, 0.5)
    assert [mark.box[0] for mark in example.truth] == [0, 50]
    assert example.photo == photo(0)


def test_a_box_of_another_class_is_wrong_and_its_object_missed():
    found = compared([truth(0, [0])], [boxes([0])], [boxes([0], classes=[1])])
    answer = found.examples[0].challenger
    assert (answer.wrong[0].label, answer.missed[0].label, answer.right) == ("bolt", "nut", ())
    assert found.worse == 1


def test_boxes_below_the_operating_confidence_are_not_shown():
    truths = [truth(0, [0]), truth(1, [0]), truth(2, [0])]
    low = boxes([30], confidence=0.05)
    found = compared(truths, [boxes([]), boxes([0]), boxes([0])], [low, boxes([0]), boxes([])])
    assert found.examples[0].photo == photo(2)
    assert all(not example.challenger.wrong for example in found.examples)


def test_a_version_that_never_hits_is_drawn_at_a_usual_confidence():
    found = compared([truth(0, []), truth(1, [0])], [boxes([60], 0.01), boxes([60], 0.01)], [boxes([]), boxes([0])])
    assert found.alike == 1
    assert found.examples[0].champion.wrong == ()


def test_an_answer_with_nan_misses_everything():
    broken = boxes([0])
    broken.boxes[0, 0] = np.nan
    found = compared([truth(0, [0])], [boxes([0])], [broken])
    assert len(found.examples[0].challenger.missed) == 1


def test_hundreds_of_boxes_are_cut_to_the_surest_and_the_rest_counted():
    corners = [20.0 * i for i in range(100)]
    many = Prediction(
        boxes=squares(corners),
        classes=np.zeros(100, np.int64),
        confidences=np.linspace(0.99, 0.3, 100, dtype=np.float32),
    )
    answer = compared([truth(0, corners)], [boxes([])], [many]).examples[0].challenger
    assert (len(answer.right), answer.undrawn) == (MARKS, 40)
    assert answer.right[0].confidence == pytest.approx(0.99)


def test_a_class_is_told_with_its_probability_and_with_that_of_the_truth():
    found = compared([truth(0, [0], [1])], [odds(0.8, 0.2)], [odds(0.1, 0.9)], score_classes)
    (example,) = found.examples
    assert [(mark.label, mark.box, mark.confidence) for mark in example.truth] == [("bolt", None, None)]
    assert (example.champion.wrong[0].label, example.champion.missed[0].label) == ("nut", "bolt")
    assert example.champion.missed[0].confidence == pytest.approx(0.2)
    assert example.challenger.right[0].confidence == pytest.approx(0.9)


def test_images_without_a_class_do_not_shift_the_others():
    truths = [truth(0, []), truth(1, [0], [1])]
    found = compared(truths, [odds(1, 0)] * 2, [odds(0, 1)] * 2, score_classes)
    assert [example.photo for example in found.examples] == [photo(1)]


def test_a_classifier_that_answers_nan_is_shown_as_a_loss():
    found = compared([truth(0, [0], [1])], [odds(0.1, 0.9)], [odds(np.nan, 0.5)], score_classes)
    answer = found.examples[0].challenger
    assert (found.worse, answer.right, answer.wrong, answer.missed[0].label) == (1, (), (), "bolt")


@pytest.mark.parametrize("score", [score_detections, score_classes])
def test_without_an_image_there_is_nothing_to_show(score):
    assert compared([], [], [], score) == Contrast()


def test_each_box_takes_one_object_and_the_surest_chooses_first():
    overlap = np.array([[0.9, 0.6], [0.8, 0.1], [0.0, 0.7]])
    assert assigned(overlap, 0.5).tolist() == [0, -1, 1]
    assert assigned(np.zeros((2, 0)), 0.5).tolist() == [-1, -1]


def test_a_manifest_tells_when_an_image_was_captured_and_an_older_one_need_not():
    row = {
        "image_id": "i0", "key": "k0.jpg", "sha256": f"{0:064x}", "camera": "line-1", "session": "s", "split": "test",
        "source": "recent", "objects": [], "labelled_at": NOON, "captured_at": NOON,
    }  # fmt: skip
    table = pa.Table.from_pylist([row], schema=DATASETS)
    assert photos(table) == [photo(0)]
    assert photos(table.drop_columns(["captured_at"])) == [replace(photo(0), captured_at=None)]
