"""What all tables share: their metadata, the names of constraints, row numbers, and the schema's revision."""

from __future__ import annotations

from sqlalchemy import BigInteger, Integer, MetaData

HEAD = "0001"
"""Revision that this program reads and writes: the newest file in `migrations/versions`."""

VERSION_TABLE = "ledger_schema"
"""Where Alembic notes the revision (its default name would collide with MLflow's)."""

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

ID = BigInteger().with_variant(Integer(), "sqlite")
"""A row number that counts up by itself on both databases."""
