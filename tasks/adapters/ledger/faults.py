"""Every error of SQLAlchemy and its drivers, in the words of `tasks.domain.errors`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import exc

from tasks.domain.errors import ConfigError, ContractError, EvergreenError, LedgerUnavailable, Stale

_KEPT = 400
"""Characters kept of a driver's own words."""

_MISSING = ("no such table", "no such column", "undefinedtable", "undefinedcolumn", "does not exist")
_REFUSED = ("authentication failed", "not a database", "no pg_hba.conf entry", "unable to open database file")
_TAKEN = ("unique constraint", "uniqueviolation", "unique violation")


@contextmanager
def translated() -> Iterator[None]:
    """Let nothing foreign out of the block.

    Raises:
        LedgerUnavailable: no connection, a lock held for too long, a server that went away: try again.
        ConfigError: no tables, no such database, wrong password, a file that is no database.
        Stale: another process wrote the row first.
        ContractError: a value that the database refuses.
    """
    try:
        yield
    except exc.SQLAlchemyError as error:
        raise translation(error) from error
    except UnicodeError as error:
        raise ContractError(f"the ledger cannot keep a text: {error}") from error


def translation(error: exc.SQLAlchemyError) -> EvergreenError:
    """Our error for theirs."""
    original = getattr(error, "orig", None)
    if isinstance(original, EvergreenError):  # raised by one of our own column types
        return original
    words = f"{type(original or error).__name__}: {original or error}"[:_KEPT]
    if isinstance(error, exc.IntegrityError):
        return _of_a_row(words)
    if isinstance(error, exc.DataError):
        return ContractError(f"the ledger cannot keep a value: {words}")
    return _of_the_database(error, words)


def _of_a_row(words: str) -> EvergreenError:
    if any(sign in words.lower() for sign in _TAKEN):
        return Stale(f"another process wrote the same row first: {words}")
    return ContractError(f"the ledger refused a row: {words}")


def _of_the_database(error: exc.SQLAlchemyError, words: str) -> EvergreenError:
    lowered = words.lower()
    if any(sign in lowered for sign in _MISSING):
        return ConfigError(f"the ledger is not set up, run `evergreen ledger upgrade`: {words}")
    if any(sign in lowered for sign in _REFUSED):
        return ConfigError(f"the ledger's address or credentials are wrong: {words}")
    if isinstance(error, exc.OperationalError | exc.InterfaceError | exc.InternalError | exc.TimeoutError):
        return LedgerUnavailable(f"the ledger's database did not answer: {words}")
    if isinstance(error, exc.DBAPIError) and error.connection_invalidated:
        return LedgerUnavailable(f"the connection to the ledger broke: {words}")
    return ContractError(f"the ledger's database refused a statement: {words}")
