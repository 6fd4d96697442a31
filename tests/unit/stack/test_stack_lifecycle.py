"""`up`, `status` and `down` with small servers in place of the real ones."""

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from multiprocessing.synchronize import Barrier
from pathlib import Path
from uuid import uuid4

import httpx
import psutil
import pytest

from tasks.domain.errors import ConfigError
from tasks.stack import processes
from tasks.stack import state as remembered
from tasks.stack.home import Home
from tasks.stack.lock import lock, ports_taken
from tasks.stack.service import Service, Site, Step, process_environment, web_ailment
from tasks.stack.start import StackFailed, up
from tasks.stack.status import Condition, status
from tasks.stack.stop import down

SERVER = (
    "import http.server as web, sys;"
    "web.test(web.SimpleHTTPRequestHandler, web.ThreadingHTTPServer, port=int(sys.argv[1]), bind='127.0.0.1')"
)


def web(name: str, after: tuple[str, ...] = (), code: str = SERVER, patience: float = 20.0) -> Service:
    return Service(
        name=name,
        port=name,
        command=lambda site: [sys.executable, "-c", code, str(site.ports[name])],
        ailment=lambda site, since: web_ailment(site.url(name)),
        environment=lambda site: {},
        after=after,
        patience=patience,
        grace=5,
    )


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    for name in [name for name in os.environ if name.startswith("EVERGREEN_")]:
        monkeypatch.delenv(name)
    home = Home(path=tmp_path / "home")
    yield home
    if home.state_file.exists():
        processes.sweep(remembered.read(home.state_file).token)


def test_up_starts_in_order_and_a_second_up_changes_nothing(home: Home) -> None:
    done: list[str] = []
    step = Step(name="step", act=lambda site: done.append(web_ailment(site.url("mlflow"))) or "", after=("mlflow",))
    plan = (web("mlflow"), step, web("pages", after=("step",)))
    said: list[str] = []
    first = up(home, said.append, plan)
    assert done == [""]
    assert all(row.healthy and row.condition is Condition.RUNNING for row in first)
    second = up(home, said.append, plan)
    assert [row.pid for row in second] == [row.pid for row in first]
    assert said[-1] == "the stack is already up"


def test_what_was_killed_is_started_again_and_only_that(home: Home) -> None:
    plan = (web("mlflow"), web("pages"))
    first = {row.name: row.pid for row in up(home, lambda s: None, plan)}
    assert first["mlflow"] is not None
    os.kill(first["mlflow"], signal.SIGKILL)
    psutil.wait_procs([psutil.Process(first["mlflow"])], timeout=5)
    assert [row.condition for row in status(home, plan)] == [Condition.DEAD, Condition.RUNNING]
    second = {row.name: row.pid for row in up(home, lambda s: None, plan)}
    assert second["pages"] == first["pages"]
    assert second["mlflow"] != first["mlflow"]


def test_a_process_that_ends_at_once_is_named_with_its_last_words_and_the_others_are_stopped(home: Home) -> None:
    plan = (web("mlflow"), web("pages", code="raise SystemExit('I cannot find my database')"))
    with pytest.raises(StackFailed, match=r"(?s)pages ended by itself.*I cannot find my database"):
        up(home, lambda s: None, plan)
    assert processes.marked(remembered.read(home.state_file).token) == []
    assert not home.lock_file.exists()


def test_a_process_that_never_answers_is_given_up(home: Home) -> None:
    plan = (web("mlflow", code="import time; time.sleep(60)", patience=0.5),)
    with pytest.raises(StackFailed, match=r"not healthy after 0.5 s \(no answer"):
        up(home, lambda s: None, plan)


def test_a_failed_up_leaves_alone_what_ran_before(home: Home) -> None:
    up(home, lambda s: None, (web("mlflow"),))
    with pytest.raises(StackFailed):
        up(home, lambda s: None, (web("mlflow"), web("pages", code="raise SystemExit(1)")))
    assert status(home, (web("mlflow"),))[0].healthy


def test_a_step_that_fails_stops_what_was_started(home: Home) -> None:
    def refuse(site: Site) -> str:
        raise ConfigError("refused")

    with pytest.raises(ConfigError, match="refused"):
        up(home, lambda s: None, (web("mlflow"), Step(name="step", act=refuse)))
    assert processes.marked(remembered.read(home.state_file).token) == []


def test_new_settings_restart_what_runs_with_old_ones(home: Home) -> None:
    first = up(home, lambda s: None, (web("mlflow"),))
    said: list[str] = []
    second = up(home, said.append, (web("mlflow", code=SERVER + " "),))
    assert first[0].pid != second[0].pid
    assert "mlflow runs with old settings: restarting it" in said


def test_down_leaves_nothing_and_up_comes_back_on_the_same_ports(home: Home) -> None:
    plan = (web("mlflow"), web("pages"))
    first = up(home, lambda s: None, plan)
    assert down(home, lambda s: None, 0, plan) == 2
    assert processes.marked(remembered.read(home.state_file).token) == []
    assert [row.condition for row in status(home, plan)] == [Condition.STOPPED, Condition.STOPPED]
    assert [row.url for row in up(home, lambda s: None, plan)] == [row.url for row in first]


def test_down_without_a_stack_is_no_error(home: Home) -> None:
    assert down(home, lambda s: None, 0, ()) == 0


def test_status_before_the_first_start_says_stopped_and_creates_nothing(home: Home) -> None:
    assert [row.condition for row in status(home, (web("mlflow"),))] == [Condition.STOPPED]
    assert not home.path.exists()


def up_at_once(home: Home, started: Barrier) -> None:
    """Start a server that takes its port a second late, at the same moment as somebody else."""
    started.wait()
    up(home, lambda s: None, (web("mlflow", code="import time; time.sleep(1);" + SERVER),))


def test_two_stacks_that_start_at_the_same_moment_get_different_ports(home: Home) -> None:
    homes = [home, Home(path=home.path.parent / "other")]
    spawn = multiprocessing.get_context("spawn")
    started = spawn.Barrier(2)
    starts = [spawn.Process(target=up_at_once, args=(each, started)) for each in homes]
    try:
        for each in starts:
            each.start()
        for each in starts:
            each.join()
        assert [each.exitcode for each in starts] == [0, 0]
        ports = [remembered.read(each.state_file).ports for each in homes]
        assert ports[0]["mlflow"] != ports[1]["mlflow"]
        assert all(status(each, (web("mlflow"),))[0].healthy for each in homes)
    finally:
        for each in homes:
            processes.sweep(remembered.read(each.state_file).token)


def test_a_start_that_is_killed_gives_the_choice_of_ports_back() -> None:
    name = f"\0evergreen-test-{uuid4()}"
    holds = (
        "import sys, time; from tasks.stack.lock import ports_taken\n"
        "with ports_taken(print, '\\0' + sys.argv[1]): print('held', flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", holds, name[1:]], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == "held\n"
        said: list[str] = []

        def kill_the_holder(sentence: str) -> None:
            said.append(sentence)
            holder.kill()

        with ports_taken(kill_the_holder, name):
            assert len(said) == 1


def test_two_commands_never_start_the_stack_at_once(home: Home) -> None:
    home.create()
    with lock(home.lock_file), pytest.raises(ConfigError, match="is starting or stopping"):
        up(home, lambda s: None, ())


def test_a_busy_override_stops_before_anything_starts(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    other = Home(path=home.path.parent / "other")
    rows = up(other, lambda s: None, (web("mlflow"),))
    try:
        monkeypatch.setenv("EVERGREEN_MLFLOW_PORT", str(httpx.URL(rows[0].url).port))
        with pytest.raises(ConfigError, match="EVERGREEN_MLFLOW_PORT"):
            up(home, lambda s: None, (web("mlflow"),))
    finally:
        processes.sweep(remembered.read(other.state_file).token)


def test_foreign_addresses_do_not_reach_the_processes(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "https://elsewhere.example/api")
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("EVERGREEN_BUCKET", "production")
    site = Site(home=home, project=None, ports={}, token="t", variables={"EVERGREEN_BUCKET": "evergreen"})
    found = process_environment(site, "one", {"MLFLOW_OWN": "1"})
    assert "PREFECT_API_URL" not in found
    assert "AWS_PROFILE" not in found
    assert found["EVERGREEN_BUCKET"] == "evergreen"
    assert found["MLFLOW_OWN"] == "1"
    assert "127.0.0.1" in found["NO_PROXY"]
