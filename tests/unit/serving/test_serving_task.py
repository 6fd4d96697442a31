"""A window's records to findings and figures, held against what earlier windows kept."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from tasks.adapters.ledger.records import WindowFacts
from tasks.adapters.ledger.store import Ledger
from tasks.adapters.tables import TableStore
from tasks.domain.finding import Outcome
from tasks.domain.judge import judge
from tasks.domain.serving import figures_kept
from tasks.domain.snapshot import Claim, Snapshot
from tasks.domain.tables import PREDICTIONS
from tasks.domain.window import Window
from tasks.serving import task as stage
from tasks.serving.rules import ServingRules
from tasks.serving.task import ServedWindow
from tests.fakes.healthy_source import rows, tables
from tests.fakes.memory_store import MemoryStore

FIRST = Window.parse("2026-11-20T00:00:00Z/2026-11-20T01:00:00Z")
RULES = ServingRules()


class Line:
    """A model whose windows are judged one after the other, by serving alone."""

    def __init__(self, folder: Path) -> None:
        url = f"sqlite:///{folder / 'ledger.db'}"
        Ledger.upgrade(url)
        self.book = Ledger.open(url)
        self.tables = TableStore(MemoryStore(), folder / "tables")  # type: ignore[arg-type]

    def judged(self, hour: int, slow: bool = False, images: int = 400) -> ServedWindow:
        window = Window(FIRST.start + timedelta(hours=hour), FIRST.end + timedelta(hours=hour))
        found = rows(window, seed=hour, images=images) if images else []
        for row in found:
            row["inference_ms"] = 900.0 if slow else 20.0
        _, predictions = tables(found) if found else (None, pa.Table.from_pylist([], schema=PREDICTIONS))
        claim = self.book.windows.claim("m", window, "test")
        assert claim is not None
        ref = self.tables.write(predictions, "predictions", f"p/{hour}")
        catalog = self.tables.write(pa.Table.from_pylist([], schema=PREDICTIONS), "predictions", "c")
        snapshot = Snapshot(
            claim=claim, catalog=catalog, predictions=ref, listed=len(found), accepted=len(found), quarantined=0
        )
        served: ServedWindow = stage.check_serving.fn(snapshot, RULES)
        self.commit(claim, served, len(found))
        return served

    def commit(self, claim: Claim, served: ServedWindow, count: int) -> None:
        facts = served.beside(WindowFacts(listed=count, accepted=count))
        assert count == 0 or figures_kept(facts.artifacts) is not None
        self.book.windows.commit(claim, judge((served.report,), (), None), facts, ())


@pytest.fixture
def line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Line]:
    made = Line(tmp_path)
    monkeypatch.setattr(stage, "ledger", lambda: made.book)
    monkeypatch.setattr(stage, "tables", lambda: made.tables)
    yield made
    made.book.close()


def outcomes(served: ServedWindow, subject: str = "latency") -> dict[str, Outcome]:
    return {f.check: f.outcome for f in served.report.findings if f.subject == subject}


def test_what_earlier_windows_kept_tells_how_fast_the_allowance_burns(line: Line) -> None:
    first = outcomes(line.judged(0))
    assert first["promise"] is Outcome.OK and first["burn_rate_6h"] is Outcome.INCONCLUSIVE
    for hour in range(1, 6):
        calm = outcomes(line.judged(hour))
    assert calm["burn_rate_6h"] is Outcome.OK and calm["burn_rate_3d"] is Outcome.INCONCLUSIVE
    sick = outcomes(line.judged(6, slow=True))
    assert sick["promise"] is sick["burn_rate_1h"] is sick["burn_rate_6h"] is Outcome.BREACH


def test_a_window_without_a_record_is_open_and_says_so(line: Line) -> None:
    [finding] = line.judged(0, images=0).report.findings
    assert finding.outcome is Outcome.INCONCLUSIVE and "no image" in finding.note
