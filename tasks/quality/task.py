"""Opens the tables of a window and asks the quality rules of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.adapters import expectations
from tasks.connections import ledger, store, tables
from tasks.domain.finding import Report, Stage
from tasks.domain.snapshot import Snapshot
from tasks.quality.findings import of_answers
from tasks.quality.frames import frames
from tasks.quality.rules import QualityRules
from tasks.quality.suite import suite

VALIDATION = "validation"
"""Name of great-expectations' results among the artifacts of a judged window."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What was found, and where the validation results lie (name -> address)."""

    report: Report
    artifacts: Mapping[str, str] = field(default_factory=dict)


@task(cache_policy=NO_CACHE)
def check_quality(snapshot: Snapshot, rules: QualityRules) -> Checked:
    """One finding for each rule about the window's catalog and predictions; an empty window is inconclusive."""
    claim = snapshot.claim
    catalog, predictions = tables().read(snapshot.catalog), tables().read(snapshot.predictions)
    known = ledger().models.get(claim.model)
    shown = frames(catalog, predictions, claim.window)
    asked = expectations.ask(shown, suite(shown, len(known.classes) if known else None, rules))
    key = f"{claim.model}/evergreen/windows/{claim.window.start:%Y%m%dT%H%M%SZ}/quality-{claim.revision}-{claim.epoch}"
    store().put(f"{key}.json", json.dumps(asked.results, default=str).encode(), "application/json")
    return Checked(
        report=Report(stage=Stage.QUALITY, findings=of_answers(asked.answers, rules.examples)),
        artifacts={VALIDATION: store().uri(f"{key}.json")},
    )
