"""Opens bucket and ledger for the schedule alarm: the window's checks, and the line of those before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from functools import cache, partial
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.adapters.ledger.records import PinnedReference, WindowFacts
from tasks.adapters.ledger.trails import Acknowledged, Passed
from tasks.connections import ledger, tables
from tasks.domain import few
from tasks.domain.finding import Report, Stage
from tasks.domain.notice import notice_from_json
from tasks.domain.snapshot import Snapshot, TableRef
from tasks.watch.history import Reset, Visit, blamed
from tasks.watch.judging import judged
from tasks.watch.kept import ARTIFACT, Kept, Key, kept
from tasks.watch.rules import WatchRules
from tasks.watch.scores import COLUMNS, Check, checks, days_differ

MEMORY = 60
"""Days of windows that are looked at: from the first one after the reference was pinned, and before the present one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """The report, and what must be committed with the window so that later ones can go on from it."""

    report: Report
    kept: Kept

    def beside(self, facts: WindowFacts) -> WindowFacts:
        """The facts of the window with what is kept of it."""
        return replace(facts, artifacts={**facts.artifacts, ARTIFACT: self.kept.text()})


@task(cache_policy=NO_CACHE)
def check_schedule(
    snapshot: Snapshot, profiled: TableRef | None, reference: PinnedReference | None, rules: WatchRules
) -> Watched:
    """What adds up over the windows since the reference was pinned; an empty report without one."""
    if profiled is None or reference is None or reference.outdated:
        return Watched(report=Report(stage=Stage.WATCH), kept=Kept())
    window = snapshot.claim.window
    known = cache(lambda: tables().read(reference.table, COLUMNS))
    about = (profiled.digest, reference.table.digest, rules.model_dump_json())
    stored = tables().recall(snapshot.claim, "watch", about, partial(_checks, profiled, reference.table, rules))
    found = tuple(Check(**each) for each in stored["checks"])
    trails = ledger().trails
    passed = trails.against(snapshot.claim.model, reference.id, window.start, MEMORY)
    report, keep = judged(
        Visit(window=window, checks=found),
        visits(passed),
        resets(passed, trails.acknowledged(reference.model)),
        rules,
        lambda camera: days_differ(camera, known(), rules),
    )
    told = few.told(report.findings, profiled.rows, snapshot.accepted)
    return Watched(report=replace(report, findings=told), kept=keep)


def _checks(profiled: TableRef, reference: TableRef, rules: WatchRules) -> dict[str, Any]:
    """The window's check values as JSON; what adds up over windows is made of them every time."""
    found = checks(tables().read(profiled, COLUMNS), tables().read(reference, COLUMNS), rules)
    return {"checks": [asdict(each) for each in found]}


def visits(passed: Sequence[Passed]) -> list[Visit]:
    """Judged windows as cameras' histories see them."""
    return [
        Visit(window=row.window, checks=kept(row.artifacts).checks, blamed=blamed(row.outcome, row.verdict))
        for row in passed
    ]


def resets(passed: Sequence[Passed], taken: Sequence[Acknowledged]) -> list[Reset]:
    """From where on sums begin anew because somebody took note: after the newest window that was judged by then.

    The moment is told in windows, not by the clock: a backfill judges days in minutes.
    """
    found = []
    for each in taken:
        known = [row.window.end for row in passed if row.committed_at <= each.at]
        if known and "notice" in each.payload:  # the ledger's own alerts tell of failures, not of cameras
            found.append(Reset(moment=max(known), cameras=_named(each.payload["notice"])))
    return found


def _named(notice: Mapping[str, Any]) -> frozenset[str]:
    """The cameras that the acknowledged message names; none: it is about all of them."""
    facts = notice_from_json(notice).facts
    return frozenset(name for fact in facts if fact.label == "Camera" for name in fact.value.split(", "))


def onsets(facts: WindowFacts) -> Mapping[Key, datetime]:
    """Since when the window's schedule alarms hold: where their sums began to rise, not when they reached the limit."""
    return kept(facts.artifacts).onsets
