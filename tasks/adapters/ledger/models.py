"""Registered models: a name with one kind and one list of classes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, insert, select

from tasks.adapters.ledger.database import Database
from tasks.adapters.ledger.records import ModelRecord
from tasks.adapters.ledger.schema import models
from tasks.domain.errors import ContractError
from tasks.domain.model import Kind, safe_name


class Models:
    """Names that versions, windows and champions belong to."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def ensure(self, name: str, kind: Kind, classes: Sequence[str]) -> ModelRecord:
        """The model, added when it is new.

        Raises:
            ContractError: it is known with another kind or other classes (their order counts).
            ConfigError: a name that could not be shown safely.
        """
        with self._database.write() as connection:
            return ensure_model(connection, self._database.now(), name, kind, classes)

    def get(self, name: str) -> ModelRecord | None:
        """The model of that name."""
        with self._database.read() as connection:
            return find_model(connection, name)

    def names(self) -> list[str]:
        """All names, sorted."""
        with self._database.read() as connection:
            return sorted(connection.execute(select(models.c.name)).scalars())


def ensure_model(connection: Connection, now: datetime, name: str, kind: Kind, classes: Sequence[str]) -> ModelRecord:
    """The model, added inside the caller's transaction when it is new (see `Models.ensure`)."""
    wanted = ModelRecord(name=safe_name(name, "model name"), kind=Kind(kind), classes=tuple(classes), created_at=now)
    known = find_model(connection, name)
    if known is None:
        labels = [safe_name(label, "class name") for label in wanted.classes]
        connection.execute(insert(models).values(name=name, kind=wanted.kind.value, classes=labels, created_at=now))
        return wanted
    if (known.kind, known.classes) != (wanted.kind, wanted.classes):
        raise ContractError(
            f"model {name!r} is {known.kind} with classes {known.classes}, "
            f"not {wanted.kind} with {wanted.classes}: another contract needs another name"
        )
    return known


def find_model(connection: Connection, name: str) -> ModelRecord | None:
    """The model of that name, or None."""
    row = connection.execute(select(models).where(models.c.name == name)).one_or_none()
    if row is None:
        return None
    return ModelRecord(name=row.name, kind=Kind(row.kind), classes=tuple(row.classes), created_at=row.created_at)
