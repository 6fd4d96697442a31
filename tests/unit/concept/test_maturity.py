"""A window is compared once its usual labels are back, and usual is what this model's windows usually get."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from tasks.concept.answered import Answered, Pair, answered, answered_json, answered_of
from tasks.concept.maturity import Seen, expected_share, label_digest, mature, window_row
from tasks.concept.rules import ConceptRules
from tasks.domain.window import Window

START = datetime(2026, 11, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
RULES = ConceptRules()


def image(name: str, at: datetime, lag: timedelta = HOUR, score: float = 1.0, camera: str = "a") -> Answered:
    return Answered(
        image_id=name, camera=camera, session=name, version="1", captured_at=at, labelled_at=at + lag,
        annotator="ada", golden=False, score=score, pairs=(Pair(answered=0, labelled=0, size=0.1, boxed=True),),
    )  # fmt: skip


def seen(number: int, labels: int, accepted: int = 100) -> Seen:
    window = Window(START + number * HOUR, START + (number + 1) * HOUR)
    images = [image(f"{number}-{n}", window.start) for n in range(labels)]
    return Seen(window=window, champion_sha256="c", accepted={"a": accepted}, images=images)


def test_before_anything_is_known_all_images_are_waited_for() -> None:
    assert expected_share([seen(0, 50)], START + 30 * HOUR, RULES) == 1.0
    assert not mature(window_row(seen(0, 50), "d", 1.0), RULES)
    assert mature(window_row(seen(0, 70), "d", 1.0), RULES)


def test_where_five_in_a_hundred_are_labelled_as_a_rule_five_are_all_that_is_waited_for() -> None:
    windows = [seen(n, 5) for n in range(8)]
    share = expected_share(windows, START + 30 * HOUR, RULES)
    assert share == 0.05
    assert mature(window_row(seen(9, 4), "d", share), RULES)
    assert not mature(window_row(seen(9, 3), "d", share), RULES)


def test_windows_that_still_wait_for_their_labels_teach_nothing() -> None:
    windows = [*[seen(n, 40) for n in range(6)], *[seen(n, 2) for n in range(20, 30)]]
    assert expected_share(windows, START + 20 * HOUR, RULES) == 0.4


def test_what_the_rules_expect_is_expected() -> None:
    assert expected_share([], START, ConceptRules(expected_share=0.2)) == 0.2


@pytest.mark.parametrize("labels", [0, 1])
def test_a_window_without_enough_sessions_has_no_interval(labels: int) -> None:
    row = window_row(seen(0, labels), "d", 1.0)
    assert row.headline.low != row.headline.low
    assert (row.n, row.metrics["labels"]) == (labels, labels)


def test_lag_and_coverage_are_told_for_every_camera_also_for_one_without_a_label() -> None:
    images = [image(f"i{n}", START, lag=HOUR * (n + 1)) for n in range(10)]
    window = Window(START, START + HOUR)
    row = window_row(Seen(window=window, champion_sha256="c", accepted={"a": 20, "b": 20}, images=images), "d", 1.0)
    assert (row.metrics["coverage"], row.metrics["coverage/a"], row.metrics["coverage/b"]) == (0.25, 0.5, 0.0)
    assert row.metrics["lag_median/a"] == 5.5 * 3600
    assert row.metrics["lag_p90"] == pytest.approx(9.1 * 3600)
    assert "lag_median/b" not in row.metrics


def test_images_come_back_as_they_were_written() -> None:
    images = [replace(image("i0", START, score=0.5), chance=0.1)]
    assert answered_of(answered_json(images)) == images
    [older] = answered_json(images)
    del older["chance"]
    assert answered_of([older])[0].chance == 1.0


def test_an_image_counts_for_as_many_as_it_was_picked_from() -> None:
    """Of 100 unsure images, half of them wrong, all were kept; of 900 sure ones, all right, one in ten."""
    unsure = [image(f"u{n}", START, score=float(n % 2)) for n in range(100)]
    sure = [replace(image(f"s{n}", START), chance=0.1) for n in range(90)]
    window = Window(START, START + HOUR)
    row = window_row(Seen(window=window, champion_sha256="c", accepted={"a": 1_000}, images=unsure + sure), "d", 1.0)
    assert row.headline.value == pytest.approx(0.95)
    assert 0.9 < row.headline.low < 0.95 < row.headline.high < 1.0


def test_only_a_window_whose_images_had_different_chances_is_scored_anew() -> None:
    assert label_digest([], "p", RULES) == label_digest([], "p", RULES, weighed=False)
    assert label_digest([], "p", RULES) != label_digest([], "p", RULES, weighed=True)


def row(**changes: object) -> dict[str, object]:
    box = {"class_id": 0, "box": [0.0, 0.0, 10.0, 10.0], "confidence": 0.9}
    base = {"image_id": "i", "camera": "a", "session": None, "model_version": "1", "captured_at": START,
            "kind": "detect", "detections": [box], "error": None}  # fmt: skip
    return base | changes


def told(*objects: dict[str, object], kind: str = "detect") -> dict[str, dict[str, object]]:
    label = {"kind": kind, "objects": list(objects), "labelled_at": START, "annotator": "ada", "golden": False}
    return {"i": label}


@pytest.mark.parametrize(
    ("objects", "score"),
    [
        ([{"class_id": 0, "box": [0.0, 0.0, 10.0, 10.0]}], 1.0),
        ([{"class_id": 1, "box": [0.0, 0.0, 10.0, 10.0]}], 0.0),
        ([{"class_id": 0, "box": [0.0, 0.0, 10.0, 10.0]}, {"class_id": 0, "box": [30.0, 30.0, 40.0, 40.0]}], 2 / 3),
        ([{"class_id": 0, "box": [0.0, 0.0, 10.0, 21.0]}], 0.0),
        ([], 0.0),
    ],
)
def test_an_image_scores_its_f1(objects: list[dict[str, object]], score: float) -> None:
    (found,) = answered([row()], told(*objects), 0.25)
    assert found.score == pytest.approx(score)


def test_what_was_not_sure_enough_was_not_answered_and_nothing_on_nothing_is_right() -> None:
    (found,) = answered([row()], told(), 0.95)
    assert found.score == 1.0 and found.pairs == ()


def test_a_class_is_right_or_wrong() -> None:
    cells = [{"class_id": 1, "confidence": 0.8, "box": None}, {"class_id": 0, "confidence": 0.2, "box": None}]
    scores = [
        answered([row(kind="classify", detections=cells)], told({"class_id": c}, kind="classify"), 0.25)[0].score
        for c in (0, 1)
    ]
    assert scores == [0.0, 1.0]


def test_failed_requests_and_labels_of_another_kind_are_left_out() -> None:
    assert answered([row(error="out of memory")], told(), 0.25) == []
    assert answered([row()], told({"class_id": 0}, kind="classify"), 0.25) == []


def turned(middle: tuple[float, float], degrees: float, sides: tuple[float, float] = (40, 10)) -> list[float]:
    """Eight numbers: the corners of a box in order around it."""
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    half = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * np.array(sides) / 2
    return [float(each) for each in (half @ turn + middle).ravel()]


def oriented(corners: list[float], **more: object) -> dict[str, object]:
    points = np.reshape(corners, (-1, 2))
    return {"class_id": 0, "box": [*points.min(0), *points.max(0)], "corners": corners, **more}


def scored_turned(answer: list[float], label: list[float]) -> Answered:
    predictions = row(kind="obb", detections=[oriented(answer, confidence=0.9)])
    said = {"kind": "obb", "objects": [oriented(label)], "labelled_at": START, "annotator": "a", "golden": False}
    (found,) = answered([predictions], {"i": said}, 0.25)
    return found


def test_turned_boxes_of_production_are_scored_as_turned_boxes() -> None:
    right = scored_turned(turned((50, 50), 44), turned((50, 50), 45))
    assert (right.score, len(right.pairs)) == (1.0, 1)
    across = scored_turned(turned((50, 50), 135), turned((50, 50), 45))
    assert across.score == 0.0, "their upright boxes are the same, what they mark is not"


def test_how_far_a_turned_label_lies_from_the_answer_is_measured_whatever_the_angle() -> None:
    for degrees in (0, 30, 45, 90):
        found = scored_turned(turned((50, 50), degrees, (20, 20)), turned((54, 50), degrees, (22, 22)))
        (pair,) = found.pairs
        assert (pair.right, pair.down) == pytest.approx((0.2, 0.0), abs=1e-5) and pair.boxed
        assert pair.size == pytest.approx(np.log(22 * 22 / 400), abs=1e-5)


def test_an_oriented_answer_without_corners_counts_as_its_upright_box() -> None:
    box = oriented(turned((50, 50), 45), confidence=0.9) | {"corners": None}
    said = {"kind": "obb", "objects": [oriented(turned((50, 50), 135))], "labelled_at": START, "annotator": "a",
            "golden": False}  # fmt: skip
    (found,) = answered([row(kind="obb", detections=[box])], {"i": said}, 0.25)
    assert found.score == 1.0
