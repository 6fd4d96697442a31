"""Column types that mean the same on SQLite and PostgreSQL."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Dialect, Float, Text
from sqlalchemy.types import TypeDecorator

from tasks.adapters.ledger.canonical import canonical, clean
from tasks.domain.errors import ContractError

TEXT_LIMIT = 8_000
"""Characters kept of a free text; identities (hashes, names, keys) are far shorter."""

KEY_LIMIT = 500
"""Most characters of a key."""


class UtcTime(TypeDecorator[datetime]):
    """A moment with microseconds, in UTC going in and coming out; a naive one is refused with `ContractError`."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """The moment in UTC."""
        if value is not None and value.tzinfo is None:
            raise ContractError(f"the ledger was given {value!r} without a UTC offset")
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """The stored moment, aware, in UTC (SQLite keeps no offset: what it holds is UTC)."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class JsonText(TypeDecorator[Any]):
    """A JSON value as canonical text (see `canonical`); None stays null."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any | None, dialect: Dialect) -> str | None:
        """Canonical JSON."""
        return None if value is None else canonical(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any | None:
        """The parsed value."""
        return None if value is None else json.loads(value)


class SafeText(TypeDecorator[str]):
    """Text that may come from a stranger: legible in every database and cut to `limit` characters (see `clean`).

    Comparisons clean their side too, so a look-up finds what was stored. Indexed columns have small limits,
    because PostgreSQL refuses index rows over 2,704 bytes.
    """

    impl = Text
    cache_ok = True

    def __init__(self, limit: int = TEXT_LIMIT) -> None:
        super().__init__()
        self.limit = limit

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """The cleaned text."""
        return None if value is None else clean(str(value), self.limit)


class Key(TypeDecorator[str]):
    """Text that tells rows apart: never cut, so that two keys never become one; too long or NUL is refused."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """The text itself; `ContractError` when it could not be an identity on both databases."""
        if value is not None and clean(value, KEY_LIMIT) != value:
            raise ContractError(f"key {value[:80]!r} is longer than {KEY_LIMIT} characters or not legible text")
        return None if value is None else str(value)


class Number(TypeDecorator[float]):
    """A double; nan is stored as null on both databases (SQLite could not keep it)."""

    impl = Float(53)
    cache_ok = True

    def process_bind_param(self, value: float | None, dialect: Dialect) -> float | None:
        """The plain float, or None for nan."""
        return None if value is None or math.isnan(value) else float(value)
