"""Findings of committed windows: those of one window, or one question through time."""

from __future__ import annotations

from itertools import groupby

from sqlalchemy import Row, and_, select

from tasks.adapters.ledger import window_rows
from tasks.adapters.ledger.database import Database
from tasks.adapters.ledger.records import Answered
from tasks.adapters.ledger.schema import findings, revisions, windows
from tasks.domain.finding import Finding, Outcome, Stage
from tasks.domain.window import Window


class Findings:
    """Read only: findings are written by `windows.commit`. A value that was nan is None."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, model: str, window: Window, revision: int | None = None) -> list[tuple[Stage, Finding]]:
        """The findings of a revision (the newest, unless one is named) in the order of the reports; [] if none."""
        with self._database.read() as connection:
            row = window_rows.window_row(connection, model, window)
            if row is None:
                return []
            wanted = row.revision if revision is None else revision
            query = select(findings).where(findings.c.window_id == row.id, findings.c.revision == wanted)
            return [(Stage(f.stage), _finding(f)) for f in connection.execute(query.order_by(findings.c.position))]

    def history(
        self, model: str, check: str, subject: str, slice: str, before: Window, limit: int = 50
    ) -> list[tuple[Window, Finding]]:
        """The answers to one question in the windows that ended by the start of `before`, the newest first.

        Only the newest revision of each window counts.
        """
        newest = and_(findings.c.window_id == windows.c.id, findings.c.revision == windows.c.revision)
        question = and_(findings.c.check_name == check, findings.c.subject == subject, findings.c.slice_name == slice)
        query = (
            select(windows.c.start_at, windows.c.end_at, findings)
            .select_from(findings.join(windows, newest))
            .where(windows.c.model == model, question, windows.c.end_at <= before.start)
            .order_by(windows.c.end_at.desc(), windows.c.start_at.desc())
            .limit(limit)
        )
        with self._database.read() as connection:
            return [(Window(row.start_at, row.end_at), _finding(row)) for row in connection.execute(query)]

    def before(self, model: str, window: Window, finding: Finding) -> Finding | None:
        """The answer to the same question in the window that ended when this one began; None without one."""
        found = self.history(model, finding.check, finding.subject, finding.slice, window, 1)
        return found[0][1] if found and found[0][0].end == window.start else None

    def against(self, model: str, reference_id: int, check: str, before: Window, limit: int = 50) -> list[Answered]:
        """The answers of one check, whatever its subjects and slices, in the windows that ended by `before`'s start.

        Only windows whose newest revision was measured against that pinned reference; the newest window first.
        """
        newest = and_(revisions.c.window_id == windows.c.id, revisions.c.revision == windows.c.revision)
        earlier = and_(windows.c.model == model, windows.c.end_at <= before.start)
        chosen = (
            select(windows.c.id, windows.c.start_at, windows.c.end_at, windows.c.revision, revisions.c.verdict)
            .select_from(windows.join(revisions, newest))
            .where(earlier, revisions.c.reference_id == reference_id)
            .order_by(windows.c.end_at.desc(), windows.c.start_at.desc())
            .limit(limit)
            .subquery()
        )
        its_own = and_(findings.c.window_id == chosen.c.id, findings.c.revision == chosen.c.revision)
        query = (
            select(chosen.c.start_at, chosen.c.end_at, chosen.c.verdict, findings)
            .select_from(findings.join(chosen, its_own))
            .where(findings.c.check_name == check)
            .order_by(chosen.c.end_at.desc(), chosen.c.start_at.desc(), findings.c.position)
        )
        with self._database.read() as connection:
            rows = [(Window(row.start_at, row.end_at), row) for row in connection.execute(query)]
        groups = [(window, [row for _, row in its_own]) for window, its_own in groupby(rows, key=lambda each: each[0])]
        return [
            Answered(window=window, verdict=its_own[0].verdict, findings=tuple(_finding(row) for row in its_own))
            for window, its_own in groups
        ]


def _finding(row: Row[tuple[object, ...]]) -> Finding:
    return Finding(
        check=row.check_name,
        subject=row.subject,
        outcome=Outcome(row.outcome),
        slice=row.slice_name,
        value=row.value,
        limit=row.limit_value,
        unit=row.unit,
        n=row.n,
        effect=row.effect,
        note=row.note,
    )
