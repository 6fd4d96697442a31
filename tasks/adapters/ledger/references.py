"""Pinned references: the profiles that drift of one champion is measured against, and who chose them."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from tasks.adapters.ledger import decisions
from tasks.adapters.ledger.database import Database
from tasks.adapters.ledger.records import DecisionKind, Entry, PinnedReference
from tasks.adapters.ledger.schema import references
from tasks.domain.errors import NotFound
from tasks.domain.snapshot import TableRef


class References:
    """Pins are never changed: the newest one of a champion counts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def pin(self, model: str, champion_sha256: str, table: TableRef, actor: str, reason: str) -> int:
        """Measure this champion against this table from now on; the pin's number. The same table is pinned once."""
        with self._database.write() as connection:
            present = _current(connection, model, champion_sha256)
            if present is not None and present.table == table:
                return present.id
            now = self._database.now()
            values = {"model": model, "champion_sha256": champion_sha256, "table_ref": asdict(table)}
            added = insert(references).values(**values, actor=actor, reason=reason, created_at=now)
            number = int(connection.execute(added.returning(references.c.id)).scalar_one())
            decisions.record(
                connection,
                now,
                Entry(
                    model=model,
                    kind=DecisionKind.REFERENCE,
                    subject=champion_sha256,
                    actor=actor,
                    payload={"reference_id": number, "table": asdict(table), "reason": reason},
                ),
            )
            return number

    def current(self, model: str, champion_sha256: str, at: datetime | None = None) -> PinnedReference | None:
        """The newest pin of that champion, now or at a moment; None when there is none."""
        with self._database.read() as connection:
            return _current(connection, model, champion_sha256, at)

    def get(self, reference_id: int) -> PinnedReference:
        """The pin of that number. Raises `NotFound`."""
        with self._database.read() as connection:
            row = connection.execute(select(references).where(references.c.id == reference_id)).one_or_none()
        if row is None:
            raise NotFound(f"no pinned reference {reference_id} in the ledger")
        return _reference(row)


def _current(
    connection: Connection, model: str, champion_sha256: str, at: datetime | None = None
) -> PinnedReference | None:
    query = select(references).where(references.c.model == model, references.c.champion_sha256 == champion_sha256)
    query = query if at is None else query.where(references.c.created_at <= at)
    row = connection.execute(query.order_by(references.c.id.desc()).limit(1)).one_or_none()
    return None if row is None else _reference(row)


def _reference(row: Row[Any]) -> PinnedReference:
    return PinnedReference(
        id=row.id,
        model=row.model,
        champion_sha256=row.champion_sha256,
        table=TableRef(**row.table_ref),
        actor=row.actor,
        reason=row.reason,
        created_at=row.created_at,
    )
