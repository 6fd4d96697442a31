"""Collects what the business says about a window: tables in the bucket, and programs that the user installed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.adapters.ledger.records import WindowFacts
from tasks.connections import ledger, store, tables
from tasks.domain.finding import Report, Stage
from tasks.domain.kpi import KPIS, Business, Kpi, KpiRow, kpis_kept, kpis_text
from tasks.domain.snapshot import Snapshot, TableRef
from tasks.domain.window import Window
from tasks.kpi.joining import TREND, joined, kpi_findings
from tasks.kpi.plugins import asked, installed
from tasks.kpi.reading import NAMED, read_kpis
from tasks.kpi.rules import KpiRules

MEMORY = timedelta(days=30)
"""How far back a program's own values are looked for, for its trend."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """The report, and the numbers that are kept with the window."""

    report: Report
    business: Business = field(default_factory=Business)

    def beside(self, facts: WindowFacts) -> WindowFacts:
        """The facts of the window with its numbers."""
        if not self.business.kpis and not self.business.refusals:
            return facts
        return replace(facts, artifacts={**facts.artifacts, KPIS: kpis_text(self.business)})


@task(cache_policy=NO_CACHE)
def check_kpis(snapshot: Snapshot, rules: KpiRules) -> Counted:
    """The numbers of the business that are about a window; a limit gives a finding, and no verdict hangs on it."""
    model, window = snapshot.claim.model, snapshot.claim.window
    stated, refused = read_kpis(store(), model, rules.max_file_mb)
    programs = installed() if rules.plugins else {}
    computed, failed = asked(programs, window, lambda columns: _records(snapshot.predictions, columns))
    rows = [(each.source, each.row) for each in stated] + [(f"program {name}", row) for name, row in computed]
    rows += _computed_before(model, window) if computed else []
    kpis = joined(rows, window, rules)
    bad = [*refused, *failed]
    business = Business(kpis=tuple(kpis), refused=tuple(bad[:NAMED]), refusals=len(bad))
    return Counted(report=Report(stage=Stage.BUSINESS, findings=tuple(kpi_findings(kpis, rules))), business=business)


def _records(predictions: TableRef, columns: Sequence[str]) -> Iterator[Mapping[str, Any]]:
    for batch in tables().batches(predictions, columns):
        yield from batch.to_pylist()


def _computed_before(model: str, window: Window) -> list[tuple[str, KpiRow]]:
    """What programs said about earlier windows."""
    rows = ledger().windows.between(model, window.start - max(MEMORY, TREND * window.length), window.start)
    kept = [kpi for row in rows if row.facts is not None for kpi in kpis_kept(row.facts.artifacts).kpis]
    return [(kpi.source, _row(kpi)) for kpi in kept if kpi.source.startswith("program ")]


def _row(kpi: Kpi) -> KpiRow:
    values = {name: getattr(kpi, name) for name in ("name", "start", "end", "value", "unit", "better")}
    return KpiRow.model_validate({**values, "camera": kpi.camera or None})
