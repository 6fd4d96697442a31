"""What was measured of images before, by content hash: one SQLite file of bounded size on this machine.

A window's measurements lie in the bucket as Parquet, where every machine finds them again. This file answers the other
questions: the same bytes in another window, an overlapping one, a set of labels, or seen by another champion.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

log = logging.getLogger(__name__)

ASKED = 500
"""Hashes that one question names."""

PATIENCE = 30.0
"""Seconds to wait for another process that is writing."""

KEPT = 0.8
"""Part of the bound that is left when it was exceeded: so it is not tidied with every piece."""

DAY = 86_400

_TABLE = """
CREATE TABLE IF NOT EXISTS measured (
    what TEXT NOT NULL, sha256 BLOB NOT NULL, used INTEGER NOT NULL, value BLOB NOT NULL, PRIMARY KEY (what, sha256)
)
"""
_BY_USE = "CREATE INDEX IF NOT EXISTS by_use ON measured (used)"
_FIND = "SELECT sha256, value FROM measured WHERE what = ? AND sha256 IN ({})"
_USED = "UPDATE measured SET used = ? WHERE what = ? AND used < ? AND sha256 IN ({})"
_KEEP = "INSERT OR REPLACE INTO measured VALUES (?, ?, ?, ?)"
_PAGES = ("page_count", "freelist_count", "page_size")
_OLDEST = """
DELETE FROM measured WHERE rowid IN (
    SELECT rowid FROM measured ORDER BY used LIMIT (SELECT CAST(COUNT(*) * ? AS INTEGER) FROM measured)
)
"""


class MeasureCache:
    """Bytes in `path` by what was measured and the content hash (hex) of the image; 0 `max_bytes` keeps nothing.

    Several processes may share the file. One that cannot be read or written costs a log line and the time to measure
    again, never a result.
    """

    def __init__(self, path: Path, max_bytes: int) -> None:
        self._path = path
        self._max_bytes = max_bytes

    def get(self, what: str, hashes: Sequence[str]) -> dict[str, bytes]:
        """Content hash -> what was kept of it, of those that are known."""
        found: dict[str, bytes] = {}
        if not self._max_bytes or not self._path.is_file():
            return found
        try:
            with self._open() as base:
                for start in range(0, len(hashes), ASKED):
                    some = [bytes.fromhex(each) for each in hashes[start : start + ASKED]]
                    marks = ", ".join("?" * len(some))
                    found |= {sha256.hex(): value for sha256, value in base.execute(_FIND.format(marks), (what, *some))}
                    now = int(time.time())
                    base.execute(_USED.format(marks), (now, what, now - DAY, *some))
        except (sqlite3.Error, OSError) as error:
            log.warning("what was measured before cannot be read, it is measured again: %s", error)
        return found

    def add(self, what: str, found: Mapping[str, bytes]) -> None:
        """Keep bytes by content hash; when the bound is exceeded, what was not used for longest goes."""
        if not self._max_bytes or not found:
            return
        now = int(time.time())
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._open() as base:
                base.executemany(_KEEP, ((what, bytes.fromhex(name), now, value) for name, value in found.items()))
            self._shrink()
        except (sqlite3.Error, OSError) as error:
            log.warning("%d measurements could not be kept for the next time: %s", len(found), error)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """One transaction; a file that is no data base is thrown away, for it can be made again."""
        with closing(sqlite3.connect(self._path, timeout=PATIENCE)) as base:
            try:
                base.execute(_TABLE)
                base.execute(_BY_USE)
            except sqlite3.DatabaseError as error:
                if not isinstance(error, sqlite3.OperationalError):
                    self._path.unlink(missing_ok=True)
                raise
            with base:
                yield base

    def _shrink(self) -> None:
        """Pages that become free are used again, so the file itself grows no further than the bound and one piece."""
        with self._open() as base:
            pages, free, size = (base.execute(f"PRAGMA {name}").fetchone()[0] for name in _PAGES)
            used = (pages - free) * size
            if used > self._max_bytes:
                base.execute(_OLDEST, (1 - KEPT * self._max_bytes / used,))
