"""Bringing the tables up to date: one transaction under the writer's lock, so that processes may race for it."""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, column, inspect, select, table
from sqlalchemy.engine import URL

from tasks.adapters.ledger.database import Database, sqlite_file, utc_now
from tasks.adapters.ledger.metadata import HEAD, VERSION_TABLE
from tasks.domain.errors import ConfigError

if TYPE_CHECKING:  # opening a ledger needs no Alembic, and it takes as long to import as all the rest
    from alembic.config import Config

MIGRATIONS = Path(__file__).parent / "migrations"

OWNER_ONLY = 0o600
"""Mode of a SQLite ledger: it holds names of people and paths of images."""

_ALEMBIC = threading.Lock()
"""Alembic's environment is a module-level proxy: one upgrade at a time in this process."""


def upgrade(url: URL) -> None:
    """Apply the revisions that are missing (see `Ledger.upgrade`)."""
    with _ALEMBIC, _prepared(sqlite_file(url)):
        database = Database(url, utc_now)
        try:
            with database.write() as connection:
                _apply(connection)
        finally:
            database.close()


def present_revision(connection: Connection) -> str | None:
    """Revision of the tables; None when there are none."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    return connection.execute(select(column("version_num")).select_from(table(VERSION_TABLE))).scalar_one_or_none()


def configuration() -> Config:
    """Alembic's configuration, without a file."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _apply(connection: Connection) -> None:
    from alembic import command

    present = present_revision(connection)
    if present is not None and present > HEAD:
        raise ConfigError(f"the ledger is at revision {present}, this program knows {HEAD}: upgrade Evergreen")
    if present != HEAD:
        config = configuration()
        config.attributes["connection"] = connection
        command.upgrade(config, HEAD)


@contextmanager
def _prepared(file: Path | None) -> Iterator[None]:
    """A file that only its owner reads, with its folder locked while SQLite switches it to WAL."""
    if file is None:
        yield
        return
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        folder = os.open(file.parent, os.O_RDONLY)
    except OSError as error:
        raise ConfigError(f"cannot create the ledger's folder {file.parent}: {error.strerror}") from error
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        _private(file)
        yield
    finally:
        os.close(folder)


def _private(file: Path) -> None:
    """Made for its owner alone. One that is there is never opened here: closing it again would take from this process
    all locks that SQLite holds on it, and the next process to go would throw the log away that others still read.
    """
    try:
        with suppress(FileExistsError):
            os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL, OWNER_ONLY))
        file.chmod(OWNER_ONLY)
    except OSError as error:
        raise ConfigError(f"cannot write the ledger {file}: {error.strerror}") from error
    if not file.is_file() or not os.access(file, os.R_OK | os.W_OK):
        raise ConfigError(f"cannot write the ledger {file}: it is no file that this user may write")
