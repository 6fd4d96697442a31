"""One process at a time does what must not happen twice outside the ledger, where no transaction reaches.

The right lives as long as its holder: SQLite's is a locked file beside the database, PostgreSQL's an advisory
lock of an open transaction. The system takes both back when the process dies, so nothing has to run out.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from sqlalchemy import text

from tasks.adapters.ledger.database import Database, sqlite_file

PATIENCE = timedelta(minutes=5)
"""How long one waits for the others: large weights take minutes to upload."""

_POLL_SECONDS = 0.1


class Turns:
    """Whose turn it is, by name."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextmanager
    def alone(self, name: str, patience: timedelta = PATIENCE) -> Iterator[bool]:
        """Whether nobody else, in any process or thread, is in a block of this name; False after `patience`.

        Not to be nested: one waits for oneself.

        Raises:
            LedgerUnavailable: the database did not answer.
        """
        digest = hashlib.sha256(name.encode()).digest()[:8]
        file = sqlite_file(self._database.url)
        taking = (
            self._advisory(int.from_bytes(digest, signed=True))
            if file is None
            else _file(file.with_name(f"{file.name}.{digest.hex()}.lock"))
        )
        with taking as take:
            yield _waited(take, time.monotonic() + patience.total_seconds())

    @contextmanager
    def _advisory(self, key: int) -> Iterator[Callable[[], bool]]:
        with self._database.read() as connection:
            connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))  # or an upload loses it
            asked = text("SELECT pg_try_advisory_xact_lock(:key)")
            yield lambda: bool(connection.execute(asked, {"key": key}).scalar_one())


@contextmanager
def _file(path: Path) -> Iterator[Callable[[], bool]]:
    held = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        yield lambda: _flock(held)
    finally:
        os.close(held)  # which unlocks; the empty file stays, for somebody who waits may have it open


def _flock(held: int) -> bool:
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _waited(take: Callable[[], bool], deadline: float) -> bool:
    while not (mine := take()) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    return mine
