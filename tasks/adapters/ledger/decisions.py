"""The audit trail: an append-only chain in which every row carries the hash of the one before.

`verify` finds a row that was changed, removed, added or re-ordered. Somebody who may rewrite the whole
database can also compute a new chain: keep `head()` somewhere else (a tag, an exported file) against that.
"""

from __future__ import annotations

import builtins
from collections.abc import Mapping
from contextlib import closing
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, insert, select, update

from tasks.adapters.ledger.canonical import clean, digest
from tasks.adapters.ledger.columns import TEXT_LIMIT
from tasks.adapters.ledger.database import Database
from tasks.adapters.ledger.records import Decision, Entry
from tasks.adapters.ledger.schema import chain, decisions
from tasks.domain.errors import ContractError

GENESIS = ""
"""What the first row has for the hash before it."""

_BATCH = 1_000


class Decisions:
    """Who decided what, when, and on which grounds."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def append(self, model: str, kind: str, subject: str, actor: str, payload: Mapping[str, Any]) -> int:
        """Add a row; its number, counted from 1 without gaps over all models."""
        with self._database.write() as connection:
            entry = Entry(model=model, kind=kind, subject=subject, actor=actor, payload=payload)
            return record(connection, self._database.now(), entry)

    def list(self, model: str | None = None, limit: int = 100) -> builtins.list[Decision]:
        """The newest rows first, of one model or of all."""
        query = select(decisions).order_by(decisions.c.seq.desc()).limit(limit)
        if model is not None:
            query = query.where(decisions.c.model == model)
        with self._database.read() as connection:
            return [_decision(row) for row in connection.execute(query).mappings()]

    def latest(self, model: str, kind: str, subject: str) -> Decision | None:
        """The newest row of that kind about that subject, or None."""
        same = (decisions.c.model == model, decisions.c.kind == str(kind), decisions.c.subject == subject)
        query = select(decisions).where(*same).order_by(decisions.c.seq.desc()).limit(1)
        with self._database.read() as connection:
            return next((_decision(row) for row in connection.execute(query).mappings()), None)

    def trail(self, model: str, kind: str, subject: str) -> builtins.list[Decision]:
        """Every row of that kind about that subject, the oldest first."""
        same = (decisions.c.model == model, decisions.c.kind == str(kind), decisions.c.subject == subject)
        with self._database.read() as connection:
            rows = connection.execute(select(decisions).where(*same).order_by(decisions.c.seq)).mappings()
            return [_decision(row) for row in rows]

    def head(self) -> tuple[int, str]:
        """Number and hash of the newest row; (0, "") before the first."""
        with self._database.read() as connection:
            return _head(connection)

    def verify(self) -> None:
        """Read the whole chain and recompute it.

        Raises:
            ContractError: a row was changed, removed, added or re-ordered; the message names its number.
        """
        with self._database.read() as connection:
            last, last_hash = _head(connection)
            expected, previous = 1, GENESIS
            query = select(decisions).where(decisions.c.seq <= last).order_by(decisions.c.seq)
            with closing(connection.execution_options(yield_per=_BATCH).execute(query).mappings()) as rows:
                for decision in map(_decision, rows):
                    _check(decision, expected, previous)
                    expected, previous = expected + 1, decision.hash
        if (expected - 1, previous) != (last, last_hash):
            raise ContractError(
                f"the decisions end at {expected - 1}, their head says {last}: rows or the head were changed"
            )


def record(connection: Connection, now: datetime, entry: Entry) -> int:
    """Add a row to the chain inside the caller's transaction; its number."""
    last, previous = _head(connection)
    values: dict[str, Any] = {
        "seq": last + 1,
        "model": entry.model,
        "kind": str(entry.kind),
        "subject": clean(entry.subject, TEXT_LIMIT),
        "actor": clean(entry.actor, TEXT_LIMIT),
        "payload": dict(entry.payload),
        "at": now,
        "previous": previous,
    }
    values["hash"] = digest(values)
    connection.execute(insert(decisions).values(**values))
    connection.execute(update(chain).values(seq=last + 1, hash=values["hash"]))
    return last + 1


def _head(connection: Connection) -> tuple[int, str]:
    row = connection.execute(select(chain.c.seq, chain.c.hash)).one_or_none()
    if row is None:
        raise ContractError("the head of the decisions is missing: somebody removed it")
    return row.seq, row.hash


def _check(decision: Decision, expected: int, previous: str) -> None:
    if decision.seq != expected:
        raise ContractError(f"decision {expected} is missing, {decision.seq} follows in its place")
    if decision.previous != previous:
        raise ContractError(
            f"decision {decision.seq} does not follow the one before it: rows were re-ordered or removed"
        )
    if _hash(decision) != decision.hash:
        raise ContractError(f"decision {decision.seq} was changed after it was written")


def _hash(decision: Decision) -> str:
    names = ("seq", "model", "kind", "subject", "actor", "payload", "at", "previous")
    return digest({name: getattr(decision, name) for name in names})


def _decision(row: RowMapping) -> Decision:
    return Decision(**dict(row))
