"""Messages for people: raised once per key, delivered once, acknowledged or snoozed by somebody with a name."""

from __future__ import annotations

import builtins
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, insert, or_, select, update

from tasks.adapters.ledger import decisions
from tasks.adapters.ledger.database import Database
from tasks.adapters.ledger.records import Alarm, AlertRow, DecisionKind, Entry
from tasks.adapters.ledger.schema import alerts
from tasks.domain.errors import ContractError, NotFound


class Alerts:
    """Rows of alerts; a channel that failed leaves `delivered_at` empty, so the next flush tries again."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, dedupe_key: str, model: str, severity: str, title: str, payload: Mapping[str, Any]) -> AlertRow:
        """Raise an alert; the row that is there already when the key is known."""
        with self._database.write() as connection:
            alarm = Alarm(dedupe_key=dedupe_key, model=model, severity=severity, title=title, payload=payload)
            return raise_once(connection, self._database.now(), alarm)

    def list(self, model: str | None = None, limit: int = 100) -> builtins.list[AlertRow]:
        """The newest alerts first, of one model or of all."""
        query = select(alerts).order_by(alerts.c.id.desc()).limit(limit)
        if model is not None:
            query = query.where(alerts.c.model == model)
        with self._database.read() as connection:
            return _rows(connection, query)

    def undelivered(self, limit: int = 100) -> builtins.list[AlertRow]:
        """Alerts that nobody was told of, the oldest first; snoozed ones come back when the snooze is over."""
        awake = or_(alerts.c.snoozed_until.is_(None), alerts.c.snoozed_until <= self._database.now())
        query = select(alerts).where(alerts.c.delivered_at.is_(None), awake).order_by(alerts.c.id).limit(limit)
        with self._database.read() as connection:
            return _rows(connection, query)

    def get(self, alert_id: int) -> AlertRow:
        """The alert of that number. Raises `NotFound`."""
        with self._database.read() as connection:
            return _existing(connection, alert_id)

    def delivered(self, alert_id: int) -> AlertRow:
        """Note that a channel took it; the first time stays. Raises `NotFound`."""
        with self._database.write() as connection:
            if _existing(connection, alert_id).delivered_at is None:
                _set(connection, alert_id, delivered_at=self._database.now())
            return _existing(connection, alert_id)

    def acknowledge(self, alert_id: int, actor: str) -> AlertRow:
        """Note who takes care of it; the first one stays, and is in the audit trail. Raises `NotFound`."""
        with self._database.write() as connection:
            row = _existing(connection, alert_id)
            if not row.acknowledged_by:
                _set(connection, alert_id, acknowledged_by=_named(actor))
                self._decide(connection, DecisionKind.ACKNOWLEDGE, row, actor, {})
            return _existing(connection, alert_id)

    def snooze(self, alert_id: int, until: datetime, actor: str, reason: str = "") -> AlertRow:
        """Hold the message back until then; who and why is in the audit trail. Raises `NotFound`."""
        with self._database.write() as connection:
            row = _existing(connection, alert_id)
            _set(connection, alert_id, snoozed_until=until)
            self._decide(connection, DecisionKind.SNOOZE, row, _named(actor), {"until": until, "reason": reason})
            return _existing(connection, alert_id)

    def _decide(
        self, connection: Connection, kind: DecisionKind, row: AlertRow, actor: str, payload: dict[str, Any]
    ) -> None:
        decisions.record(
            connection,
            self._database.now(),
            Entry(
                model=row.model, kind=kind, subject=row.dedupe_key, actor=actor, payload={"alert_id": row.id, **payload}
            ),
        )


def raise_once(connection: Connection, now: datetime, alarm: Alarm) -> AlertRow:
    """The alert of that key, added inside the caller's transaction when it is new."""
    query = select(alerts).where(alerts.c.dedupe_key == alarm.dedupe_key)
    if known := _rows(connection, query):
        return known[0]
    values = {"dedupe_key": alarm.dedupe_key, "model": alarm.model, "severity": str(alarm.severity)}
    rest = {"title": alarm.title, "payload": dict(alarm.payload), "created_at": now, "acknowledged_by": ""}
    connection.execute(insert(alerts).values(**values, **rest))
    return _rows(connection, query)[0]


def _named(actor: str) -> str:
    if not actor.strip():
        raise ContractError("an alert is acknowledged or snoozed by somebody with a name")
    return actor


def _existing(connection: Connection, alert_id: int) -> AlertRow:
    rows = _rows(connection, select(alerts).where(alerts.c.id == alert_id))
    if not rows:
        raise NotFound(f"no alert {alert_id} in the ledger")
    return rows[0]


def _set(connection: Connection, alert_id: int, **values: Any) -> None:
    connection.execute(update(alerts).where(alerts.c.id == alert_id).values(**values))


def _rows(connection: Connection, query: Select[Any]) -> builtins.list[AlertRow]:
    return [AlertRow(**dict(row)) for row in connection.execute(query).mappings()]
