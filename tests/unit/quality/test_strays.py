"""What does not lie as the contract says is seen where a window lacks data, by a few lists."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tasks.adapters.objects import ObjectInfo
from tasks.adapters.tables import TableStore
from tasks.domain.finding import Outcome, Report
from tasks.domain.judge import judge
from tasks.domain.snapshot import Claim, Snapshot
from tasks.domain.tables import CATALOG, PREDICTIONS
from tasks.domain.window import Window
from tasks.quality import task as stage
from tasks.quality.rules import QualityRules
from tasks.quality.strays import PAGE, searched
from tests.fakes.memory_store import MemoryStore

WINDOW = Window.parse("2026-11-20T06:00:00Z/2026-11-20T07:00:00Z")
RIGHT = ("parts/images/cam-1/2026/11/20/06/a.jpg", "parts/predictions/date=2026-11-20/hour=06/a.jsonl")
WRONG = (
    "parts/images/cam-1/2026/11/20/6/a.jpg", "parts/images/cam-1/2026-11-20/06/b.jpg", "parts/images/c.jpg",
    "parts/images/cam-1/d.jpg", "parts/images/hall-1/cam-1/2026/11/20/06/e.jpg", "parts/predictions/h.jsonl",
    "parts/predictions/date=2026-11-20/h.jsonl", "parts/predictions/2026/11/20/06/i.jsonl",
    "parts/predictions/date=2026-11-20/hour=6/j.jsonl", "parts/images/cam-1/2026/11/20/k.jpg",
)  # fmt: skip


class Counting(MemoryStore):
    """Counts how many objects were listed."""

    listed = 0

    def list(self, prefix: str, start_after: str = "") -> Iterator[ObjectInfo]:
        for each in super().list(prefix, start_after):
            self.listed += 1
            yield each


def bucket(*keys: str) -> Counting:
    store = Counting()
    for key in keys:
        store.put(key, b"x")
    return store


@pytest.mark.parametrize("key", WRONG)
def test_an_object_beside_the_layout_is_named(key: str) -> None:
    (found,) = searched(bucket(*RIGHT, key), "parts", WINDOW)  # type: ignore[arg-type]
    assert (found.outcome, found.value) == (Outcome.INCONCLUSIVE, 1)
    assert found.note.startswith(f"1 object lies where no window looks, e.g. {key!r}; the layout is <model>/images/")


def test_all_of_them_are_counted_once() -> None:
    (found,) = searched(bucket(*RIGHT, *WRONG), "parts", WINDOW)  # type: ignore[arg-type]
    assert found.value == len(WRONG)


def test_what_lies_right_and_what_tools_leave_is_not_told() -> None:
    left = ("parts/images/.DS_Store", "parts/predictions/_SUCCESS", "parts/images/cam-1/", "parts/images/cam-1/2026/")
    assert searched(bucket(*RIGHT, *left), "parts", WINDOW) == ()  # type: ignore[arg-type]


def test_of_a_wrong_folder_only_a_page_is_read() -> None:
    store = bucket(*(f"parts/images/cam-1/2026-11-20/{number}.jpg" for number in range(3 * PAGE)))
    (found,) = searched(store, "parts", WINDOW)  # type: ignore[arg-type]
    assert found.value == PAGE


def test_where_others_say_what_is_usual_only_what_is_new_counts() -> None:
    store = bucket(*WRONG[:3])
    store.landed = datetime(2026, 11, 19, tzinfo=UTC)
    store.put(WRONG[3], b"x")
    (found,) = searched(store, "parts", WINDOW, WINDOW.start)  # type: ignore[arg-type]
    assert found.value == 3


@pytest.mark.parametrize(
    ("accepted", "usual", "told"), [(0, [], True), (10, [100] * 5, True), (60, [100] * 5, False), (10, [100], False)]
)
def test_a_window_that_lacks_data_says_where_they_may_be(
    accepted: int, usual: list[int], told: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = bucket(*WRONG)
    tables = TableStore(store, tmp_path)  # type: ignore[arg-type]
    past = [SimpleNamespace(window=WINDOW, facts=SimpleNamespace(accepted=each)) for each in usual]
    book: Any = SimpleNamespace(windows=SimpleNamespace(latest=lambda model, limit: past))
    for name, thing in (("store", store), ("tables", tables), ("ledger", book)):
        monkeypatch.setattr(stage, name, lambda thing=thing: thing)
    monkeypatch.setattr(stage, "classes_of", lambda model: ("a",))
    monkeypatch.setattr(stage, "_accepted", lambda model: (None, ()))
    row = {"image_id": "i", "key": "k", "captured_at": WINDOW.start, "camera": "c", "model_version": "1",
           "kind": "detect", "width": 9, "height": 9, "detections": []}  # fmt: skip
    answers = PREDICTIONS.empty_table() if not accepted else stage.pa.Table.from_pylist([row], schema=PREDICTIONS)
    shown = Snapshot(
        claim=Claim(model="parts", window=WINDOW, epoch=1, revision=1),
        catalog=tables.write(CATALOG.empty_table(), "catalog", "c.parquet"),
        predictions=tables.write(answers, "predictions", "p.parquet"),
        listed=accepted, accepted=accepted, quarantined=0,
    )  # fmt: skip
    report = stage.check_quality.fn(shown, QualityRules()).report
    assert ("layout" in {each.check for each in report.findings}) is told
    if not accepted:
        verdict = judge([Report(stage=report.stage, findings=report.findings)], (), None)
        assert verdict.outcome is Outcome.INCONCLUSIVE and "where no window looks" in verdict.sentence
