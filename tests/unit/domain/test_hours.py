"""Day is held against day and night against night."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest
from pydantic import TypeAdapter, ValidationError

from tasks.domain.hours import ContextHours, hours_around, same_hours
from tasks.domain.window import Window

START = datetime(2026, 11, 20, tzinfo=UTC)
SCHEMA = pa.schema([("camera", pa.string()), ("captured_at", pa.timestamp("us", "UTC")), ("dhash", pa.string())])


def window(first, last):
    return Window(START + timedelta(hours=first), START + timedelta(hours=last))


def pictures(camera, hours, hashes=None):
    rows = [
        {"camera": camera, "captured_at": START + timedelta(hours=hour), "dhash": f"{number * 0xF0F0F0F0F:016x}"}
        for number, hour in enumerate(hours)
    ]
    return [row | {"dhash": hashes or row["dhash"]} for row in rows]


def hours_left(rows, judged, around=3, least=2):
    table = same_hours(pa.Table.from_pylist(rows, schema=SCHEMA), judged, around, 2, least)
    return [(row["camera"], row["captured_at"].hour) for row in table.to_pylist()]


@pytest.mark.parametrize(
    ("first", "last", "around", "hours"),
    [
        (0, 1, 0, {0}),
        (0, 1, 2, {22, 23, 0, 1, 2}),
        (2, 4, 0, {2, 3}),
        (23, 25, 1, {22, 23, 0, 1}),
        (0.5, 2.5, 0, {0, 1, 2}),
        (5, 29, 0, set(range(24))),
        (7, 8, 12, set(range(24))),
    ],
)
def test_the_hours_around_a_window_go_on_over_midnight(first, last, around, hours):
    assert hours_around(window(first, last), around) == hours


def test_pictures_of_the_windows_own_hours_are_taken_first():
    rows = pictures("a", [0, 1, 2, 3, 12, 23, 25])
    assert hours_left(rows, window(1, 2)) == [("a", 1), ("a", 1)]


def test_as_many_hours_around_are_added_as_are_needed():
    rows = pictures("a", [0, 1, 2, 3, 12, 23, 25])
    assert hours_left(rows, window(1, 2), least=3) == [("a", 0), ("a", 1), ("a", 2), ("a", 1)]
    assert hours_left(rows, window(1, 2), least=5) == [("a", hour) for hour in (0, 1, 2, 3, 23, 1)]
    assert len(hours_left(rows, window(1, 2), least=5, around=1)) == 7


def test_a_camera_without_enough_of_them_keeps_all_and_the_others_do_not():
    rows = pictures("a", [0, 0, 12]) + pictures("b", [1, 12, 13])
    assert hours_left(rows, window(0, 1)) == [("a", 0), ("a", 0), ("b", 1), ("b", 12), ("b", 13)]


def test_repeats_of_one_scene_are_not_enough():
    rows = pictures("a", [0, 1, 2], hashes="0" * 16) + pictures("a", [12])
    assert len(hours_left(rows, window(0, 1))) == 4
    assert len(hours_left(rows, window(0, 1), least=1)) == 1


def test_a_whole_day_and_twelve_hours_around_make_no_difference():
    rows = pictures("a", [0, 1, 12, 13])
    assert len(hours_left(rows, window(0, 24))) == 4
    assert len(hours_left(rows, window(0, 1), around=12)) == 4


def test_hours_that_do_not_divide_a_day_are_refused():
    assert TypeAdapter(ContextHours).validate_python(6) == 6
    for wrong in (0, 5, 25):
        with pytest.raises(ValidationError):
            TypeAdapter(ContextHours).validate_python(wrong)
