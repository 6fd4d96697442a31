"""Building the tables: once, by whoever comes first, and exactly as declared."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import inspect

from tasks.adapters.ledger import upgrading
from tasks.adapters.ledger.metadata import HEAD, metadata
from tasks.adapters.ledger.store import Ledger
from tests.unit.ledger.battery_schema import differences

ROOT = Path(__file__).parents[3]


def test_the_migrations_build_exactly_the_declared_tables(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/ledger.db"
    Ledger.upgrade(url)
    with Ledger.open(url) as ledger, ledger.windows._database.read() as connection:
        assert differences(connection) == []
        assert set(inspect(connection).get_table_names()) == {*metadata.tables, "ledger_schema"}


def test_the_programs_revision_is_the_newest_migration() -> None:
    assert ScriptDirectory.from_config(upgrading.configuration()).get_current_head() == HEAD


def test_upgrading_again_changes_nothing(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/ledger.db"
    Ledger.upgrade(url)
    with Ledger.open(url) as ledger:
        ledger.decisions.append("welds", "k", "s", "a", {})
        head = ledger.decisions.head()
        Ledger.upgrade(url)
        assert ledger.decisions.head() == head


def test_threads_may_race_for_the_upgrade(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/ledger.db"
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: Ledger.upgrade(url), range(8)))
    with Ledger.open(url) as ledger:
        ledger.decisions.verify()


def test_processes_may_race_for_the_upgrade(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/ledger.db"
    program = f"from tasks.adapters.ledger.store import Ledger; Ledger.upgrade({url!r}); Ledger.open({url!r}).close()"
    racers = [
        subprocess.Popen([sys.executable, "-W", "error", "-c", program], cwd=ROOT, stderr=subprocess.PIPE)
        for _ in range(3)
    ]
    complaints = [racer.communicate(timeout=60)[1].decode() for racer in racers]
    assert [racer.returncode for racer in racers] == [0, 0, 0], complaints


def test_an_upgrade_that_fails_half_way_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"sqlite:///{tmp_path}/ledger.db"
    apply = upgrading._apply

    def apply_and_fail(connection: object) -> None:
        apply(connection)  # type: ignore[arg-type]
        raise RuntimeError("power cut")

    monkeypatch.setattr(upgrading, "_apply", apply_and_fail)
    with pytest.raises(RuntimeError):
        Ledger.upgrade(url)
    monkeypatch.undo()
    Ledger.upgrade(url)
    with Ledger.open(url) as ledger:
        ledger.decisions.verify()


def test_the_wheel_carries_the_migrations(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=120)
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    folder = "tasks/adapters/ledger/migrations/"
    assert {folder + "env.py", folder + "script.py.mako", folder + "versions/0001_ledger.py"} <= set(names)
