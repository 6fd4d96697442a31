"""Which labelled images a calibration looks at: all times, the newest first among many, and again once it is time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tasks.estimate.chosen import chosen, newest, outgrown, until
from tests.unit.ledger.ledger_cases import content_hash

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def row(number: int, content: int | None = None) -> dict[str, Any]:
    return {"sha256": content_hash(str(number if content is None else content)),
            "captured_at": NOON + timedelta(hours=number)}  # fmt: skip


def hours(rows: list[Any]) -> set[int]:
    return {round((each["captured_at"] - NOON) / timedelta(hours=1)) for each in rows}


@given(st.integers(0, 90), st.integers(1, 60), st.randoms(use_true_random=False))
def test_as_many_as_there_is_room_for_each_content_once_in_an_order_of_their_own(
    count: int, most: int, random: Any
) -> None:
    rows = [row(n) for n in range(count)] + [row(n) for n in range(count // 3)]
    found = chosen(rows, most)
    assert len(found) == min(count, most) == len({each["sha256"] for each in found})
    random.shuffle(rows)
    assert chosen(rows, most) == found


def test_of_many_half_are_the_newest_and_the_rest_of_all_times() -> None:
    found = hours(chosen([row(n) for n in range(1000)], 100))
    assert set(range(950, 1000)) <= found
    older = sorted(found - set(range(950, 1000)))
    assert older[0] < 200 and older[-1] > 750, "not only those just before"


def test_the_order_is_of_no_time() -> None:
    moments = [each["captured_at"] for each in chosen([row(n) for n in range(300)], 100)]
    half = {moment > NOON + timedelta(hours=250) for moment in moments[:20]}
    assert half == {True, False}, "the first ones are damaged: they must not be of one time"


def test_it_is_time_again_with_half_as_many_more_or_as_large_a_part_newer() -> None:
    before = {"labels": 100, "until": (NOON + timedelta(hours=99)).isoformat()}
    first = [row(n) for n in range(100)]
    assert not outgrown(before, first)
    assert not outgrown(before, [row(n) for n in range(149)])
    assert outgrown(before, [row(n) for n in range(150)])
    assert not outgrown(before, [row(n) for n in range(30, 130)]), "30 of 100 are newer"
    assert outgrown(before, [row(n) for n in range(40, 140)])
    assert outgrown(before, [row(-n) for n in range(150)]), "older labels that arrive late count, too"


def test_what_an_earlier_program_noted_says_only_how_many_there_were() -> None:
    assert not outgrown({"labels": 100}, [row(n) for n in range(500, 600)])
    assert outgrown({"labels": 100}, [row(n) for n in range(150)])
    assert until([]) is None and until([row(3), row(9), row(1)]) == NOON + timedelta(hours=9)


def test_the_newest_are_the_newer_half_wherever_they_stand() -> None:
    rows = [row(n) for n in (5, 1, 4, 2, 3)]
    assert [rows[at] for at in newest(rows)] == [row(5), row(4), row(3)]
    assert newest([]) == []
