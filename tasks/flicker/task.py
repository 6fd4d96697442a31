"""Opens the answers of a window and what earlier windows kept, and asks whether objects flicker more than they did."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any

import pyarrow as pa
from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.adapters.ledger.records import PinnedReference, WindowFacts
from tasks.adapters.ledger.trails import Passed
from tasks.adapters.tables import MANY
from tasks.connections import ledger, tables
from tasks.domain import few
from tasks.domain.confirmation import confirmed, part_of_month
from tasks.domain.finding import Outcome, Report, Stage
from tasks.domain.model import ModelRef
from tasks.domain.served import only_serving
from tasks.domain.snapshot import Snapshot, TableRef
from tasks.domain.verdict import CauseKind
from tasks.flicker.judging import Rates, flicker_findings, usable
from tasks.flicker.rules import FlickerRules
from tasks.flicker.tracks import MOST_FRAMES, WANTED, Session, chosen, of_sessions, sessions

ARTIFACT = "flicker"
"""Name among the artifacts of a judged window."""

MEMORY = 60
"""Days of windows that are looked at."""

KEPT = 200
"""Sessions of a camera that a window keeps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flickered:
    """The report, and the rates that must be committed with the window so that later ones have something to compare."""

    report: Report
    rates: Rates = field(default_factory=dict)

    def beside(self, facts: WindowFacts) -> WindowFacts:
        """The facts of the window with what is kept of it."""
        if not self.rates:
            return facts
        kept = {camera: list(rates[:KEPT]) for camera, rates in self.rates.items()}
        return replace(facts, artifacts={**facts.artifacts, ARTIFACT: json.dumps(kept, sort_keys=True)})


@task(cache_policy=NO_CACHE)
def check_flicker(
    snapshot: Snapshot,
    champion: ModelRef | None,
    reference: PinnedReference | None,
    rules: FlickerRules,
    asked: bool = False,
) -> Flickered:
    """Whether objects vanish between neighbouring frames more often than in the healthy windows since the reference.

    Only breaches speak: that a line sends single pictures, or has no history yet, takes nothing from a window. A
    window that a person `asked` about is one question; one of a schedule is one of hundreds a month.
    """
    if champion is None or reference is None:
        return Flickered(report=Report(stage=Stage.WATCH))
    version = str(champion.version)
    about = (snapshot.predictions.digest, version, rules.model_dump_json())
    stored = tables().recall(snapshot.claim, "flicker", about, partial(_sessions, snapshot.predictions, version, rules))
    found = [Session(**{**each, "start": datetime.fromisoformat(each["start"])}) for each in stored["sessions"]]
    rates = usable(found, rules)
    window = snapshot.claim.window
    passed = ledger().trails.against(snapshot.claim.model, reference.id, window.start, MEMORY) if found else []
    month = 1.0 if asked else part_of_month(window)
    findings = confirmed(
        flicker_findings(found, rates, healthy(passed), rules, month),
        lambda each: ledger().findings.before(snapshot.claim.model, window, each),
    )
    findings = few.told(findings, stored["shown"], snapshot.predictions.rows)
    return Flickered(report=Report(stage=Stage.WATCH, findings=findings), rates=rates)


def _sessions(predictions: TableRef, version: str, rules: FlickerRules) -> dict[str, Any]:
    """The sessions of a window as JSON, and how many answers were looked at."""
    shown = _shown(predictions, version)
    found = [{**asdict(each), "start": each.start.isoformat()} for each in sessions(shown, version, rules)]
    return {"shown": shown.num_rows, "sessions": found}


def _shown(predictions: TableRef, version: str) -> pa.Table:
    """The answers that are looked at: all, or of very many those of a fixed choice of sessions."""
    if predictions.rows <= MOST_FRAMES:
        return tables().read(predictions, WANTED)
    wanted = chosen(tables().batches(predictions, ("camera", "session", "model_version"), MANY), version)
    pieces = tables().batches(predictions, WANTED, MANY)
    return pa.concat_tables(of_sessions(pieces, version, wanted))


def healthy(passed: Sequence[Passed]) -> list[Rates]:
    """What earlier windows kept, the oldest first, without the cameras that their verdicts named."""
    return [_kept(row.artifacts, _blamed(row)) for row in passed if _blamed(row) is not None]


def _blamed(row: Passed) -> frozenset[str] | None:
    """The cameras that a verdict holds at fault or changed; None when that concerns all of them."""
    if row.outcome is not Outcome.BREACH:
        return frozenset()
    if only_serving(row.verdict.get("causes", [])):
        return frozenset()
    causes = [cause for cause in row.verdict.get("causes", []) if cause["kind"] != CauseKind.SERVING]
    if not causes or any(not cause["cameras"] for cause in causes):
        return None
    return frozenset(camera for cause in causes for camera in cause["cameras"])


def _kept(artifacts: Mapping[str, str], blamed: frozenset[str] | None) -> Rates:
    rates: dict[str, list[float]] = json.loads(artifacts.get(ARTIFACT, "{}"))
    return {camera: found for camera, found in rates.items() if camera not in (blamed or ())}
