"""The ledger: what happened, in one SQL database of our own; what is not in it did not happen.

MLflow, Prefect, metrics and messages are projections of it. Each part keeps one kind of fact; a part that
changes several kinds does it in one transaction.
"""

from __future__ import annotations

from types import TracebackType
from typing import Self

from sqlalchemy import select, text

from tasks.adapters.ledger.alerts import Alerts
from tasks.adapters.ledger.approvals import Approvals
from tasks.adapters.ledger.database import Clock, Database, ledger_url, sqlite_file, utc_now
from tasks.adapters.ledger.decisions import Decisions
from tasks.adapters.ledger.evaluations import Evaluations
from tasks.adapters.ledger.exports import Exports
from tasks.adapters.ledger.findings import Findings
from tasks.adapters.ledger.gates import Gates
from tasks.adapters.ledger.metadata import HEAD
from tasks.adapters.ledger.models import Models
from tasks.adapters.ledger.outbox import Outbox
from tasks.adapters.ledger.promotions import Promotions
from tasks.adapters.ledger.references import References
from tasks.adapters.ledger.tallies import Tallies
from tasks.adapters.ledger.trails import Trails
from tasks.adapters.ledger.turns import Turns
from tasks.adapters.ledger.upgrading import present_revision, upgrade
from tasks.adapters.ledger.versions import Versions
from tasks.adapters.ledger.windows import Windows
from tasks.domain.errors import ConfigError

__all__ = ["Ledger", "utc_now"]


class Ledger:
    """An open ledger. Threads may share it; a forked process opens its own."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.windows = Windows(database)
        self.findings = Findings(database)
        self.models = Models(database)
        self.versions = Versions(database)
        self.promotions = Promotions(database)
        self.approvals = Approvals(database)
        self.gates = Gates(database)
        self.decisions = Decisions(database)
        self.outbox = Outbox(database)
        self.alerts = Alerts(database)
        self.references = References(database)
        self.evaluations = Evaluations(database)
        self.exports = Exports(database)
        self.tallies = Tallies(database)
        self.trails = Trails(database)
        self.turns = Turns(database)

    @classmethod
    def open(cls, url: str, clock: Clock = utc_now) -> Ledger:
        """The ledger at a SQLAlchemy URL (`sqlite:////path/ledger.db`, `postgresql://user@host/name`).

        Every moment that is written comes from `clock`.

        Raises:
            ConfigError: no ledger there, one of another schema revision, or a wrong address or password.
            LedgerUnavailable: the database did not answer.
        """
        address = ledger_url(url)
        file = sqlite_file(address)
        if file is not None and not file.is_file():
            raise ConfigError(f"no ledger at {file}: run `evergreen ledger upgrade`")
        database = Database(address, clock)
        try:
            with database.read() as connection:
                _check(present_revision(connection))
        except BaseException:
            database.close()
            raise
        return cls(database)

    @staticmethod
    def upgrade(url: str) -> None:
        """Bring the tables to this program's revision, from nothing if need be; safe to race and to repeat.

        Raises:
            ConfigError: a wrong address, or a ledger that a newer program wrote.
            LedgerUnavailable: the database did not answer, or another upgrade holds it for too long.
        """
        upgrade(ledger_url(url))

    def probe(self) -> None:
        """Ask the database for an answer. Raises `LedgerUnavailable`."""
        with self._database.read() as connection:
            connection.execute(select(text("1")))

    def close(self) -> None:
        """Give all connections back."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _check(revision: str | None) -> None:
    if revision is None or revision < HEAD:
        raise ConfigError(
            f"the ledger is at revision {revision or 'nothing'}, not {HEAD}: run `evergreen ledger upgrade`"
        )
    if revision > HEAD:
        raise ConfigError(f"the ledger is at revision {revision}, this program knows {HEAD}: upgrade Evergreen")
