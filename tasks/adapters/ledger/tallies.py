"""Sums over all committed windows, for metrics."""

from __future__ import annotations

from sqlalchemy import and_, func, select

from tasks.adapters.ledger.database import Database
from tasks.adapters.ledger.schema import objects, windows


class Tallies:
    """Read only: added up by the database, so that a scrape stays small however many windows there are."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def objects(self, model: str) -> dict[tuple[str, str], int]:
        """(verdict, reason) -> objects, over the newest revision of every window; reason is empty when accepted."""
        newest = and_(objects.c.window_id == windows.c.id, objects.c.revision == windows.c.revision)
        query = (
            select(objects.c.verdict, objects.c.reason, func.sum(objects.c.count))
            .select_from(objects.join(windows, newest))
            .where(windows.c.model == model)
            .group_by(objects.c.verdict, objects.c.reason)
        )
        with self._database.read() as connection:
            return {(str(verdict), str(reason)): int(total) for verdict, reason, total in connection.execute(query)}
