"""A past window can be judged by the champion, the reference and the rules of its own time, and says so."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from flows.monitor import MonitorRules
from tasks.adapters.ledger.records import WindowFacts
from tasks.adapters.ledger.store import Ledger
from tasks.adapters.tables import TableStore
from tasks.domain.errors import ConfigError
from tasks.domain.finding import Outcome
from tasks.domain.snapshot import AS_OF, Claim, Snapshot, TableRef
from tasks.domain.tables import CATALOG, PREDICTIONS
from tasks.domain.verdict import Action, Verdict
from tasks.domain.window import Window
from tasks.drift.rules import DriftRules
from tasks.ingest.rules import IngestRules
from tasks.report import records, yardstick
from tasks.report import task as reporting
from tasks.report.yardstick import AsOf, Yardstick
from tests.fakes.memory_store import MemoryStore
from tests.unit.ledger.ledger_cases import MODEL, bootstrap, content_hash, promote

HOUR = timedelta(hours=1)
STRICT, LAX = (MonitorRules(drift=DriftRules(alpha=alpha)) for alpha in (0.001, 0.05))
FINE = Verdict(outcome=Outcome.OK, action=Action.NONE, sentence="fine")


def table(name: str) -> TableRef:
    return TableRef(uri=f"s3://b/{name}.parquet", schema="references", rows=1, digest=content_hash(name))


class Years:
    """One model whose champion, reference and rules change between windows."""

    def __init__(self, folder: Path) -> None:
        self.bucket = MemoryStore()
        url = f"sqlite:///{folder / 'ledger.db'}"
        Ledger.upgrade(url)
        self.book = Ledger.open(url)
        self.tables = TableStore(self.bucket, folder / "tables")  # type: ignore[arg-type]

    def pin(self, champion: str, name: str) -> int:
        return self.book.references.pin(MODEL, content_hash(champion), table(name), "ann", "healthy")

    def window(self, back: int = 1) -> Window:
        """One that ended about `back` hours ago; 0: that ends just ahead of the clock."""
        end = (datetime.now(UTC) + HOUR).replace(minute=0, second=0, microsecond=0) - back * HOUR
        return Window(end - HOUR, end)

    def judge(self, window: Window, rules: MonitorRules, as_of: AsOf = "now") -> WindowFacts:
        """What the flow does, without the stages between."""
        claim = self.book.windows.claim(MODEL, window, "test", rescore=True)
        assert claim is not None
        yard = yardstick.yardstick(MODEL, window, as_of)
        facts = yard.beside(records.facts_of(self.snapshot(claim), "", rules.of(yard).judged_by()))
        self.book.windows.commit(claim, FINE, facts)
        return facts

    def snapshot(self, claim: Claim) -> Snapshot:
        catalog = self.tables.write(CATALOG.empty_table(), "catalog", "c.parquet")
        predictions = self.tables.write(PREDICTIONS.empty_table(), "predictions", "p.parquet")
        return Snapshot(claim=claim, catalog=catalog, predictions=predictions, listed=0, accepted=0, quarantined=0)


@pytest.fixture
def years(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Years]:
    years = Years(tmp_path)
    for module in (records, yardstick):
        for name, thing in (("ledger", years.book), ("store", years.bucket), ("tables", years.tables)):
            if hasattr(module, name):
                monkeypatch.setattr(module, name, lambda thing=thing: thing)
    yield years
    years.book.close()


def told(facts: WindowFacts) -> tuple[str, int | None, str]:
    return facts.champion_sha256, facts.reference_id, facts.config_hash


def test_a_judged_window_is_judged_again_as_it_was_at_first(years: Years) -> None:
    bootstrap(years.book)
    years.pin("A", "first")
    before = years.judge(years.window(), STRICT)
    years.pin("A", "second")
    promote(years.book, "B")
    years.pin("B", "third")
    again = years.judge(years.window(), LAX, "then")
    assert told(again) == told(before)
    assert again.artifacts[AS_OF].startswith("as first judged on ")
    assert "of now" not in again.artifacts[AS_OF]
    today = years.judge(years.window(), LAX, "now")
    assert today.champion_sha256 == content_hash("B")
    assert today.reference_id != before.reference_id and today.config_hash != before.config_hash
    assert told(years.judge(years.window(), LAX, "then")) == told(before), "a later judgement does not become then"


def test_a_window_that_was_never_judged_is_measured_by_what_was_in_force_when_it_ended(years: Years) -> None:
    """Champion, reference and a judged neighbour are older than the window's end; everything newer is not asked."""
    bootstrap(years.book)
    first = years.pin("A", "first")
    neighbour = years.judge(years.window(1), STRICT)
    coming = years.window(0)
    yard = yardstick.yardstick(MODEL, coming, "then")
    assert yard.champion is not None and yard.champion.sha256 == content_hash("A")
    assert yard.reference is not None and yard.reference.id == first
    assert yard.applied(LAX.drift).alpha == STRICT.drift.alpha
    assert neighbour.config_hash == years.judge(coming, LAX, "then").config_hash


def test_what_came_after_the_window_is_used_only_where_nothing_else_is_known(years: Years) -> None:
    bootstrap(years.book)
    years.pin("A", "late")
    yard = yardstick.yardstick(MODEL, years.window(30), "then")
    assert yard.champion is not None and yard.reference is not None
    assert yard.told.endswith("of now, because nothing else is known: champion, reference, rules")
    assert LAX.of(yard) == LAX


def test_a_reference_that_was_pinned_later_is_not_that_of_then(years: Years) -> None:
    bootstrap(years.book)
    number = years.pin("A", "first")
    between = datetime.now(UTC)
    years.pin("A", "second")
    found = years.book.references.current(MODEL, content_hash("A"), between)
    assert found is not None and found.id == number
    assert years.book.references.current(MODEL, content_hash("A"), between - HOUR) is None


def test_who_is_told_is_a_matter_of_now(years: Years) -> None:
    bootstrap(years.book)
    years.judge(years.window(), STRICT)
    assert LAX.of(yardstick.yardstick(MODEL, years.window(), "then")).alerts is LAX.alerts


def test_rules_that_this_version_does_not_understand_are_refused_with_the_way_out() -> None:
    yard = Yardstick(champion=None, reference=None, rules={"IngestRules": {"window_minutes": 60, "gone": 1}})
    with pytest.raises(ConfigError, match="--as-of now"):
        yard.applied(IngestRules())


def test_the_page_says_of_which_time_the_yardstick_is(years: Years, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reporting, "settings", lambda: SimpleNamespace(environment="test"))
    bootstrap(years.book)
    facts = years.judge(years.window(), STRICT, "then")
    claim = Claim(model=MODEL, window=years.window(), epoch=1, revision=1)
    shown = {fact.label: fact.value for fact in reporting._made_of(claim, facts)}
    assert shown["Measured by"] == facts.artifacts[AS_OF]
