"""Committing a window: one transaction that makes everything about a revision true at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from tasks.adapters.ledger import decisions, outbox, window_rows
from tasks.adapters.ledger.canonical import digest
from tasks.adapters.ledger.records import DecisionKind, Entry, Intent, WindowFacts, WindowState
from tasks.adapters.ledger.schema import findings, objects, revisions, windows
from tasks.domain.errors import ContractError, LostLease
from tasks.domain.finding import Finding, Stage, finding_json
from tasks.domain.snapshot import Claim
from tasks.domain.verdict import Verdict, verdict_json


def commit_window(
    connection: Connection,
    now: datetime,
    claim: Claim,
    verdict: Verdict,
    facts: WindowFacts,
    intents: Sequence[Intent],
) -> None:
    """Write a revision with findings, object counts, decision and intents inside the caller's transaction.

    Raises:
        LostLease: the claim does not hold the window.
        ContractError: the counts do not add up.
    """
    _check_counts(claim, facts)
    content = content_digest(verdict, facts)
    row = window_rows.window_row(connection, claim.model, claim.window)
    if row is not None and _is_repeat(connection, row, claim, content):
        return
    row = window_rows.held(connection, claim)
    connection.execute(insert(revisions).values(**_revision(row.id, claim, verdict, facts, content, now)))
    _insert_all(connection, objects, _objects(row.id, claim.revision, facts))
    _insert_all(connection, findings, _findings(row.id, claim.revision, verdict))
    closing = {"state": WindowState.COMMITTED, "revision": claim.revision, "lease_until": None}
    connection.execute(
        update(windows).where(windows.c.id == row.id).values(**closing, attempts=0, takeovers=0, message="")
    )
    outbox.enqueue(connection, now, intents)
    _decide(connection, now, claim, verdict, facts, content)


def content_digest(verdict: Verdict, facts: WindowFacts) -> str:
    """SHA-256 (hex) over everything that a revision says: two revisions with one digest say the same."""
    reports = [[report.stage.value, [finding_json(f) for f in report.findings]] for report in verdict.reports]
    return digest({"verdict": verdict_json(verdict), "reports": reports, "facts": _facts_json(facts)})


def _is_repeat(connection: Connection, row: Row[Any], claim: Claim, content: str) -> bool:
    """Whether this very claim committed this very content before: the answer to it was lost."""
    query = select(revisions.c.digest).where(
        revisions.c.window_id == row.id, revisions.c.revision == claim.revision, revisions.c.epoch == claim.epoch
    )
    before = connection.execute(query).scalar_one_or_none()
    if before is not None and before != content:
        raise LostLease(f"{claim.window_id}: epoch {claim.epoch} committed another verdict already")
    return before is not None


def _check_counts(claim: Claim, facts: WindowFacts) -> None:
    counts = [facts.listed, facts.accepted, *facts.quarantined.values()]
    quarantined = sum(facts.quarantined.values())
    if min(counts) < 0 or facts.listed != facts.accepted + quarantined:
        raise ContractError(
            f"{claim.window_id}: {facts.listed} objects were listed, but {facts.accepted} accepted "
            f"and {quarantined} quarantined: every object needs exactly one verdict"
        )


def _revision(
    window_id: int, claim: Claim, verdict: Verdict, facts: WindowFacts, content: str, now: datetime
) -> dict[str, Any]:
    return {
        "window_id": window_id,
        "revision": claim.revision,
        "epoch": claim.epoch,
        "outcome": verdict.outcome.value,
        "action": verdict.action.value,
        "verdict": verdict_json(verdict),
        "listed": facts.listed,
        "accepted": facts.accepted,
        "catalog": asdict(facts.catalog) if facts.catalog else None,
        "artifacts": dict(facts.artifacts),
        "champion_sha256": facts.champion_sha256,
        "reference_id": facts.reference_id,
        "config_hash": facts.config_hash,
        "digest": content,
        "committed_at": now,
    }


def _objects(window_id: int, revision: int, facts: WindowFacts) -> list[dict[str, Any]]:
    accepted = [(window_rows.ACCEPTED, "", facts.accepted)] if facts.accepted else []
    others = [(window_rows.QUARANTINED, str(reason), count) for reason, count in facts.quarantined.items() if count]
    return [
        {"window_id": window_id, "revision": revision, "verdict": verdict, "reason": reason, "count": int(count)}
        for verdict, reason, count in accepted + others
    ]


def _findings(window_id: int, revision: int, verdict: Verdict) -> list[dict[str, Any]]:
    staged = [(report.stage, finding) for report in verdict.reports for finding in report.findings]
    return [
        {"window_id": window_id, "revision": revision, "position": position, **_finding(stage, finding)}
        for position, (stage, finding) in enumerate(staged)
    ]


def _finding(stage: Stage, finding: Finding) -> dict[str, Any]:
    return {
        "stage": stage.value,
        "check_name": finding.check,
        "subject": finding.subject,
        "slice_name": finding.slice,
        "outcome": finding.outcome.value,
        "value": finding.value,
        "limit_value": finding.limit,
        "unit": finding.unit,
        "n": int(finding.n),
        "effect": finding.effect,
        "note": finding.note,
    }


def _insert_all(connection: Connection, table: Any, rows: list[dict[str, Any]]) -> None:
    if rows:
        connection.execute(insert(table), rows)


def _decide(
    connection: Connection, now: datetime, claim: Claim, verdict: Verdict, facts: WindowFacts, content: str
) -> None:
    payload: Mapping[str, Any] = {
        **verdict_json(verdict),
        "window": str(claim.window),
        "revision": claim.revision,
        "epoch": claim.epoch,
        "digest": content,
        "champion_sha256": facts.champion_sha256,
        "config_hash": facts.config_hash,
    }
    decisions.record(
        connection,
        now,
        Entry(
            model=claim.model, kind=DecisionKind.VERDICT, subject=str(claim.window), actor="monitor", payload=payload
        ),
    )


def _facts_json(facts: WindowFacts) -> dict[str, Any]:
    catalog = asdict(facts.catalog) if facts.catalog else None
    return {
        "listed": facts.listed,
        "accepted": facts.accepted,
        "quarantined": {reason: count for reason, count in facts.quarantined.items() if count},
        "catalog": catalog,
        "artifacts": dict(facts.artifacts),
        "champion_sha256": facts.champion_sha256,
        "reference_id": facts.reference_id,
        "config_hash": facts.config_hash,
    }
