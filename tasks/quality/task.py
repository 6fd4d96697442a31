"""Opens the tables of a window and asks the quality rules of them."""

from __future__ import annotations

from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.adapters import expectations
from tasks.connections import ledger, tables
from tasks.domain.finding import Report, Stage
from tasks.domain.snapshot import Snapshot
from tasks.quality.findings import of_answers
from tasks.quality.frames import frames
from tasks.quality.rules import QualityRules
from tasks.quality.suite import suite


@task(cache_policy=NO_CACHE)
def check_quality(snapshot: Snapshot, rules: QualityRules) -> Report:
    """One finding for each rule about the window's catalog and predictions; an empty window is inconclusive."""
    claim = snapshot.claim
    catalog, predictions = tables().read(snapshot.catalog), tables().read(snapshot.predictions)
    known = ledger().models.get(claim.model)
    shown = frames(catalog, predictions, claim.window)
    asked = suite(shown, len(known.classes) if known else None, rules)
    return Report(stage=Stage.QUALITY, findings=of_answers(expectations.ask(shown, asked), rules.examples))
