"""The same ledger on a PostgreSQL that this file starts and throws away: same battery, same answers."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from tasks.adapters.ledger import database
from tasks.adapters.ledger.database import ledger_url
from tasks.adapters.ledger.metadata import metadata
from tasks.adapters.ledger.store import Ledger
from tasks.domain.errors import ConfigError, LedgerUnavailable
from tests.unit.ledger.battery_approvals import ApprovalBattery
from tests.unit.ledger.battery_champions import ChampionBattery
from tests.unit.ledger.battery_races import RaceBattery
from tests.unit.ledger.battery_records import RecordBattery
from tests.unit.ledger.battery_schema import differences
from tests.unit.ledger.battery_windows import WindowBattery
from tests.unit.ledger.ledger_cases import MODEL, SetClock, window

pytestmark = pytest.mark.integration

OPTIONS = "-c listen_addresses=127.0.0.1 -c fsync=off -c timezone=Asia/Kathmandu -c max_connections=60"


def _programs() -> Path | None:
    """The folder of initdb and pg_ctl: on PATH, else the newest of Debian's."""
    found = shutil.which("pg_ctl")
    if found and shutil.which("initdb"):
        return Path(found).parent
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name))
    return folders[-1] if folders else None


def _user() -> str | None:
    """Whom the server runs as: PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return next((name for name in ("postgres", "nobody") if name in names), None)


@dataclass
class Server:
    """A PostgreSQL in a folder of its own."""

    programs: Path
    folder: Path
    port: int

    def call(self, program: str, *arguments: str) -> None:
        user = _user()
        who = {} if user is None else {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}
        log = (self.folder / "calls.log").open("ab")
        with log:
            command = [str(self.programs / program), *arguments]
            subprocess.run(command, check=True, cwd=self.folder, stdout=log, stderr=log, timeout=60, **who)

    def initialise(self) -> None:
        self.call("initdb", "-D", "data", "-U", "evergreen", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")

    def start(self) -> None:
        options = f"{OPTIONS} -p {self.port} -c unix_socket_directories={self.folder}"
        self.call("pg_ctl", "-D", "data", "-w", "-l", "server.log", "-o", options, "start")

    def stop(self) -> None:
        self.call("pg_ctl", "-D", "data", "-w", "-m", "immediate", "stop")

    def url(self, name: str = "postgres") -> str:
        return f"postgresql://evergreen@127.0.0.1:{self.port}/{name}"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    programs = _programs()
    if programs is None:
        pytest.skip("no PostgreSQL server here: install postgresql to run the ledger's battery on it")
    if os.geteuid() == 0 and _user() is None:
        pytest.skip("PostgreSQL refuses to run as root, and there is no user postgres or nobody")
    folder = Path(tempfile.mkdtemp(prefix="ledger-pg-"))
    if (user := _user()) is not None:
        shutil.chown(folder, user)
    started = Server(programs, folder, _free_port())
    try:
        started.initialise()
        started.start()
        yield started
        started.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def shared_url(server: Server) -> str:
    _create(server, "shared")
    Ledger.upgrade(server.url("shared"))
    return server.url("shared")


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def ledger(shared_url: str, clock: SetClock) -> Iterator[Ledger]:
    with Ledger.open(shared_url, clock) as opened:
        with opened.windows._database.write() as connection:
            names = ", ".join(metadata.tables)
            connection.execute(text(f"TRUNCATE {names} RESTART IDENTITY CASCADE"))
            connection.execute(text("INSERT INTO ledger_chain (id, seq, hash) VALUES (1, 0, '')"))
        yield opened


def _create(server: Server, name: str) -> None:
    engine = create_engine(ledger_url(server.url()), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()


class TestWindowsOnPostgres(WindowBattery): ...


class TestChampionsOnPostgres(ChampionBattery): ...


class TestApprovalsOnPostgres(ApprovalBattery): ...


class TestRecordsOnPostgres(RecordBattery): ...


class TestRacesOnPostgres(RaceBattery): ...


def test_the_migrations_build_exactly_the_declared_tables(ledger: Ledger) -> None:
    with ledger.windows._database.read() as connection:
        assert differences(connection) == []


def test_moments_are_utc_whatever_the_server_thinks(ledger: Ledger, clock: SetClock) -> None:
    ledger.windows.claim(MODEL, window(), "one", timedelta(minutes=5))
    record = ledger.windows.get(MODEL, window())
    assert record is not None
    assert record.lease_until == clock() + timedelta(minutes=5)
    assert record.lease_until.tzinfo is UTC


def test_upgrades_may_race(server: Server) -> None:
    _create(server, "raced")
    url = server.url("raced")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: Ledger.upgrade(url), range(4)))
    with Ledger.open(url) as opened:
        opened.decisions.verify()


def test_a_database_without_tables_says_how_to_make_them(server: Server) -> None:
    _create(server, "bare")
    with pytest.raises(ConfigError, match="evergreen ledger upgrade"):
        Ledger.open(server.url("bare"))


def test_a_database_or_a_user_that_does_not_exist_is_a_wrong_address(server: Server) -> None:
    for url in (server.url("nowhere"), server.url().replace("evergreen@", "stranger:secret@")):
        with pytest.raises(ConfigError) as caught:
            Ledger.open(url)
        assert "secret" not in str(caught.value)


def test_a_writer_that_is_kept_waiting_gets_unavailable_and_readers_go_on(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "LOCK_SECONDS", 0.2)
    with ledger.windows._database.write():
        with pytest.raises(LedgerUnavailable):
            ledger.windows.claim(MODEL, window(), "one")
        assert ledger.windows.get(MODEL, window()) is None
    assert ledger.windows.claim(MODEL, window(), "one") is not None


def test_an_outage_is_transient_and_forgets_nothing_that_was_answered(server: Server, ledger: Ledger) -> None:
    claim = ledger.windows.claim(MODEL, window(), "one")
    assert claim is not None
    server.stop()
    try:
        with pytest.raises(LedgerUnavailable):
            ledger.windows.renew(claim)
        with pytest.raises(LedgerUnavailable):
            Ledger.open(server.url("shared"))
    finally:
        server.start()
    ledger.windows.renew(claim)


def test_a_server_that_dies_inside_a_transaction_leaves_nothing_of_it(server: Server, ledger: Ledger) -> None:
    def die_half_way() -> None:
        with ledger.windows._database.write() as connection:
            connection.execute(text("UPDATE ledger_chain SET seq = 99"))
            server.stop()
            connection.execute(text("UPDATE ledger_chain SET seq = 100"))

    try:
        with pytest.raises(LedgerUnavailable):
            die_half_way()
    finally:
        server.start()
    assert ledger.decisions.head() == (0, "")
