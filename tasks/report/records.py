"""What the ledger knows about windows, in the words that flows ask for."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pyarrow.compute as pc
from pydantic import BaseModel

from tasks.adapters.ledger.records import PinnedReference, WindowFacts, WindowRecord
from tasks.adapters.tables import MANY
from tasks.connections import ledger, store, tables
from tasks.domain.finding import Finding, Report, Stage
from tasks.domain.model import ModelRef
from tasks.domain.notice import Link
from tasks.domain.promotion import Approval
from tasks.domain.snapshot import LEFT_OUT, LISTED, RECIPE, Claim, Snapshot, table_note, table_of
from tasks.domain.verdict import CauseKind
from tasks.domain.window import Window
from tasks.report import weak_page
from tasks.report.evaluations import with_evaluation
from tasks.report.index_page import page_links
from tasks.report.yardstick import keep_rules
from tasks.settings import settings

DECISIONS = 1_000
"""Newest decisions that are searched for refused answers."""


def champion_and_reference(model: str) -> tuple[ModelRef | None, PinnedReference | None]:
    """Who is champion, and the reference pinned for exactly this champion."""
    champion = ledger().promotions.champion(model)
    return champion, ledger().references.current(model, champion.sha256) if champion else None


def judged_windows(model: str, limit: int = 50) -> list[WindowRecord]:
    """Windows with a verdict and at least one accepted image, the newest first."""
    found = ledger().windows.latest(model, limit)
    return [row for row in found if row.facts is not None and row.facts.accepted and row.outcome is not None]


def newest_windows(model: str, count: int) -> list[Window]:
    """The newest so many judged windows that saw production, the oldest of them first."""
    return [row.window for row in judged_windows(model, 2 * count + 50)[:count]][::-1]  # some saw nothing


def windows_of_today(model: str, days: int) -> list[Window]:
    """The windows of the newest so many days that show the world as it is since it changed, the oldest of them first.

    A new champion is measured against the world it was made for. Days from before the product changed would make a
    mixture of both, and every later day would differ from that.
    """
    judged = judged_windows(model, 24 * (days + 1))  # no window is shorter than an hour
    causes = (judged[0].verdict or {}).get("causes", []) if judged else []
    changes = [cause["since"] for cause in causes if cause["kind"] == CauseKind.PRODUCT and cause["since"]]
    since = datetime.fromisoformat(max(changes)) if changes else datetime.min.replace(tzinfo=UTC)
    recent = [row.window for row in judged if row.window.end > since]
    return [window for window in reversed(recent) if window.start >= recent[0].end - timedelta(days=days)]


def facts_of(
    snapshot: Snapshot, evidently: str, rules: Sequence[BaseModel], kept: Mapping[str, str] | None = None
) -> WindowFacts:
    """What the verdict on a snapshot stands on; `rules` are kept under their hash.

    `kept` are further artifacts (name -> note of a table) that the window's page is drawn from.
    """
    champion, reference = champion_and_reference(snapshot.claim.model)
    counts: Counter[str] = Counter()
    for batch in tables().batches(snapshot.catalog, ["verdict", "reason"], MANY):
        refused = batch.filter(pc.not_equal(batch["verdict"], "accepted"))
        counts.update({each["values"]: each["counts"] for each in refused["reason"].value_counts().to_pylist()})
    digest = hashlib.sha256("\n".join(each.model_dump_json() for each in rules).encode()).hexdigest()
    keep_rules(snapshot.claim.model, rules, digest)
    artifacts = {"predictions": table_note(snapshot.predictions), "snapshot": table_note(snapshot.catalog)}
    artifacts |= {LISTED: snapshot.mark} if snapshot.mark else {}
    artifacts |= {LEFT_OUT: str(snapshot.left_out)} if snapshot.left_out else {}
    artifacts |= {RECIPE: snapshot.recipe} if snapshot.recipe else {}
    artifacts |= kept or {}
    return WindowFacts(
        listed=snapshot.listed,
        accepted=snapshot.accepted,
        quarantined=dict(sorted(counts.items())),
        catalog=snapshot.catalog,
        artifacts={**artifacts, **({"evidently": evidently} if evidently else {})},
        champion_sha256=champion.sha256 if champion else "",
        reference_id=reference.id if reference else None,
        config_hash=digest,
    )


def links_of(facts: WindowFacts) -> tuple[Link, ...]:
    """Addresses of the window's pages, for messages."""
    return page_links(facts.artifacts, settings().pages_url or "")


def stored_reports(model: str, window: Window) -> list[Report]:
    """The reports of a judged window as the ledger has them, without what labels said and what was said of them."""
    by_stage: dict[Stage, list[Finding]] = {}
    for stage, finding in ledger().findings.of(model, window):
        if stage not in (Stage.EVALUATE, Stage.LABELS, Stage.CONCEPT):
            by_stage.setdefault(stage, []).append(finding)
    return [Report(stage=stage, findings=tuple(found)) for stage, found in by_stage.items()]


def labels_kept(claim: Claim, champion: ModelRef | None) -> tuple[Report, ...]:
    """What was found about labels and errors beside that: judging the window again must not forget it either."""
    found = (_kept(claim, champion, stage) for stage in (Stage.LABELS, Stage.CONCEPT))
    return tuple(kept for kept in found if kept)


def performance_kept(claim: Claim, champion: ModelRef | None) -> Report | None:
    """What labels said of this champion on the window before: judging it again must not forget that."""
    return _kept(claim, champion, Stage.EVALUATE)


def _kept(claim: Claim, champion: ModelRef | None, wanted: Stage) -> Report | None:
    before = ledger().windows.get(claim.model, claim.window)
    if champion is None or before is None or before.facts is None or before.facts.champion_sha256 != champion.sha256:
        return None
    found = [each for stage, each in ledger().findings.of(claim.model, claim.window) if stage is wanted]
    return Report(stage=wanted, findings=tuple(found)) if found else None


def beside_performance(facts: WindowFacts, model: str, performance: Report | None) -> WindowFacts:
    """The facts with the pages about what labels show of the champion, where there are any."""
    facts = with_evaluation(facts, model)
    told = weak_page.told(performance.findings if performance else ())
    if not any(finding.value is not None for finding in told):
        return facts
    page = store().uri(weak_page.page_key(model, told))
    return replace(facts, artifacts={**facts.artifacts, weak_page.ARTIFACT: page})


def facts_again(model: str, window: Window) -> WindowFacts | None:
    """The facts of a judged window, to judge it again."""
    record = ledger().windows.get(model, window)
    return record.facts if record else None


def window_links(model: str) -> tuple[Link, ...]:
    """Pages of the newest judged window that has them; () before the first."""
    found = (links_of(row.facts) for row in judged_windows(model) if row.facts and "evidently" in row.facts.artifacts)
    return next(found, ())


def latest_snapshot(model: str) -> Snapshot | None:
    """The newest judged window as a snapshot; None before the first."""
    for row in judged_windows(model):
        if row.facts and row.facts.catalog and "predictions" in row.facts.artifacts:
            claim = Claim(model=model, window=row.window, epoch=row.epoch, revision=row.revision)
            return Snapshot(
                claim=claim,
                catalog=row.facts.catalog,
                predictions=table_of(row.facts.artifacts["predictions"]),
                listed=row.facts.listed,
                accepted=row.facts.accepted,
                quarantined=sum(row.facts.quarantined.values()),
            )
    return None


def refusals(request: Approval) -> int:
    """How many answers to this request came from people who may not answer."""
    found = ledger().decisions.list(request.model, DECISIONS)
    return sum(row.kind == "answer_refused" and row.subject == f"request/{request.id}" for row in found)
