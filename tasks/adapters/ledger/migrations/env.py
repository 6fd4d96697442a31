"""What Alembic runs: the revisions, on the connection and in the transaction that `upgrading` hands over."""

from __future__ import annotations

from alembic import context

from tasks.adapters.ledger.metadata import VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"],
    version_table=VERSION_TABLE,
)
with context.begin_transaction():
    context.run_migrations()
