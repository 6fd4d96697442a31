"""A window on disk while it is put together, so that memory does not grow with it: objects, records, who was drawn.

A scratch database that lives as long as one pull; nothing else reads it.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path

from tasks.domain.contract_reasons import Rejected
from tasks.domain.window import Window
from tasks.ingest import sample
from tasks.ingest import sheet_rows as rows
from tasks.ingest import sheet_sql as sql
from tasks.ingest.members import Member
from tasks.ingest.records import NO_IMAGE, SHARED_KEY, Brief, Found, misplaced, settled
from tasks.ingest.sessions import sessions
from tasks.ingest.sheet_rows import Drawn, Look, Refused

CACHE_KB = 32 << 10
"""Memory for pages of the sheet, however large the window."""


@contextmanager
def blank(folder: Path) -> Iterator[Sheet]:
    """An empty sheet in a folder that somebody else removes."""
    with closing(sqlite3.connect(folder / "sheet.db", isolation_level=None)) as connection:
        connection.executescript(
            f"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -{CACHE_KB}"
        )
        connection.executescript(sql.SCHEMA)
        connection.execute("BEGIN")  # never committed: the sheet is lost with the process anyway
        yield Sheet(connection)


class Sheet:
    """Fill in objects and records, settle, draw, then read what was drawn in order of keys."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection
        connection.create_function("draw", 1, sample.draw, deterministic=True)

    def add_objects(self, members: Iterable[Member]) -> None:
        """Note what is listed; an object that is listed twice counts once."""
        self._db.executemany(sql.ADD_OBJECT, map(rows.object_row, members))

    def add_known(self, looks: Iterable[tuple[str, str, Look]]) -> None:
        """Note what an earlier look found: key, ETag, and what those bytes are."""
        self._db.executemany(sql.ADD_KNOWN, (rows.known_row(*each) for each in looks))

    def add_records(self, found: Iterable[Found], window: Window) -> None:
        """Note every row of every part; those that were refused or lie in the wrong folder stand beside."""
        for row in found:
            answer = row.answer
            why = answer if isinstance(answer, Rejected) else misplaced(answer, window)
            if isinstance(why, Rejected):
                self._db.execute(sql.ADD_REFUSED, rows.refusal_row(row, why))
            elif not isinstance(answer, Rejected):
                self._db.execute(sql.ADD_RECORD, rows.record_row(row, answer))

    def settle(self, gap: timedelta) -> None:
        """Decide which records stand, refuse the others, and name the session of each (frames closer than `gap`).

        Objects that no record names, and that share their name with another image, are doubtful from then on.
        """
        briefs = self._db.execute(sql.BRIEFS)
        for _, group in groupby(briefs, key=itemgetter(0)):
            self._stand([rows.brief(each) for each in group])
        self._contradict([number for (number,) in self._db.execute(sql.SHARED)], SHARED_KEY)
        self._refuse([number for (number,) in self._db.execute(sql.GONE)], NO_IMAGE, named=True)
        for question in (sql.TAKEN, sql.NAMESAKES):
            self._db.execute(question)
        shots = self._db.execute(sql.SHOTS)
        told = ((number, camera, datetime.fromisoformat(moment)) for number, camera, moment in shots)
        self._db.executemany("INSERT INTO sessions VALUES (?, ?)", sessions(told, gap))

    def draw(self, limit: int) -> int:
        """Draw at most `limit` objects, and as many records without an image; how many of both are left out."""
        seen_on: Counter[int] = Counter()
        for (classes,) in self._db.execute("SELECT classes FROM standing JOIN records USING (number)"):
            seen_on.update(map(int, classes.split()))
        self._db.create_function("class_of", 2, rows.class_of(seen_on))
        self._db.execute(sql.UNITS)
        return sum(self._draw(kept, limit) for kept in (True, False))

    def objects(self) -> Iterator[Drawn]:
        """Every object that was drawn, in order of keys."""
        return map(rows.drawn_object, self._db.execute(sql.OBJECTS))

    def lone_records(self) -> Iterator[Drawn]:
        """Every drawn record whose image was not kept, in order of image ids."""
        return map(rows.drawn_record, self._db.execute(sql.LONE))

    def refused(self) -> Iterator[Refused]:
        """Every row that was refused, in the order in which that was found out."""
        return map(rows.refused_row, self._db.execute(sql.REFUSED))

    def first_with(self, sha256: str, key: str) -> str:
        """The key that these bytes were first asked about with."""
        self._db.execute("INSERT OR IGNORE INTO first_with VALUES (?, ?)", (sha256, key))
        found = self._db.execute("SELECT key FROM first_with WHERE sha256 = ?", (sha256,))
        return str(found.fetchone()[0])

    def _stand(self, group: Sequence[Brief]) -> None:
        found = settled(group)
        if isinstance(found, Brief):
            self._db.execute("INSERT INTO standing VALUES (?, ?, ?)", (found.number, found.key, found.note))
        else:
            self._contradict([each.number for each in found[0]], found[1])

    def _contradict(self, numbers: Sequence[int], why: Rejected) -> None:
        """Refuse records that contradict each other, and remember whose they are."""
        self._db.executemany(sql.CONTRADICT, ((number,) for number in numbers))
        self._refuse(numbers, why)

    def _refuse(self, numbers: Sequence[int], why: Rejected, *, named: bool = False) -> None:
        add = sql.REFUSE_NAMED if named else sql.REFUSE
        self._db.executemany(add, ((why.reason.value, why.note, number) for number in numbers))
        self._db.executemany("DELETE FROM standing WHERE number = ?", ((number,) for number in numbers))

    def _draw(self, kept: bool, limit: int) -> int:
        """Draw among objects (`kept`) or among records whose image was not kept."""
        (total,) = self._db.execute(sql.TOTAL, (kept,)).fetchone()
        sizes: dict[str, int] = {}
        for merge in sample.MERGES if total > limit else sample.MERGES[-1:]:  # of all there is nothing to share out
            self._db.create_function("stratum", 3, merge)
            sizes = dict(islice(self._db.execute(sql.STRATA, (kept,)), limit + 1))  # more are never of use
            if sample.fits(len(sizes), limit):
                break
        taken = sample.allocation(sizes, limit)
        self._db.execute("DELETE FROM strata")
        self._db.executemany("INSERT INTO strata VALUES (?, ?, ?)", ((s, n, taken[s]) for s, n in sizes.items()))
        self._db.execute(sql.DRAW, (kept,))
        left_out: int = sum(sizes.values()) - sum(taken.values())
        return left_out
