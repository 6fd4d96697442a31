"""A mark tells growth from everything else that happens to a listing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tasks.adapters.objects import ObjectInfo
from tasks.ingest.marks import grew, mark_of

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def info(name: str, etag: str = "e", minutes: int = 0) -> ObjectInfo:
    return ObjectInfo(key=f"m/images/c/{name}.jpg", size=1, etag=etag, modified=NOON + timedelta(minutes=minutes))


BEFORE = [info("a"), info("b", minutes=1)]


@given(listed=st.permutations([info("a"), info("b"), info("c", "f")]))
def test_the_order_of_a_listing_does_not_matter(listed: list[ObjectInfo]) -> None:
    assert not grew(mark_of([info("a"), info("b"), info("c", "f")]), mark_of(listed))


def test_a_new_object_is_growth_even_in_a_window_that_was_empty() -> None:
    assert grew(mark_of(BEFORE), mark_of([*BEFORE, info("c", minutes=90)]))
    assert grew(mark_of([]), mark_of([info("a")]))


def test_an_object_that_an_earlier_listing_did_not_show_is_growth_although_it_is_old() -> None:
    assert grew(mark_of(BEFORE), mark_of([*BEFORE, info("c", minutes=-5)]))


def test_an_object_that_was_overwritten_is_growth() -> None:
    assert grew(mark_of(BEFORE), mark_of([info("a"), info("b", "other", minutes=90)]))


def test_a_copy_with_the_same_bytes_is_none() -> None:
    assert not grew(mark_of(BEFORE), mark_of([info("a", minutes=90), info("b", minutes=90)]))


def test_objects_that_were_deleted_are_no_reason_to_judge_again() -> None:
    assert not grew(mark_of(BEFORE), mark_of(BEFORE[:1]))
    assert not grew(mark_of(BEFORE), mark_of([]))


def test_a_deleted_object_does_not_hide_a_new_one() -> None:
    assert grew(mark_of(BEFORE), mark_of([BEFORE[0], info("c", minutes=90)]))


def test_without_a_mark_nobody_can_tell() -> None:
    assert not grew("", mark_of(BEFORE))
