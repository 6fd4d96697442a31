"""Whether the tables that the migrations built are the tables that the program declares."""

from __future__ import annotations

from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection

from tasks.adapters.ledger.metadata import VERSION_TABLE
from tasks.adapters.ledger.schema import metadata


def differences(connection: Connection) -> list[Any]:
    """What a migration would still have to change; [] when nothing."""

    def ours(name: str | None, kind: str, _parents: object) -> bool:
        return kind != "table" or (name or "").startswith("ledger_")

    options = {"version_table": VERSION_TABLE, "include_name": ours, "target_metadata": metadata}
    return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))
