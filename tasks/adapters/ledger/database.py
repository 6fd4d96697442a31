"""One database, one writer at a time: transactions, the clock, and foreign errors put into our own words.

SQLite runs in WAL mode and begins every write with BEGIN IMMEDIATE; PostgreSQL takes one advisory lock. So a
write sees everything that was committed before it, and no read-then-write in this package can be overtaken.
Writes take milliseconds and a window needs a handful of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from tasks.adapters.ledger.faults import translated
from tasks.domain.errors import ConfigError

LOCK_SECONDS = 30
"""How long a writer waits for the one before it."""

ADVISORY_LOCK = 6_013_841_207_215_913_317
"""PostgreSQL advisory lock that every writer of this ledger holds."""

Clock = Callable[[], datetime]
"""Answers with the present moment, aware."""

_WRITE = "evergreen_write"


def utc_now() -> datetime:
    """The present moment in UTC."""
    return datetime.now(UTC)


def ledger_url(url: str) -> URL:
    """The address of a ledger: `sqlite:///<file>` or `postgresql://…` (the driver is psycopg).

    Raises:
        ConfigError: another database, no file, or text that is no URL.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise ConfigError("the ledger's address is no SQLAlchemy URL: write sqlite:////path/ledger.db") from error
    backend = parsed.get_backend_name()
    if backend == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    if backend != "sqlite":
        raise ConfigError(f"the ledger runs on sqlite or postgresql, not {backend!r}")
    if not parsed.database or parsed.database == ":memory:" or parsed.database.startswith("file:"):
        raise ConfigError("the ledger needs a file, for it outlives the process: sqlite:////path/ledger.db")
    return parsed


def sqlite_file(url: URL) -> Path | None:
    """The file of a SQLite ledger; None on PostgreSQL."""
    return Path(str(url.database)) if url.get_backend_name() == "sqlite" else None


class Database:
    """An engine and a clock; `read()` and `write()` are the only ways in."""

    def __init__(self, url: URL, clock: Clock) -> None:
        self.url = url
        self.engine = _engine(url)
        self._clock = clock

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self.engine.dialect.name

    def now(self) -> datetime:
        """The clock's present moment in UTC; a naive clock is refused with `ConfigError`."""
        moment = self._clock()
        if moment.tzinfo is None:
            raise ConfigError("the ledger's clock answers without a UTC offset")
        return moment.astimezone(UTC)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only reads: it never waits for a writer.

        Raises:
            LedgerUnavailable: the database did not answer.
        """
        with translated(), self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction of the one writer: all of it happens, or, when anything is raised, nothing.

        Raises:
            LedgerUnavailable: the database did not answer, or another writer held it for too long.
        """
        with translated(), self.engine.connect() as connection:
            marked = connection.execution_options(**{_WRITE: True})
            with marked.begin():
                if self.dialect == "postgresql":
                    marked.execute(text("SELECT set_config('lock_timeout', :wait, true)"), {"wait": f"{LOCK_SECONDS}s"})
                    marked.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
                yield marked

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()


def _engine(url: URL) -> Engine:
    sqlite = url.get_backend_name() == "sqlite"
    arguments: dict[str, Any] = (
        {"timeout": LOCK_SECONDS}
        if sqlite
        else {"connect_timeout": 10, "keepalives_idle": 30, "application_name": "evergreen"}
    )
    try:
        engine = create_engine(
            url, connect_args=arguments, hide_parameters=True, pool_pre_ping=not sqlite, pool_size=5, max_overflow=20
        )
    except (NoSuchModuleError, ModuleNotFoundError) as error:
        raise ConfigError(f"no driver for the ledger's database ({error}): install evergreen[postgres]") from error
    if sqlite:
        event.listen(engine, "connect", _on_connect)
        event.listen(engine, "begin", _on_begin)
    return engine


def _on_connect(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves: the driver's own would be deferred
    for pragma in (f"busy_timeout = {LOCK_SECONDS * 1000}", "journal_mode = WAL", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}").close()


def _on_begin(connection: Connection) -> None:
    immediate = connection.get_execution_options().get(_WRITE, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")
