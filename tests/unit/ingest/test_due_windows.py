"""Windows tile time: none is forgotten, none overlaps, whatever was judged before."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.domain.errors import ConfigError
from tasks.domain.window import EPOCH, Window
from tasks.ingest.due import span_windows, windows_due

HOUR = timedelta(hours=1)
EARLIEST = datetime.fromisoformat("0010-01-01")
NEWEST = Window.containing(datetime(2026, 3, 29, 12, tzinfo=UTC), HOUR)


def back(count: int) -> Window:
    return Window(NEWEST.start - HOUR * count, NEWEST.end - HOUR * count)


def test_a_model_that_was_never_judged_starts_with_the_newest_window() -> None:
    assert windows_due(NEWEST, None, 24) == [NEWEST]


def test_nothing_is_due_when_the_newest_window_was_judged() -> None:
    assert windows_due(NEWEST, NEWEST, 24) == []


@given(gap=st.integers(1, 200), most=st.integers(1, 48))
def test_every_missing_window_is_due_once_oldest_first_and_at_most_the_newest_so_many(gap: int, most: int) -> None:
    due = windows_due(NEWEST, back(gap), most)
    assert len(due) == min(gap, most)
    assert due[-1] == NEWEST
    assert all(first.end == second.start for first, second in itertools.pairwise(due))


def test_another_length_of_windows_starts_anew() -> None:
    assert windows_due(NEWEST, Window(NEWEST.start - 24 * HOUR, NEWEST.start), 24) == [NEWEST]


@given(moment=st.datetimes(min_value=EARLIEST, timezones=st.just(UTC)), hours=st.integers(1, 48))
def test_the_window_that_contains_a_moment_is_one_of_the_tiles(moment: datetime, hours: int) -> None:
    found = Window.containing(moment, HOUR * hours)
    assert found.contains(moment)
    assert Window.containing(found.end, HOUR * hours).start == found.end


def test_a_span_is_cut_into_every_whole_window_inside_it_oldest_first() -> None:
    span = "2026-03-28T23:10:00Z/2026-03-29T02:30:00Z"
    assert [window.start.hour for window in span_windows(span, HOUR)] == [0, 1]


@given(first=st.integers(-500_000, 500_000), count=st.integers(1, 100), hours=st.integers(1, 24))
def test_a_span_of_whole_windows_is_cut_without_gap_or_overlap(first: int, count: int, hours: int) -> None:
    length = HOUR * hours
    span = Window(EPOCH + first * length, EPOCH + (first + count) * length)
    found = span_windows(str(span), length)
    assert len(found) == count
    assert (found[0].start, found[-1].end) == (span.start, span.end)
    assert all(one.end == two.start for one, two in itertools.pairwise(found))


def test_a_span_without_a_whole_window_says_how_long_windows_are() -> None:
    with pytest.raises(ConfigError, match="windows are 1 day"):
        span_windows("2026-03-29T01:00:00Z/2026-03-30T01:00:00Z", timedelta(days=1))
