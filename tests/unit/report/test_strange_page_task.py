"""From the tables of a judged window to its page in the bucket, with everything that was kept for it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pytest

from tasks.adapters.ledger.records import WindowFacts
from tasks.adapters.tables import TableStore
from tasks.domain.finding import Outcome, Report, Stage
from tasks.domain.snapshot import STRANGE, WHERE, Claim, table_note
from tasks.domain.tables import PLACES
from tasks.domain.tables import STRANGE as SCHEMA
from tasks.domain.verdict import Action, Verdict
from tasks.report import task as stage
from tests.fakes.memory_store import MemoryStore
from tests.unit.report.test_report_pages import DAY
from tests.unit.report.test_strange_images import Noise, breach, places, row


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MemoryStore:
    found = MemoryStore()
    tables = TableStore(found, tmp_path / "tables")  # type: ignore[arg-type]
    champion = SimpleNamespace(ref=SimpleNamespace(classes=("nut", "bolt")))
    book = SimpleNamespace(versions=SimpleNamespace(get=lambda model, sha256: champion))
    opened = {"store": found, "tables": tables, "images": Noise(tmp_path), "ledger": book}
    for name, thing in opened.items():
        monkeypatch.setattr(stage, name, lambda thing=thing: thing)
    monkeypatch.setattr(stage, "settings", lambda: SimpleNamespace(pages_url="", environment="test"))
    monkeypatch.setattr(stage, "create_markdown_artifact", lambda text, key: None)
    return found


def published(bucket: MemoryStore, artifacts: dict[str, str]) -> str:
    claim = Claim(model="parts", window=DAY, epoch=1, revision=1)
    report = Report(stage=Stage.DRIFT, findings=(breach(),))
    verdict = Verdict(outcome=Outcome.BREACH, action=Action.LABEL_MORE, sentence="s", reports=(report,))
    facts = WindowFacts(listed=3, accepted=3, artifacts=artifacts, champion_sha256="c" * 64)
    uri = stage.publish_window.fn(claim, verdict, facts).artifacts["page"]
    return bucket.objects[uri.split("/", 3)[3]].decode()


def test_the_page_shows_what_was_kept_for_it(bucket: MemoryStore) -> None:
    rows = [row(n, 0.5 + n, captured_at=DAY.start + timedelta(hours=n)) for n in range(3)]
    rows += [row(n, None, side="reference") for n in range(9)]
    kept = {
        STRANGE: table_note(stage.tables().write(pa.Table.from_pylist(rows, schema=SCHEMA), "strange", "a.parquet")),
        WHERE: table_note(stage.tables().write(pa.Table.from_pylist(places(), schema=PLACES), "places", "b.parquet")),
    }
    page = published(bucket, kept)
    for words in ("The strangest images", "found 1 × nut", "What the model sees", "cam-1: objects moved to the left"):
        assert words in page


def test_a_window_of_an_earlier_program_has_a_page_without_them(bucket: MemoryStore) -> None:
    page = published(bucket, {})
    assert "out of limits" in page
    assert "The strangest images" not in page and "What the model sees" not in page
