"""One spelling for every JSON value, so that equal values have equal hashes on every machine.

Keys are sorted, there are no spaces, everything outside ASCII is escaped (which also keeps NUL bytes and lone
surrogates out of the database), and numbers that JSON cannot carry (nan, ±inf) become null.
"""

from __future__ import annotations

import hashlib
import json
import math
import numbers
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from tasks.domain.errors import ContractError


def canonical(value: object) -> str:
    """The value as canonical JSON text.

    Mappings need text or number keys; tuples become lists, numpy scalars numbers, aware datetimes ISO 8601 in UTC.

    >>> canonical({"b": float("nan"), "a": (1, "é")})
    '{"a":[1,"\\\\u00e9"],"b":null}'

    Raises:
        ContractError: the value holds something else, or holds itself.
    """
    try:
        return json.dumps(_plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    except (RecursionError, TypeError, ValueError) as error:
        raise ContractError(f"a value of type {type(value).__name__} cannot be written as JSON: {error}") from error


def digest(value: object) -> str:
    """SHA-256 (hex) of the canonical JSON."""
    return hashlib.sha256(canonical(value).encode("ascii")).hexdigest()


def clean(text: str, limit: int) -> str:
    """The text as any database can keep it: no NUL, no lone surrogates, at most `limit` characters.

    >>> clean("a\\x00b" + "c" * 9, 5)
    'a\\ufffdbc…'
    """
    legible = text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")
    return legible if len(legible) <= limit else legible[: limit - 1] + "…"


def _plain(value: object) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, numbers.Real):
        return _number(value)
    if isinstance(value, datetime):
        return _moment(value)
    return _container(value)


def _container(value: object) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    raise TypeError(f"{type(value).__name__} is not JSON")


def _number(value: numbers.Real) -> int | float | None:
    if isinstance(value, numbers.Integral):
        return int(value)
    number = float(value)
    return number if math.isfinite(number) else None


def _moment(value: datetime) -> str:
    if value.tzinfo is None:
        raise ValueError(f"{value!r} has no UTC offset")
    return value.astimezone(UTC).isoformat()
