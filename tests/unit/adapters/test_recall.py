"""An answer is looked up where nothing that it was made from has changed, and made again where anything has."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from tasks.adapters import recall
from tasks.adapters.recall import answer_key, program, recalled
from tasks.domain.errors import StoreUnavailable
from tasks.domain.snapshot import Claim
from tasks.domain.window import Window
from tests.fakes.memory_store import MemoryStore

HOUR = Window(datetime(2026, 11, 20, 6, tzinfo=UTC), datetime(2026, 11, 20, 7, tzinfo=UTC))
CLAIM = Claim(model="m", window=HOUR, epoch=1, revision=1)
KEY = answer_key(CLAIM, "drift", ("digest", "rules"))


class Worker:
    """Counts how often it was asked."""

    def __init__(self, answer: Any) -> None:
        self.asked, self.answer = 0, answer

    def __call__(self) -> Any:
        self.asked += 1
        return self.answer


def test_an_answer_is_made_once_and_comes_back_as_it_was() -> None:
    store = MemoryStore()
    work = Worker({"value": np.float64(0.1) + 0.2, "n": np.int64(7), "none": None, "gone": math.nan, "far": math.inf,
                   "words": "Größe \ud800", "rows": [np.float32(0.5)]})  # fmt: skip
    first, second = (recalled(store, KEY, work) for _ in range(2))  # type: ignore[arg-type]
    assert work.asked == 1
    assert repr(first) == repr(second)
    assert first["value"] == 0.1 + 0.2 and first["n"] == 7 and math.isnan(first["gone"]) and first["far"] == math.inf
    assert first["words"] == "Größe \ud800"


def test_a_revision_is_no_other_question_but_all_else_is() -> None:
    again = answer_key(replace(CLAIM, epoch=9, revision=2), "drift", ("digest", "rules"))
    assert again == KEY
    later = replace(CLAIM, window=Window(HOUR.start, HOUR.end.replace(hour=8)))
    others = [
        answer_key(CLAIM, "camera", ("digest", "rules")), answer_key(CLAIM, "drift", ("digest", "other rules")),
        answer_key(CLAIM, "drift", ("digestrules",)), answer_key(CLAIM, "drift", ("rules", "digest")),
        answer_key(later, "drift", ("digest", "rules")),
    ]  # fmt: skip
    assert len({KEY, *others}) == 6


def test_the_program_and_the_libraries_that_compute_are_part_of_the_question(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(program()) == 64 and program() == program()
    known = {name: recall._version(name) for name in recall.LIBRARIES}
    assert all(known.values()), "a library that is not there says nothing of what answers are computed with"
    before = program()
    program.cache_clear()
    monkeypatch.setattr(recall, "_version", lambda name: "newer")
    assert program() != before
    program.cache_clear()


@pytest.mark.parametrize("damage", [b"", b"{", b"[1]", b"\xff\xfe"])
def test_a_damaged_answer_is_made_again(damage: bytes) -> None:
    store, work = MemoryStore(), Worker({"n": 1})
    recalled(store, KEY, work)  # type: ignore[arg-type]
    store.put(KEY, damage)
    assert recalled(store, KEY, work) == {"n": 1}  # type: ignore[arg-type]
    assert work.asked == 2
    assert recalled(store, KEY, work) == {"n": 1} and work.asked == 2  # type: ignore[arg-type]


def test_an_answer_whose_page_is_gone_is_made_again() -> None:
    store, work = MemoryStore(), Worker({"page": "s3://memory/page.html"})
    for there, asked in ((True, 1), (True, 1), (False, 2)):
        store.put("page.html", b"x") if there else store.delete("page.html")
        recalled(store, KEY, work, lambda found: [found["page"]])  # type: ignore[arg-type]
        assert work.asked == asked


def test_an_answer_that_is_too_large_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recall, "MAX_BYTES", 10)
    store, work = MemoryStore(), Worker({"n": "x" * 20})
    for _ in range(2):
        assert recalled(store, KEY, work)["n"] == "x" * 20  # type: ignore[arg-type]
    assert work.asked == 2 and store.objects == {}


def test_a_store_that_is_away_is_an_outage_and_no_missing_answer() -> None:
    store, work = MemoryStore(), Worker({})
    store.away = True
    with pytest.raises(StoreUnavailable):
        recalled(store, KEY, work)  # type: ignore[arg-type]
    assert not work.asked
