"""One line of text to JSON values, or why not: what the standard reader lets through is refused here.

`json.loads` takes NaN, infinities, 1e400, repeated names and halves of surrogate pairs; none of them can be
written back or stored in a table.
"""

from __future__ import annotations

import json
import math
from typing import Any

from tasks.domain.contract_reasons import Reason, Rejected

MAX_LINE_BYTES = 4 << 20
"""Bytes of one record."""

MAX_DEPTH = 64
"""Lists and objects inside each other; a record needs five."""

_EXACT_DIGITS = 18


class _NonFiniteError(ValueError):
    """A number without a finite value."""


class _RepeatedError(ValueError):
    """A name that occurs twice in one object."""


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise _NonFiniteError(text[:40])
    return value


def _whole(text: str) -> float:
    return int(text) if len(text) <= _EXACT_DIGITS else _number(text)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _RepeatedError
    return found


def _constant(text: str) -> float:
    raise _NonFiniteError(text)


def read_object(line: bytes | str) -> dict[str, Any] | Rejected:
    """The JSON object in a line; every fault is a `Rejected`, nothing is raised.

    >>> read_object('{"a": 1}')
    {'a': 1}
    >>> read_object('{"a": 1e400}').reason.value
    'non_finite'
    """
    if len(line) > MAX_LINE_BYTES:
        return Rejected(reason=Reason.TOO_LARGE, note=f"{len(line)} bytes in one record, at most {MAX_LINE_BYTES}")
    try:
        value = _strictly_read(line if isinstance(line, str) else line.decode("utf-8"))
    except _NonFiniteError as error:
        return Rejected(reason=Reason.NON_FINITE, note=f"found {error}")
    except _RepeatedError:
        return Rejected(reason=Reason.BAD_JSON, note="a name occurs twice in one object")
    except (ValueError, RecursionError) as error:
        text = "the text is not UTF-8" if isinstance(error, UnicodeError) else str(error)
        return Rejected(reason=Reason.BAD_JSON, note=text)
    if not isinstance(value, dict):
        return Rejected(reason=Reason.BAD_JSON, note=f"a JSON object is expected, found {type(value).__name__}")
    return value


def _strictly_read(text: str) -> object:
    value: object = json.loads(
        text, parse_constant=_constant, parse_float=_number, parse_int=_whole, object_pairs_hook=_unique
    )
    if _deeper(value, MAX_DEPTH):
        raise ValueError(f"nested more than {MAX_DEPTH} deep")
    if "\\u" in text:
        json.dumps(value, ensure_ascii=False).encode("utf-8")  # halves of surrogate pairs cannot be stored
    return value


def non_finite(value: object) -> bool:
    """Whether a float that is not finite hides anywhere in nested lists and dicts (rows that came from Parquet)."""
    level = [value]
    while level:
        if any(isinstance(each, float) and not math.isfinite(each) for each in level):
            return True
        level = _inside(level)
    return False


def _deeper(value: object, depth: int) -> bool:
    level = [value]
    for _ in range(depth):
        level = _inside(level)
    return bool(level)


def _inside(level: list[object]) -> list[object]:
    """What lies in these lists and dicts: one floor deeper, without recursion, for the depth is a stranger's."""
    found: list[object] = []
    for each in level:
        if isinstance(each, dict):
            found.extend(each.values())
        elif isinstance(each, list):
            found.extend(each)
    return found
