"""Reads the prediction records of a window once, and says how the model was served and whether promises were kept."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.adapters.ledger.records import WindowFacts, WindowRecord
from tasks.connections import ledger, tables
from tasks.domain.finding import Finding, Outcome, Report, Stage
from tasks.domain.serving import SERVING, Figures, figures_json, figures_kept
from tasks.domain.snapshot import Snapshot
from tasks.domain.subjects import PROMISE
from tasks.serving.promises import Past, burn_findings, promise_findings
from tasks.serving.rules import ServingRules
from tasks.serving.tally import COLUMNS, Tally

ROWS = 65_536
"""Records that are counted at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedWindow:
    """The report, and the figures that are kept with the window: pages, metrics and later windows read them."""

    report: Report
    figures: Figures | None = None

    def beside(self, facts: WindowFacts) -> WindowFacts:
        """The facts of the window with its figures."""
        if self.figures is None:
            return facts
        text = json.dumps(figures_json(self.figures), sort_keys=True, separators=(",", ":"))
        return replace(facts, artifacts={**facts.artifacts, SERVING: text})


@task(cache_policy=NO_CACHE)
def check_serving(snapshot: Snapshot, rules: ServingRules) -> ServedWindow:
    """Latency, throughput and errors of a window, and what became of the promises. Only breaches speak."""
    window = snapshot.claim.window
    tally = Tally(window, rules.objectives)
    for batch in tables().batches(snapshot.predictions, COLUMNS, ROWS):
        tally.add(batch)
    figures = tally.figures()
    if not figures.whole.requests:
        note = "no image of this window has a prediction record"
        silent = Finding(check=PROMISE, subject=SERVING, outcome=Outcome.INCONCLUSIVE, note=note)
        return ServedWindow(report=Report(stage=Stage.SERVING, findings=(silent,)), figures=figures)
    longest = max((burn.long_hours for burn in rules.burns), default=0.0)
    start = min(window.start, window.end - timedelta(hours=longest))
    earlier = ledger().windows.between(snapshot.claim.model, start - window.length, window.start)
    found = [*promise_findings(figures, rules), *burn_findings(figures, window, past(earlier), rules)]
    return ServedWindow(report=Report(stage=Stage.SERVING, findings=tuple(found)), figures=figures)


def past(rows: Sequence[WindowRecord]) -> list[Past]:
    """What judged windows kept of serving."""
    found = [(row.window, figures_kept(row.facts.artifacts)) for row in rows if row.facts is not None]
    return [Past(window=window, tallies=kept.tallies if kept else None) for window, kept in found]
