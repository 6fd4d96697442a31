"""A very large window is asked piece by piece, and answers what it would answer whole."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest

from tasks.adapters.tables import TableStore
from tasks.domain.finding import Finding
from tasks.domain.snapshot import Claim, Snapshot
from tasks.domain.tables import CATALOG, PREDICTIONS
from tasks.domain.window import Window
from tasks.quality import pieces
from tasks.quality import task as stage
from tasks.quality.rules import QualityRules
from tests.fakes.memory_store import MemoryStore

HOUR = Window(datetime(2026, 11, 20, 6, tzinfo=UTC), datetime(2026, 11, 20, 7, tzinfo=UTC))
RULES = QualityRules(max_crossed=0.02, max_unanswered=0.1)


def row(number: int) -> dict[str, Any]:
    """Every tenth image has no answer, every fifteenth has the bytes of the one before it, from another camera."""
    box = {"class_id": number % 3, "confidence": 0.5 if number != 33 else 1.5, "box": [1.0, 1.0, 9.0, 9.0]}
    copied = number - (number % 15 == 14)
    return {
        "key": f"k{number:03d}", "image_id": f"i{number:03d}", "captured_at": HOUR.start + timedelta(seconds=number),
        "camera": f"cam-{number % 4}", "size": 9, "etag": "e", "sha256": f"{copied:064x}", "verdict": "accepted",
        "reason": "", "note": "", "kind": "detect", "model_version": "1", "width": 16, "height": 16,
        "detections": [box],
    }  # fmt: skip


@pytest.fixture
def findings(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    store = MemoryStore()
    tables = TableStore(store, tmp_path)  # type: ignore[arg-type]
    monkeypatch.setattr(stage, "store", lambda: store)
    monkeypatch.setattr(stage, "tables", lambda: tables)
    monkeypatch.setattr(stage, "classes_of", lambda model: ("a", "b", "c"))
    book: Any = SimpleNamespace(windows=SimpleNamespace(latest=lambda model, limit: []))
    monkeypatch.setattr(stage, "ledger", lambda: book)
    monkeypatch.setattr(stage, "_accepted", lambda model: (None, ()))
    rows = [row(number) for number in range(120)]
    catalog = tables.write(pa.Table.from_pylist(rows, schema=CATALOG), "catalog", "c.parquet")
    answered = [each for at, each in enumerate(rows) if at % 10]
    answers = tables.write(pa.Table.from_pylist(answered[::-1], schema=PREDICTIONS), "predictions", "p.parquet")

    def asked(piece: int) -> list[Finding]:
        monkeypatch.setattr(stage, "PIECE", piece)
        for key in [key for key in store.objects if "/found/" in key]:
            store.delete(key)  # answered anew, or one way of asking would be held against itself
        claim = Claim(model="m", window=HOUR, epoch=1, revision=1)
        shown = Snapshot(claim=claim, catalog=catalog, predictions=answers, listed=120, accepted=120, quarantined=0)
        return sorted(stage.check_quality.fn(shown, RULES).report.findings, key=lambda f: (f.check, f.subject))

    return asked


def test_the_pieces_of_a_window_answer_as_the_whole(findings: Any) -> None:
    whole, parts = findings(1_000), findings(50)
    assert [(f.check, f.subject, f.outcome, f.n) for f in parts] == [
        (f.check, f.subject, f.outcome, f.n) for f in whole
    ]
    assert [f.value for f in parts] == pytest.approx([f.value for f in whole])
    told = {f.check: f.value for f in parts}
    assert told["crossed_share"] == pytest.approx(16 / 120)
    assert told["unanswered_share"] == pytest.approx(0.1)


def test_one_bad_row_in_any_piece_is_found(findings: Any) -> None:
    (wrong,) = [f for f in findings(50) if f.check == "range" and f.subject == "detections.confidence"]
    assert (wrong.value, wrong.note) == (1.0, "1 of 108 rows break it: i033: 1.5")


def test_a_sample_of_rows_knows_what_it_stands_for() -> None:
    table = pa.Table.from_pylist([{**row(n), "sampling_probability": None} for n in range(2_000)], schema=CATALOG)
    (found,) = pieces.drawn([table], 0.25)
    assert 420 <= found.num_rows <= 580
    assert set(found["sampling_probability"].to_pylist()) == set(found["drawn"].to_pylist()) == {0.25}
    kept = pa.Table.from_pylist([{**row(n), "sampling_probability": 0.1, "drawn": 0.5} for n in range(9)], CATALOG)
    (both,) = pieces.drawn([kept], 1.0)
    assert set(both["sampling_probability"].to_pylist()) == {0.1} and set(both["drawn"].to_pylist()) == {0.5}


def test_what_was_asked_before_is_not_asked_again_and_says_the_same(
    findings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = findings(50)
    delete = MemoryStore.delete
    monkeypatch.setattr(MemoryStore, "delete", lambda *given: None)
    monkeypatch.setattr(stage.expectations, "ask", None)
    assert findings(50) == first
    monkeypatch.setattr(MemoryStore, "delete", delete)
    with pytest.raises(TypeError):
        findings(50)
