"""Whether the ledger knows the model that a command is about: an empty answer may only mean a slip of the pen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tasks.cli.output import CHECK_FAILED, OK, complain, show_rows

NAMED = 10
"""Models that a sentence names."""


def hint(model: str) -> str:
    """What to add to an empty answer about a model that the ledger does not know; empty when it does.

    Empty as well before it knows any: then every name is still free, and there is nothing that was meant instead.
    """
    from tasks.connections import ledger

    known = ledger().models.names()
    if model in known or not known:
        return ""
    few = ", ".join(known[:NAMED]) + (" …" if len(known) > NAMED else "")
    return f"; the ledger knows no model {model!r}, it knows {few}"


def show_of_model(model: str, title: str, rows: Sequence[Mapping[str, Any]], empty: str, as_json: bool) -> int:
    """Rows about a model, and the exit code: no rows about a model that nobody knows are a failed request."""
    unknown = "" if rows else hint(model)
    show_rows(title, rows, empty, as_json)
    if unknown:
        complain(unknown.removeprefix("; "))
    return CHECK_FAILED if unknown else OK
