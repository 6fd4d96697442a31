"""Requests row by row, inside a transaction that somebody else began."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, insert, select, update

from tasks.adapters.ledger import decisions
from tasks.adapters.ledger.gates import passed_gate
from tasks.adapters.ledger.records import DecisionKind, Entry
from tasks.adapters.ledger.schema import approvals, promotions
from tasks.domain.errors import NotFound, Stale
from tasks.domain.promotion import Approval, ApprovalState, Promotion

LEDGER = "ledger"
"""Who decides when nobody did."""


def spend(connection: Connection, now: datetime, wanted: Promotion) -> None:
    """Check that the approval of a wanted move lets exactly this challenger replace exactly this base now.

    Raises:
        NotFound: no such request.
        Stale: there is none, or it is not approved, expired, used, or bound to another challenger or base.
        ContractError: its gate report was changed or did not pass.
    """
    if wanted.approval_id is None:
        raise Stale(f"{wanted.model!r}: nobody approved {wanted.to_sha256[:12]}")
    row = existing(connection, wanted.approval_id)
    if (row.model, row.base_sha256, row.challenger_sha256) != (wanted.model, wanted.from_sha256, wanted.to_sha256):
        raise Stale(f"approval {row.id} lets {row.challenger_sha256[:12]} replace {row.base_sha256[:12]}, nothing else")
    if row.state != ApprovalState.APPROVED:
        raise Stale(f"request {row.id} is {row.state}, not approved")
    if now >= row.expires_at:
        raise Stale(f"approval {row.id} expired at {row.expires_at}: judge and ask again")
    if _used(connection, row.id):
        raise Stale(f"approval {row.id} was used already: judge and ask again")
    passed_gate(connection, wanted.model, row.gate_hash, wanted.to_sha256, wanted.from_sha256)


def supersede(connection: Connection, now: datetime, model: str, champion: str) -> None:
    """Expire the model's pending requests that were made against another champion."""
    for row in connection.execute(waiting(model)).all():
        if row.base_sha256 != champion:
            expire(connection, now, row, "the champion changed meanwhile: judge again")


def known_request(connection: Connection, now: datetime, gate_hash: str, flow_run_id: str) -> Approval | None:
    """The flow run's own request, or one for the same gate report that can still lead to a promotion."""
    query = select(approvals).where(approvals.c.gate_hash == gate_hash).order_by(approvals.c.id.desc())
    requests = connection.execute(query).all()
    for row in requests:
        if flow_run_id and row.flow_run_id == flow_run_id:
            return expire(connection, now, row, "nobody answered in time") if overdue(row, now) else approval_of(row)
    alive = (row for row in requests if now < row.expires_at and _can_lead_on(connection, row))
    return next((approval_of(row) for row in alive), None)


def add_request(connection: Connection, now: datetime, values: dict[str, Any]) -> Approval:
    """A new pending request, with its decision."""
    rest = {"state": ApprovalState.PENDING, "requested_at": now, "approver": "", "reason": ""}
    added = insert(approvals).values(**values, **rest).returning(approvals.c.id)
    approval = approval_of(existing(connection, int(connection.execute(added).scalar_one())))
    _decide(connection, now, approval, DecisionKind.REQUEST, values["requested_by"] or values["flow_run_id"] or LEDGER)
    return approval


def expire(connection: Connection, now: datetime, row: Row[Any], reason: str) -> Approval:
    """Close a request that nobody answered in time."""
    return settle(connection, now, row, ApprovalState.EXPIRED, LEDGER, reason)


def settle(
    connection: Connection, now: datetime, row: Row[Any], state: ApprovalState, approver: str, reason: str
) -> Approval:
    """Write the one answer to a request, with its decision."""
    answer = {"state": state, "approver": approver, "reason": reason, "decided_at": now}
    connection.execute(update(approvals).where(approvals.c.id == row.id).values(**answer))
    approval = approval_of(existing(connection, row.id))
    _decide(connection, now, approval, DecisionKind.APPROVAL, approver)
    return approval


def overdue(row: Row[Any], now: datetime) -> bool:
    """Whether a request is still pending although its time is over."""
    return bool(row.state == ApprovalState.PENDING and now >= row.expires_at)


def waiting(model: str | None) -> Select[Any]:
    """Pending requests of one model or of all, the oldest first."""
    query = select(approvals).where(approvals.c.state == ApprovalState.PENDING).order_by(approvals.c.id)
    return query if model is None else query.where(approvals.c.model == model)


def existing(connection: Connection, approval_id: int) -> Row[Any]:
    """The row of that number. Raises `NotFound`."""
    row = connection.execute(select(approvals).where(approvals.c.id == approval_id)).one_or_none()
    if row is None:
        raise NotFound(f"no request {approval_id} in the ledger")
    return row


def approval_of(row: Row[Any]) -> Approval:
    """The row in the words of the domain."""
    return Approval(
        id=row.id,
        model=row.model,
        challenger_sha256=row.challenger_sha256,
        base_sha256=row.base_sha256,
        gate_hash=row.gate_hash,
        state=ApprovalState(row.state),
        requested_at=row.requested_at,
        expires_at=row.expires_at,
        approver=row.approver,
        reason=row.reason,
        decided_at=row.decided_at,
        flow_run_id=row.flow_run_id or "",
    )


def _can_lead_on(connection: Connection, row: Row[Any]) -> bool:
    approved = row.state == ApprovalState.APPROVED and not _used(connection, row.id)
    return bool(row.state == ApprovalState.PENDING or approved)


def _used(connection: Connection, approval_id: int) -> bool:
    query = select(promotions.c.seq).where(promotions.c.approval_id == approval_id)
    return connection.execute(query).one_or_none() is not None


def _decide(connection: Connection, now: datetime, approval: Approval, kind: DecisionKind, actor: str) -> None:
    payload = {
        "approval_id": approval.id,
        "state": approval.state.value,
        "base_sha256": approval.base_sha256,
        "gate_hash": approval.gate_hash,
        "expires_at": approval.expires_at,
        "reason": approval.reason,
    }
    subject = approval.challenger_sha256
    entry = Entry(model=approval.model, kind=kind, subject=subject, actor=actor, payload=payload)
    decisions.record(connection, now, entry)
