"""The line of windows that were measured against one reference, and the moments at which a person took note."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, func, or_, select

from tasks.adapters.ledger.database import Database
from tasks.adapters.ledger.records import DecisionKind
from tasks.adapters.ledger.schema import alerts, decisions, revisions, windows
from tasks.domain.finding import Outcome
from tasks.domain.window import Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """The newest revision of a committed window."""

    window: Window
    outcome: Outcome
    verdict: Mapping[str, Any]
    artifacts: Mapping[str, str]
    committed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledged:
    """An alert that somebody took note of; `payload` is what it says, as JSON."""

    at: datetime
    payload: Mapping[str, Any]


class Trails:
    """Read only: everything in it was written by a commit or an acknowledgement."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def against(self, model: str, reference_id: int, before: datetime, days: int) -> list[Passed]:
        """Windows measured against that reference that ended by `before`, the oldest first.

        Only those within so many days of the first one, and within so many days before `before`: the answer stays
        bounded however old the reference is.
        """
        newest = and_(revisions.c.window_id == windows.c.id, revisions.c.revision == windows.c.revision)
        own = (windows.c.model == model, revisions.c.reference_id == reference_id, windows.c.end_at <= before)
        source, span = windows.join(revisions, newest), timedelta(days=days)
        wanted = (windows.c.start_at, windows.c.end_at, revisions.c.outcome, revisions.c.verdict,
                  revisions.c.artifacts, revisions.c.committed_at)  # fmt: skip
        with self._database.read() as connection:
            first = connection.execute(select(func.min(windows.c.start_at)).select_from(source).where(*own)).scalar()
            if first is None:
                return []
            near = or_(windows.c.start_at < first + span, windows.c.start_at >= before - span)
            query = select(*wanted).select_from(source).where(*own, near)
            rows = connection.execute(query.order_by(windows.c.start_at, windows.c.end_at)).all()
        return [
            Passed(
                window=Window(row.start_at, row.end_at),
                outcome=Outcome(row.outcome),
                verdict=row.verdict,
                artifacts=row.artifacts,
                committed_at=row.committed_at,
            )
            for row in rows
        ]

    def acknowledged(self, model: str) -> list[Acknowledged]:
        """Every alert of the model that was acknowledged, with when; the oldest first."""
        beside = and_(alerts.c.dedupe_key == decisions.c.subject, alerts.c.model == decisions.c.model)
        query = (
            select(decisions.c.at, alerts.c.payload)
            .select_from(decisions.join(alerts, beside))
            .where(decisions.c.model == model, decisions.c.kind == str(DecisionKind.ACKNOWLEDGE))
            .order_by(decisions.c.seq)
        )
        with self._database.read() as connection:
            return [Acknowledged(at=row.at, payload=row.payload) for row in connection.execute(query)]
