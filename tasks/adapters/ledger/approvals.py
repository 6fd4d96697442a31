"""Approvals: a person's one and only answer to exactly what was shown, good until it expires.

The answer is a row here, not a state of an orchestrator: it survives every restart. A request whose base
champion is replaced meanwhile expires in the same transaction that moves the champion.
"""

from __future__ import annotations

import builtins
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select

from tasks.adapters.ledger import approval_rows as rows
from tasks.adapters.ledger.database import Database
from tasks.adapters.ledger.gates import passed_gate
from tasks.adapters.ledger.lineage import champion_sha256
from tasks.adapters.ledger.schema import approvals
from tasks.adapters.ledger.versions import existing_version
from tasks.domain.errors import ContractError, Stale
from tasks.domain.promotion import Approval, ApprovalState


class Approvals:
    """Requests and their answers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def request(  # noqa: PLR0913 - what an approval is bound to, spelt out
        self,
        model: str,
        challenger_sha256: str,
        base_sha256: str,
        gate_hash: str,
        expires_at: datetime,
        flow_run_id: str = "",
        requested_by: str = "",
    ) -> Approval:
        """Ask whether the challenger may replace the base champion.

        The same flow run always gets its own request back, in whatever state it is by now; another one gets
        a request for the same gate report that is still pending, or approved and not used yet.

        Raises:
            NotFound: no such challenger, or no such gate report.
            ContractError: the gate report is about other versions or did not pass, or expires in the past.
            Stale: the base is not the champion.
        """
        with self._database.write() as connection:
            now = self._database.now()
            existing_version(connection, model, challenger_sha256)
            passed_gate(connection, model, gate_hash, challenger_sha256, base_sha256)
            known = rows.known_request(connection, now, gate_hash, flow_run_id)
            if known is not None:
                return known
            if expires_at <= now:
                raise ContractError(f"a request that expired at {expires_at} cannot be made at {now}")
            present = champion_sha256(connection, model)
            if present != base_sha256:
                raise Stale(f"{model!r}: the champion is {present[:12]!r}, not {base_sha256[:12]!r}: judge again")
            values = {
                "model": model,
                "challenger_sha256": challenger_sha256,
                "base_sha256": base_sha256,
                "gate_hash": gate_hash,
                "flow_run_id": flow_run_id or None,
                "requested_by": requested_by,
                "expires_at": expires_at,
            }
            return rows.add_request(connection, now, values)

    def decide(self, approval_id: int, state: ApprovalState, approver: str, reason: str) -> Approval:
        """Write the answer, APPROVED or REJECTED; after `expires_at` it becomes EXPIRED, whatever was said.

        Raises:
            Stale: it was answered, or expired, before: the first answer stands.
            ContractError: another state, nobody's name, or the name of who asked.
            NotFound: no such request.
        """
        if state not in (ApprovalState.APPROVED, ApprovalState.REJECTED):
            raise ContractError(f"a person approves or rejects, {state} is not theirs to say")
        if not approver.strip():
            raise ContractError("an answer needs a name: who approves or rejects?")
        with self._database.write() as connection:
            now = self._database.now()
            row = rows.existing(connection, approval_id)
            if row.requested_by == approver:
                raise ContractError(f"{approver!r} asked for this promotion: somebody else has to answer")
            if row.state != ApprovalState.PENDING:
                raise Stale(f"request {approval_id} was {row.state} by {row.approver!r}: {row.reason}")
            if rows.overdue(row, now):
                return rows.expire(connection, now, row, f"{approver} answered too late")
            return rows.settle(connection, now, row, ApprovalState(state), approver, reason)

    def get(self, approval_id: int) -> Approval:
        """The request; one that is overdue is expired by this very look. Raises `NotFound`."""
        with self._database.read() as connection:
            row = rows.existing(connection, approval_id)
        if not rows.overdue(row, self._database.now()):
            return rows.approval_of(row)
        self.expire()
        with self._database.read() as connection:
            return rows.approval_of(rows.existing(connection, approval_id))

    def pending(self, model: str | None = None) -> builtins.list[Approval]:
        """Requests that a person can still answer, the oldest first."""
        now = self._database.now()
        return [approval for approval in self._list(rows.waiting(model)) if approval.expires_at > now]

    def list(self, model: str, limit: int = 100) -> builtins.list[Approval]:
        """Requests in any state, the newest first."""
        query = select(approvals).where(approvals.c.model == model).order_by(approvals.c.id.desc())
        return self._list(query.limit(limit))

    def expire(self) -> builtins.list[Approval]:
        """Expire every request that is overdue; those that this call expired."""
        with self._database.write() as connection:
            now = self._database.now()
            overdue = [row for row in connection.execute(rows.waiting(None)).all() if rows.overdue(row, now)]
            return [rows.expire(connection, now, row, "nobody answered in time") for row in overdue]

    def _list(self, query: Select[Any]) -> builtins.list[Approval]:
        with self._database.read() as connection:
            return [rows.approval_of(row) for row in connection.execute(query)]
