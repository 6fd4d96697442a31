"""Side effects that must follow a committed row: kept with it, carried out at least once, known by their key."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, func, insert, select, update

from tasks.adapters.ledger.database import Database
from tasks.adapters.ledger.records import Intent, OutboxRow, OutboxState
from tasks.adapters.ledger.schema import outbox
from tasks.domain.errors import NotFound

FIRST_WAIT = timedelta(seconds=10)
LONGEST_WAIT = timedelta(hours=1)
GIVE_UP = timedelta(hours=24)
"""An intent that still fails this long after it was written is dead."""


class Outbox:
    """Intents and how far they got."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, intent: Intent) -> bool:
        """Keep the intent; False when its key is known already (the first one stays as it is)."""
        with self._database.write() as connection:
            return enqueue(connection, self._database.now(), (intent,)) == 1

    def pending(self, kind: str | None = None, limit: int = 100) -> list[OutboxRow]:
        """Intents that are due, the oldest first. Others may be carrying them out: `take` them instead."""
        with self._database.read() as connection:
            return _rows(connection, _due(self._database.now(), kind, limit))

    def take(
        self, kind: str | None = None, limit: int = 100, lease: timedelta = timedelta(minutes=5)
    ) -> list[OutboxRow]:
        """Intents that are due, hidden from others until `done`, `failed`, or the lease is over."""
        with self._database.write() as connection:
            now = self._database.now()
            rows = _rows(connection, _due(now, kind, limit))
            for row in rows:
                connection.execute(update(outbox).where(outbox.c.key == row.key).values(next_at=now + lease))
        return rows

    def get(self, key: str) -> OutboxRow | None:
        """The intent of that key."""
        with self._database.read() as connection:
            return _find(connection, key)

    def done(self, key: str, result: Any = None) -> OutboxRow:
        """Note that the effect happened; the first result stays. Raises `NotFound` for an unknown key."""
        with self._database.write() as connection:
            row = _existing(connection, key)
            if row.state is not OutboxState.DONE:
                _set(connection, key, state=OutboxState.DONE, done_at=self._database.now(), result=result, error="")
            return _existing(connection, key)

    def failed(self, key: str, error: str) -> OutboxRow:
        """Note a failure: tried again after 10 s, 20 s, 40 s … up to an hour; dead after a day.

        An effect that is done stays done. Raises `NotFound` for an unknown key.
        """
        with self._database.write() as connection:
            row, now = _existing(connection, key), self._database.now()
            if row.state is OutboxState.DONE:
                return row
            given_up = now - row.created_at >= GIVE_UP
            _set(
                connection,
                key,
                state=OutboxState.DEAD if given_up else OutboxState.PENDING,
                attempts=row.attempts + 1,
                next_at=now + wait_after(row.attempts + 1),
                error=error,
            )
            return _existing(connection, key)

    def revive(self, key: str) -> OutboxRow:
        """Give a dead intent another day, due at once. Raises `NotFound` for an unknown key."""
        with self._database.write() as connection:
            row, now = _existing(connection, key), self._database.now()
            if row.state is OutboxState.DEAD:
                _set(connection, key, state=OutboxState.PENDING, attempts=0, created_at=now, next_at=now)
            return _existing(connection, key)

    def counts(self) -> dict[OutboxState, int]:
        """How many intents are in each state."""
        with self._database.read() as connection:
            rows = connection.execute(select(outbox.c.state, func.count()).group_by(outbox.c.state)).all()
        found = {str(state): int(number) for state, number in rows}
        return {state: found.get(state.value, 0) for state in OutboxState}


def wait_after(attempts: int) -> timedelta:
    """How long to wait after that many failures (from 1).

    >>> [int(wait_after(n).total_seconds()) for n in (1, 2, 3, 50)]
    [10, 20, 40, 3600]
    """
    doublings = min(max(attempts - 1, 0), 16)
    return min(LONGEST_WAIT, FIRST_WAIT * (1 << doublings))


def enqueue(connection: Connection, now: datetime, intents: Iterable[Intent]) -> int:
    """Keep intents inside the caller's transaction; how many were new."""
    added = 0
    for intent in intents:
        if _find(connection, intent.key) is None:
            connection.execute(insert(outbox).values(**_new(intent, now)))
            added += 1
    return added


def _new(intent: Intent, now: datetime) -> dict[str, Any]:
    return {
        "key": intent.key,
        "kind": intent.kind,
        "payload": dict(intent.payload),
        "state": OutboxState.PENDING,
        "attempts": 0,
        "created_at": now,
        "next_at": now,
        "error": "",
    }


def _due(now: datetime, kind: str | None, limit: int) -> Select[Any]:
    query = select(outbox).where(outbox.c.state == OutboxState.PENDING, outbox.c.next_at <= now)
    if kind is not None:
        query = query.where(outbox.c.kind == kind)
    return query.order_by(outbox.c.created_at, outbox.c.key).limit(limit)


def _find(connection: Connection, key: str) -> OutboxRow | None:
    rows = _rows(connection, select(outbox).where(outbox.c.key == key))
    return rows[0] if rows else None


def _existing(connection: Connection, key: str) -> OutboxRow:
    row = _find(connection, key)
    if row is None:
        raise NotFound(f"no intent {key[:200]!r} in the outbox")
    return row


def _set(connection: Connection, key: str, **values: Any) -> None:
    connection.execute(update(outbox).where(outbox.c.key == key).values(**values))


def _rows(connection: Connection, query: Select[Any]) -> list[OutboxRow]:
    return [_row(row) for row in connection.execute(query).mappings()]


def _row(row: RowMapping) -> OutboxRow:
    return OutboxRow(**{**dict(row), "state": OutboxState(row["state"])})
