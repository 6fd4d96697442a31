"""No word of SQLAlchemy or a driver gets out of the ledger."""

from __future__ import annotations

import pytest
from sqlalchemy import exc

from tasks.adapters.ledger.faults import translated, translation
from tasks.domain.errors import (
    ConfigError,
    ContractError,
    EvergreenError,
    LedgerUnavailable,
    LostLease,
    Permanent,
    Stale,
    Transient,
)


def _every_error(base: type[exc.SQLAlchemyError]) -> set[type[exc.SQLAlchemyError]]:
    return {base}.union(*(_every_error(child) for child in base.__subclasses__()))


def _made(kind: type[exc.SQLAlchemyError], words: str = "boom") -> exc.SQLAlchemyError:
    error = kind.__new__(kind)
    Exception.__init__(error, words)
    error.__dict__.update(orig=Exception(words), connection_invalidated=False, statement="", params=None)
    return error


@pytest.mark.parametrize("kind", sorted(_every_error(exc.SQLAlchemyError), key=lambda kind: kind.__name__))
def test_every_error_of_sqlalchemy_has_a_word_of_ours(kind: type[exc.SQLAlchemyError]) -> None:
    assert isinstance(translation(_made(kind)), Transient | Permanent)


@pytest.mark.parametrize(
    ("kind", "words", "expected"),
    [
        (exc.OperationalError, "server closed the connection unexpectedly", LedgerUnavailable),
        (exc.OperationalError, "database is locked", LedgerUnavailable),
        (exc.OperationalError, "no such table: ledger_windows", ConfigError),
        (exc.OperationalError, 'FATAL: password authentication failed for user "x"', ConfigError),
        (exc.OperationalError, "disk I/O error", LedgerUnavailable),
        (exc.InterfaceError, "connection already closed", LedgerUnavailable),
        (exc.InternalError, "current transaction is aborted", LedgerUnavailable),
        (exc.TimeoutError, "QueuePool limit reached", LedgerUnavailable),
        (exc.IntegrityError, "UNIQUE constraint failed: ledger_promotions.seq", Stale),
        (exc.IntegrityError, "FOREIGN KEY constraint failed", ContractError),
        (exc.DataError, "integer out of range", ContractError),
        (exc.ProgrammingError, 'relation "ledger_windows" does not exist', ConfigError),
        (exc.DatabaseError, "file is not a database", ConfigError),
    ],
)
def test_the_word_says_who_can_mend_it(
    kind: type[exc.SQLAlchemyError], words: str, expected: type[EvergreenError]
) -> None:
    found = translation(_made(kind, words))
    assert type(found) is expected
    assert words in str(found)


def test_the_cause_is_kept_and_our_own_errors_pass() -> None:
    with pytest.raises(LedgerUnavailable) as caught, translated():
        raise _made(exc.OperationalError)
    assert isinstance(caught.value.__cause__, exc.OperationalError)
    with pytest.raises(LostLease), translated():
        raise LostLease("late")
