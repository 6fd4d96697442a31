"""Objects that moved are found per image, in words that point; more boxes in an image are no more evidence."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from tasks.domain.confirmation import unsure
from tasks.domain.finding import Outcome
from tasks.domain.subjects import Topic, topic
from tasks.outliers.moved import contrast, direction, place_findings
from tasks.outliers.places import SIDE, places
from tasks.outliers.rules import OutlierRules
from tests.unit.outliers.plant import DIMENSIONS, table

RULES = OutlierRules()


def scene(rng, images, middle=(0.6, 0.4), spread=0.08, boxes=2, camera="cam-2", apart=timedelta(minutes=10)):
    """A table of one camera whose images show some objects about one place."""
    centres = [
        np.clip(np.asarray(middle) + spread * rng.standard_normal((boxes, 2)), 0, 1).tolist() for _ in range(images)
    ]
    return table(np.zeros((images, DIMENSIONS), np.float32), [camera] * images, centres, apart=apart)


def found(before, after):
    return place_findings(places(before, 0.25), places(after, 0.25), RULES)


def test_objects_that_moved_to_the_lower_left_are_said_to_have():
    rng = np.random.default_rng(1)
    (finding,) = found(scene(rng, 120), scene(rng, 60, middle=(0.4, 0.65)))
    assert (finding.outcome, finding.slice, finding.n) == (Outcome.BREACH, "camera=cam-2", 60)
    assert finding.note.startswith("moved to the lower left (by 2")
    assert topic(finding.subject) is Topic.PREDICTION


@pytest.mark.parametrize(
    ("middle", "words"),
    [((0.9, 0.4), "the right"), ((0.6, 0.1), "the top"), ((0.3, 0.1), "the upper left"), ((0.61, 0.8), "the bottom")],
)
def test_directions_have_names(middle, words):
    rng = np.random.default_rng(2)
    was, now = (places(scene(rng, 40, middle=at), 0.25)["cam-2"] for at in ((0.6, 0.4), middle))
    assert direction(was, now).startswith(f"moved to {words} (")


def test_objects_that_went_both_ways_are_described_by_what_gained_and_what_lost():
    rng = np.random.default_rng(3)
    left, right = (scene(rng, 40, middle=(x, 0.5), spread=0.03) for x in (0.1, 0.9))
    was = places(scene(rng, 80, middle=(0.5, 0.5)), 0.25)["cam-2"]
    both = places(left, 0.25)["cam-2"].grids, places(right, 0.25)["cam-2"].grids
    now = places(scene(rng, 80, middle=(0.5, 0.5)), 0.25)["cam-2"]
    now = type(now)(grids=np.concatenate(both), centres=np.full((80, 2), 0.5), images=80)
    assert "less at the middle" in direction(was, now)
    assert contrast(was, now, 0.01).p_value < 0.01


def test_one_window_of_a_month_waits_for_a_second_witness_where_it_is_not_sure():
    rng = np.random.default_rng(8)
    before, after = (places(scene(rng, 80, middle), 0.25) for middle in ((0.6, 0.4), (0.57, 0.43)))
    asked, scheduled = (place_findings(before, after, RULES, month=part)[0] for part in (1.0, 1e-4))
    assert asked.outcome is Outcome.BREACH and unsure(scheduled) and scheduled.value == asked.value


def test_healthy_windows_seldom_find_anything():
    rng = np.random.default_rng(4)
    reference = places(scene(rng, 200), 0.25)
    alarms = sum(
        place_findings(reference, places(scene(rng, 50), 0.25), RULES)[0].outcome is Outcome.BREACH for _ in range(100)
    )
    assert alarms <= 3


def test_p_values_of_healthy_windows_are_not_too_small():
    rng = np.random.default_rng(5)
    values = []
    for _ in range(200):
        reference, window = (places(scene(rng, 60), 0.25)["cam-2"] for _ in range(2))
        values.append(contrast(reference, window, 0.5).p_value)
    assert np.mean(np.array(values) <= 0.05) <= 0.09


def test_twenty_boxes_in_one_image_are_one_piece_of_evidence():
    rng = np.random.default_rng(6)
    crowded = [scene(rng, 1, middle=tuple(rng.random(2)), spread=0.01, boxes=20, camera="c") for _ in range(60)]
    maps = [places(each, 0.25)["c"].grids for each in crowded]
    first, second = (
        type(places(crowded[0], 0.25)["c"])(grids=np.concatenate(part), centres=np.zeros((30, 2)), images=30)
        for part in (maps[:30], maps[30:])
    )
    assert contrast(first, second, 0.01).p_value > 0.01


def test_a_burst_counts_once():
    rng = np.random.default_rng(7)
    burst = places(scene(rng, 60, apart=timedelta(seconds=1)), 0.25)["cam-2"]
    assert (len(burst), burst.images) == (1, 60)
    assert burst.grids.sum() == pytest.approx(1)


def test_few_images_with_objects_are_not_asked_and_no_camera_is_no_error():
    rng = np.random.default_rng(8)
    assert found(scene(rng, 100), scene(rng, 24)) == ()
    assert found(scene(rng, 100), scene(rng, 40, camera="new")) == ()
    empty = scene(rng, 30, boxes=0)
    assert places(empty, 0.25) == {}
    assert found(empty.slice(0, 0), empty) == ()


def test_boxes_without_numbers_or_under_the_confidence_have_no_place():
    rows = scene(np.random.default_rng(9), 3, boxes=1).to_pylist()
    rows[0]["detections"][0]["box"] = [float("nan"), 0.0, 1.0, 1.0]
    rows[1]["detections"][0]["box"] = None
    rows[2]["detections"] += [{"class_id": 0, "confidence": 0.1, "box": [0.0, 0.0, 2.0, 2.0]}]
    schema = scene(np.random.default_rng(9), 1).schema
    left = places(type(scene(np.random.default_rng(9), 1)).from_pylist(rows, schema=schema), 0.25)
    assert left["cam-2"].images == 1
    assert left["cam-2"].grids[0].max() == 1.0


def test_a_box_at_the_very_edge_is_in_the_last_cell():
    edge = scene(np.random.default_rng(10), 1, middle=(1.0, 1.0), spread=0.0, boxes=1)
    assert places(edge, 0.25)["cam-2"].heat().argmax() == SIDE * SIDE - 1


def test_the_order_of_images_changes_nothing():
    rng = np.random.default_rng(11)
    before, after = scene(rng, 60), scene(rng, 40, middle=(0.5, 0.5))
    assert found(before, after.take(list(range(40))[::-1])) == found(before, after)
