"""The ledger on SQLite: the whole battery, and what only a file can get wrong."""

from __future__ import annotations

import shutil
import sqlite3
import stat
import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from tasks.adapters.ledger import database
from tasks.adapters.ledger.store import Ledger
from tasks.domain.errors import ConfigError, ContractError, LedgerUnavailable
from tests.unit.ledger.battery_approvals import ApprovalBattery
from tests.unit.ledger.battery_champions import ChampionBattery
from tests.unit.ledger.battery_races import RaceBattery
from tests.unit.ledger.battery_records import RecordBattery
from tests.unit.ledger.battery_windows import WindowBattery
from tests.unit.ledger.ledger_cases import MODEL, SetClock, window


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("ledger") / "empty.db"
    Ledger.upgrade(f"sqlite:///{file}")
    return file


@pytest.fixture
def file(empty: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(empty, tmp_path / "ledger.db"))


@pytest.fixture
def ledger(file: Path, clock: SetClock) -> Iterator[Ledger]:
    with Ledger.open(f"sqlite:///{file}", clock) as opened:
        yield opened


class TestWindowsOnSqlite(WindowBattery): ...


class TestChampionsOnSqlite(ChampionBattery): ...


class TestApprovalsOnSqlite(ApprovalBattery): ...


class TestRecordsOnSqlite(RecordBattery): ...


class TestRacesOnSqlite(RaceBattery): ...


def test_only_the_owner_may_read_the_ledger(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "ledger.db"
    file.parent.mkdir()
    file.touch(0o644)
    Ledger.upgrade(f"sqlite:///{file}")
    with Ledger.open(f"sqlite:///{file}") as ledger:
        ledger.windows.claim(MODEL, window(), "one")
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in file.parent.iterdir()}
    assert set(modes.values()) == {0o600}
    assert set(modes) == {"ledger.db", "ledger.db-wal", "ledger.db-shm"}


def test_the_file_is_in_wal_mode_with_foreign_keys_and_patience(ledger: Ledger) -> None:
    with ledger.windows._database.read() as connection:
        names = ("journal_mode", "foreign_keys", "busy_timeout")
        answers = [connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in names]
    assert answers == ["wal", 1, 30_000]


def test_a_folder_with_odd_letters_is_no_obstacle(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/100% mine/ledger.db"
    Ledger.upgrade(url)
    with Ledger.open(url) as ledger:
        ledger.probe()


def test_a_ledger_that_is_not_there_says_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="evergreen ledger upgrade"):
        Ledger.open(f"sqlite:///{tmp_path}/none.db")
    assert list(tmp_path.iterdir()) == []


def test_an_empty_file_says_how_to_make_a_ledger_of_it(tmp_path: Path) -> None:
    (tmp_path / "ledger.db").touch()
    with pytest.raises(ConfigError, match="evergreen ledger upgrade"):
        Ledger.open(f"sqlite:///{tmp_path}/ledger.db")


def test_a_file_that_is_no_database_is_a_wrong_address(tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_bytes(b"not a database at all" * 100)
    for act in (Ledger.open, Ledger.upgrade):
        with pytest.raises(ConfigError):
            act(f"sqlite:///{tmp_path}/ledger.db")


@pytest.mark.parametrize("url", ["", "nonsense", "mysql://h/d", "sqlite://", "sqlite:///:memory:", "oracle+x://h"])
def test_other_addresses_are_refused(url: str) -> None:
    for act in (Ledger.open, Ledger.upgrade):
        with pytest.raises(ConfigError):
            act(url)


def test_a_folder_that_cannot_be_made_is_a_wrong_address(tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    with pytest.raises(ConfigError):
        Ledger.upgrade(f"sqlite:///{tmp_path}/taken/ledger.db")


@pytest.mark.parametrize(("revision", "advice"), [("0000", "ledger upgrade"), ("9999", "upgrade Evergreen")])
def test_another_revision_says_who_has_to_move(file: Path, revision: str, advice: str) -> None:
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE ledger_schema SET version_num = ?", (revision,))
    connection.close()
    with pytest.raises(ConfigError, match=advice):
        Ledger.open(f"sqlite:///{file}")
    if revision == "9999":
        with pytest.raises(ConfigError, match=advice):
            Ledger.upgrade(f"sqlite:///{file}")


def test_a_database_that_stays_locked_is_unavailable_and_a_reader_does_not_mind(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "LOCK_SECONDS", 0)
    blocker = sqlite3.connect(file, isolation_level=None)
    with Ledger.open(f"sqlite:///{file}") as ledger:
        blocker.execute("BEGIN IMMEDIATE")
        with pytest.raises(LedgerUnavailable):
            ledger.windows.claim(MODEL, window(), "one")
        assert ledger.windows.get(MODEL, window()) is None
        blocker.execute("ROLLBACK")
        assert ledger.windows.claim(MODEL, window(), "one") is not None
    blocker.close()


def test_a_writer_waits_for_the_one_before_it(file: Path) -> None:
    blocker = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    blocker.execute("BEGIN IMMEDIATE")
    release = threading.Timer(0.3, lambda: blocker.execute("COMMIT"))
    release.start()
    with Ledger.open(f"sqlite:///{file}") as ledger:
        assert ledger.windows.claim(MODEL, window(), "one") is not None
    release.join()
    blocker.close()


def test_a_clock_without_an_offset_is_refused(file: Path) -> None:
    with (
        Ledger.open(f"sqlite:///{file}", lambda: datetime(2026, 1, 1)) as ledger,  # noqa: DTZ001 - the point of it
        pytest.raises(ConfigError),
    ):
        ledger.windows.claim(MODEL, window(), "one")


def test_a_naive_moment_is_refused_in_our_own_words(ledger: Ledger) -> None:
    alert = ledger.alerts.add("k", MODEL, "warning", "t", {})
    with pytest.raises(ContractError, match="UTC offset"):
        ledger.alerts.snooze(alert.id, datetime(2026, 1, 1), "ada")  # noqa: DTZ001 - the point of it


def test_two_processes_see_one_ledger(file: Path, clock: SetClock) -> None:
    with Ledger.open(f"sqlite:///{file}", clock) as one, Ledger.open(f"sqlite:///{file}", clock) as two:
        assert one.windows.claim(MODEL, window(), "one") is not None
        assert two.windows.claim(MODEL, window(), "two") is None
