"""Windows of video, one after the other, with a real ledger: what is kept, and what later windows make of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from tasks.adapters.ledger.records import WindowFacts
from tasks.adapters.ledger.store import Ledger
from tasks.adapters.tables import TableStore
from tasks.domain.finding import Outcome
from tasks.domain.judge import judge
from tasks.domain.snapshot import Snapshot
from tasks.domain.tables import PREDICTIONS, REFERENCES
from tasks.domain.window import Window
from tasks.flicker import task as stage
from tasks.flicker.rules import FlickerRules
from tests.fakes.memory_store import MemoryStore
from tests.unit.ledger.ledger_cases import MODEL, bootstrap, content_hash, table

START = datetime(2026, 11, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
RULES = FlickerRules()


class Line:
    """A camera that films: twelve sessions an hour, ten frames each."""

    def __init__(self, folder: Path) -> None:
        url = f"sqlite:///{folder / 'ledger.db'}"
        Ledger.upgrade(url)
        self.book = Ledger.open(url)
        self.tables = TableStore(MemoryStore(), folder / "tables")  # type: ignore[arg-type]
        bootstrap(self.book)
        empty = self.tables.write(REFERENCES.empty_table(), "references", "r.parquet")
        number = self.book.references.pin(MODEL, content_hash("A"), empty, "ada", "healthy")
        self.reference = self.book.references.get(number)
        self.champion = self.book.promotions.champion(MODEL)

    def film(self, window: Window, flicker: float) -> pa.Table:
        rng = np.random.default_rng(int(window.start.timestamp()))
        rows = []
        for session in range(12):
            for number in range(10):
                boxes = [[100.0 * n, 10.0, 100.0 * n + 40, 50.0] for n in range(4) if rng.random() > flicker]
                rows.append(
                    {
                        "image_id": f"{session}-{number}", "key": "k", "camera": "a", "session": f"s{session}",
                        "captured_at": window.start + timedelta(minutes=5 * session, milliseconds=100 * number),
                        "model_version": str(self.champion.version), "kind": "detect", "width": 640, "height": 480,
                        "detections": [{"class_id": 0, "confidence": 0.8, "box": box} for box in boxes],
                    }
                )  # fmt: skip
        return pa.Table.from_pylist(rows, schema=PREDICTIONS)

    def judge(self, number: int, flicker: float = 0.02) -> stage.Flickered:
        window = Window(START + number * HOUR, START + (number + 1) * HOUR)
        claim = self.book.windows.claim(MODEL, window, "t")
        assert claim is not None
        answers = self.tables.write(self.film(window, flicker), "predictions", f"p-{number}.parquet")
        snapshot = Snapshot(claim=claim, catalog=table(), predictions=answers, listed=9, accepted=9, quarantined=0)
        found = stage.check_flicker.fn(snapshot, self.champion, self.reference, RULES)
        facts = found.beside(WindowFacts(listed=9, accepted=9, reference_id=self.reference.id))
        self.book.windows.commit(claim, judge((found.report,), (), None), facts, ())
        return found


@pytest.fixture
def line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Line]:
    found = Line(tmp_path)
    monkeypatch.setattr(stage, "ledger", lambda: found.book)
    monkeypatch.setattr(stage, "tables", lambda: found.tables)
    yield found
    found.book.close()


def test_a_video_that_begins_to_flicker_is_found_against_its_healthy_windows(line: Line) -> None:
    outcomes = [line.judge(number).report.outcome for number in range(4)]
    assert outcomes == [Outcome.INCONCLUSIVE, Outcome.OK, Outcome.OK, Outcome.OK]
    sick = line.judge(4, flicker=0.2).report
    assert sick.outcome is Outcome.BREACH and sick.findings[0].subject == "flicker"
    assert line.judge(5, flicker=0.2).report.outcome is Outcome.BREACH  # sick windows teach nobody what is normal


def test_a_window_keeps_a_bounded_number_of_rates(line: Line) -> None:
    assert len(line.judge(0).rates["a"]) == 12
    many = stage.Flickered(report=line.judge(1).report, rates={"a": [0.01] * 9999})
    kept = many.beside(WindowFacts(listed=1, accepted=1)).artifacts[stage.ARTIFACT]
    assert kept.count("0.01") == stage.KEPT


def test_without_champion_or_reference_nobody_is_asked(line: Line) -> None:
    window = Window(START, START + HOUR)
    claim = line.book.windows.claim(MODEL, window, "t")
    assert claim is not None
    snapshot = Snapshot(claim=claim, catalog=table(), predictions=table(), listed=0, accepted=0, quarantined=0)
    for champion, reference in ((None, line.reference), (line.champion, None)):
        found = stage.check_flicker.fn(snapshot, champion, reference, RULES)
        assert found.report.findings == () and found.beside(WindowFacts(listed=0, accepted=0)).artifacts == {}
