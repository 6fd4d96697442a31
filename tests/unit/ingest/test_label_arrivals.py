"""Which labels are new to a champion, and when that is announced."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tasks.adapters.objects import ObjectInfo
from tasks.domain.contract_labels import LabelRecord, parse_label
from tasks.ingest.arrivals import LastLook, arrived

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
LOOK = LastLook(number=7, at=NOON, known={"a": NOON})


def landed(moment: datetime) -> ObjectInfo:
    return ObjectInfo(key="m/labels/a.json", size=1, etag="e", modified=moment)


def label(image_id: str, at: datetime = NOON) -> LabelRecord:
    row = {"schema": 1, "image_id": image_id, "kind": "detect", "objects": [], "annotator": "kim"}
    found = parse_label(json.dumps({**row, "labelled_at": at.isoformat()}))
    assert isinstance(found, LabelRecord)
    return found


def test_a_label_that_came_while_the_evaluation_ran_is_looked_at() -> None:
    during = landed(NOON - 90 * MINUTE)
    assert LOOK.candidates([during]) == [during]
    assert LOOK.unseen([label("b", NOON - 90 * MINUTE)]) == 1


def test_a_label_that_names_only_its_key_is_known_by_its_key() -> None:
    told = {"schema": 1, "key": "m/images/c/b.png", "kind": "detect", "objects": [], "annotator": "kim"}
    found = parse_label(json.dumps({**told, "labelled_at": NOON.isoformat()}))
    assert isinstance(found, LabelRecord)
    assert LOOK.unseen([found]) == 1
    assert LastLook(number=7, at=NOON, known={"m/images/c/b.png": NOON}).unseen([found]) == 0


def test_files_from_long_before_the_evaluation_are_not_read() -> None:
    assert LOOK.candidates([landed(NOON - timedelta(days=2))]) == []


def test_a_version_that_was_never_evaluated_knows_what_was_there_when_it_was_made() -> None:
    never = LastLook(number=0, at=NOON)
    after = landed(NOON + MINUTE)
    assert never.candidates([landed(NOON - MINUTE), landed(NOON), after]) == [after]


def test_a_correction_is_new_and_an_older_label_is_not() -> None:
    assert LOOK.unseen([label("a", NOON + MINUTE)]) == 1
    assert LOOK.unseen([label("a")]) == LOOK.unseen([label("a", NOON - MINUTE)]) == 0


@given(counts=st.lists(st.integers(0, 5), max_size=40), least=st.integers(1, 20))
def test_however_often_it_is_asked_there_is_one_announcement_per_so_many_labels(counts: list[int], least: int) -> None:
    total, keys = 0, set()
    for more in counts:
        total += more
        found = arrived("m", "f" * 64, LOOK, total, least)
        assert (found is None) == (total < least)
        keys |= {found.key} if found else set()
    assert len(keys) <= total // least


def test_another_champion_or_another_evaluation_is_another_announcement() -> None:
    looks = (LOOK, LastLook(number=8, at=NOON))
    found = [arrived("m", sha256, look, 5, 5) for sha256 in ("a" * 64, "b" * 64) for look in looks]
    assert len({each.key for each in found if each}) == 4
