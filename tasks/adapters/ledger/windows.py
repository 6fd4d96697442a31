"""Windows: who may work on one, what was committed about it, and a fence against those who came too late.

    open ──claim──> claimed ──commit──> committed ──claim(rescore)──> claimed ──commit──> committed (revision 2)
     ^                │ release, fail
     └────────────────┴── after 3 failures ──> failed

Every claim raises the window's epoch. A process that was paused longer than its lease may come back after
another took the window over: its claim carries an older epoch, and every write that it tries raises `LostLease`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, insert, update

from tasks.adapters.ledger import window_rows
from tasks.adapters.ledger.commits import commit_window
from tasks.adapters.ledger.database import Database
from tasks.adapters.ledger.failures import note_failed
from tasks.adapters.ledger.records import Intent, WindowFacts, WindowRecord, WindowState
from tasks.adapters.ledger.schema import windows
from tasks.domain.errors import ConfigError
from tasks.domain.snapshot import Claim
from tasks.domain.verdict import Verdict
from tasks.domain.window import Window

LEASE = timedelta(minutes=15)
MAX_ATTEMPTS = 3
MAX_TAKEOVERS = 10
"""Leases that may run out in a row: a window whose processes die without a word is given up after these."""


class Windows:
    """One row a window, one row a committed revision of it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def claim(
        self, model: str, window: Window, owner: str, lease: timedelta = LEASE, rescore: bool = False
    ) -> Claim | None:
        """The right to work on the window until the lease is over; None when it is not to be had.

        It is not while another claim's lease lives (whoever holds it, even the same owner), and without
        `rescore` not once the window was committed or has failed. A rescore of a failed window buys one
        more attempt.
        """
        _positive(lease)
        with self._database.write() as connection:
            now = self._database.now()
            row = window_rows.window_row(connection, model, window)
            if row is None:
                return _first(connection, model, window, owner, now + lease, now)
            return _again(connection, row, window, owner, now + lease, now) if _free(row, now, rescore) else None

    def renew(self, claim: Claim, lease: timedelta = LEASE) -> datetime:
        """Hold the window until the lease is over, counted from now; when that will be. Raises `LostLease`."""
        _positive(lease)
        with self._database.write() as connection:
            row = window_rows.held(connection, claim)
            until = self._database.now() + lease
            _set(connection, row.id, lease_until=until)
        return until

    def release(self, claim: Claim) -> None:
        """Give the window back unharmed: it may be claimed at once. Raises `LostLease`."""
        with self._database.write() as connection:
            row = window_rows.held(connection, claim)
            _set(connection, row.id, state=_given_back(row), lease_until=None)

    def fail(self, claim: Claim, message: str, max_attempts: int = MAX_ATTEMPTS) -> WindowState:
        """Give the window back after a failure, and give it up after the last attempt; its new state.

        Giving up writes a decision and an alert in the same transaction. Raises `LostLease`.
        """
        with self._database.write() as connection:
            row = window_rows.held(connection, claim)
            given_up = row.attempts + 1 >= max_attempts
            state = WindowState.FAILED if given_up else _given_back(row)
            _set(connection, row.id, state=state, lease_until=None, attempts=row.attempts + 1, message=message)
            if given_up:
                note_failed(connection, self._database.now(), claim, message)
        return state

    def commit(
        self, claim: Claim, verdict: Verdict, record: WindowFacts, intents: Sequence[Intent] = ()
    ) -> WindowRecord:
        """Write the verdict, its findings and facts, a decision and the intents: all of it or nothing.

        The same claim may commit the same contents again (its first answer was lost): nothing is added. The answer is
        the revision that this claim wrote, also when another claim has written a newer one since.

        Raises:
            LostLease: another process took the window over, or this claim was given back or used already.
            ContractError: `listed` is not `accepted` plus all of `quarantined`.
        """
        with self._database.write() as connection:
            commit_window(connection, self._database.now(), claim, verdict, record, intents)
            return window_rows.records(connection, window_rows.written_by(claim))[0]

    def get(self, model: str, window: Window) -> WindowRecord | None:
        """The window with its newest revision; None when nobody ever claimed it."""
        query = window_rows.newest(model).where(windows.c.start_at == window.start, windows.c.end_at == window.end)
        with self._database.read() as connection:
            found = window_rows.records(connection, query)
        return found[0] if found else None

    def latest(self, model: str, limit: int = 50) -> list[WindowRecord]:
        """Windows in any state, the newest in time first."""
        query = window_rows.newest(model).order_by(windows.c.end_at.desc(), windows.c.start_at.desc()).limit(limit)
        with self._database.read() as connection:
            return window_rows.records(connection, query)

    def between(self, model: str, start: datetime, end: datetime) -> list[WindowRecord]:
        """Windows in any state that lie within [start, end), the oldest first: what is missing was never claimed."""
        query = window_rows.newest(model).where(windows.c.start_at >= start, windows.c.end_at <= end)
        with self._database.read() as connection:
            return window_rows.records(connection, query.order_by(windows.c.start_at, windows.c.end_at))

    def revisions(self, model: str, window: Window) -> list[WindowRecord]:
        """Every committed revision, the newest first; [] before the first."""
        with self._database.read() as connection:
            row = window_rows.window_row(connection, model, window)
            return [] if row is None else window_rows.records(connection, window_rows.every_revision(row.id))


def _free(row: Row[Any], now: datetime, rescore: bool) -> bool:
    if row.state == WindowState.CLAIMED and row.lease_until > now:
        return False
    return rescore or (row.revision == 0 and row.state != WindowState.FAILED)


def _first(connection: Connection, model: str, window: Window, owner: str, until: datetime, now: datetime) -> Claim:
    values = {"start_at": window.start, "end_at": window.end, "state": WindowState.CLAIMED, "epoch": 1, "revision": 0}
    rest = {"owner": owner, "lease_until": until, "attempts": 0, "takeovers": 0, "message": "", "claimed_at": now}
    connection.execute(insert(windows).values(model=model, **values, **rest))
    return Claim(model=model, window=window, epoch=1, revision=1)


def _again(
    connection: Connection, row: Row[Any], window: Window, owner: str, until: datetime, now: datetime
) -> Claim | None:
    takeovers = row.takeovers + 1 if row.state == WindowState.CLAIMED else 0
    claim = Claim(model=row.model, window=window, epoch=row.epoch + 1, revision=row.revision + 1)
    if takeovers >= MAX_TAKEOVERS:
        message = f"{takeovers} processes in a row lost their lease; the last was {row.owner!r}"
        _set(connection, row.id, state=WindowState.FAILED, epoch=claim.epoch, lease_until=None, message=message)
        note_failed(connection, now, claim, message)
        return None
    values = {"epoch": claim.epoch, "owner": owner, "lease_until": until, "takeovers": takeovers, "claimed_at": now}
    _set(connection, row.id, state=WindowState.CLAIMED, **values)
    return claim


def _given_back(row: Row[Any]) -> WindowState:
    return WindowState.COMMITTED if row.revision else WindowState.OPEN


def _set(connection: Connection, window_id: int, **values: Any) -> None:
    connection.execute(update(windows).where(windows.c.id == window_id).values(**values))


def _positive(lease: timedelta) -> None:
    if lease <= timedelta(0):
        raise ConfigError(f"a lease of {lease} is over before it begins")
