"""The real embedded stack with a small project: S3, ledger, MLflow, Prefect, two workers, pages."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tasks.adapters.orchestrator import Orchestrator
from tasks.settings import load
from tasks.stack import processes, server_checks
from tasks.stack import state as remembered
from tasks.stack.check import Level
from tasks.stack.home import Home
from tasks.stack.plan import PLAN
from tasks.stack.service import Site
from tasks.stack.start import up
from tasks.stack.status import site_of, status
from tasks.stack.stop import down

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]  # a crowded machine needs minutes

PROJECT = """
name: small
prefect-version: 3.8.8
pull:
  - prefect.deployments.steps.set_working_directory: {directory: "{{ $EVERGREEN_PROJECT }}"}
deployments:
  - name: default
    entrypoint: nap.py:nap
    work_pool: {name: cpu, work_queue_name: default}
    schedules:
      - {interval: 10, slug: often, parameters: {seconds: 0}}
"""

FLOW = '''
"""A flow that takes its time."""
import time

from prefect import flow


@flow
def nap(seconds: int = 0) -> None:
    """Sleep."""
    for _ in range(10 * seconds):
        time.sleep(0.1)
'''


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """A stack that runs."""

    home: Home
    said: list[str]

    @property
    def site(self) -> Site:
        site = site_of(self.home)
        assert site is not None
        return site


def eventually(what: Callable[[], Any], seconds: float = 45) -> Any:
    """The first truthy answer."""
    deadline = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.3)
    return found


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("stack")
    (folder / "prefect.yaml").write_text(PROJECT)
    (folder / "nap.py").write_text(FLOW)
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(("EVERGREEN_", "PREFECT_", "MLFLOW_"))]:
            patch.delenv(name)
        patch.chdir(folder)
        stack = Stack(home=Home(path=folder / "home"), said=[])
        try:
            up(stack.home, stack.said.append)
            yield stack
            token = remembered.read(stack.home.state_file).token
            down(stack.home, stack.said.append, 5)
            assert processes.marked(token) == [], "`down` left processes behind"
        finally:
            if stack.home.state_file.exists():
                processes.sweep(remembered.read(stack.home.state_file).token)


def test_everything_works_and_listens_on_this_machine_only(stack: Stack) -> None:
    assert [row.ailment for row in status(stack.home)] == [""] * len(status(stack.home))
    members = processes.marked(stack.site.token)
    listening = [c.laddr.ip for p in members for c in p.net_connections("tcp") if c.status == psutil.CONN_LISTEN]
    foreign = [c.raddr for p in members for c in p.net_connections("inet") if c.raddr and c.raddr.ip != "127.0.0.1"]
    assert set(listening) == {"127.0.0.1"}
    assert foreign == []
    secrets = [path for path in stack.home.path.rglob("*.db") if path.stat().st_mode & 0o077]
    assert secrets == []


def test_strangers_are_turned_away(stack: Stack) -> None:
    site = stack.site
    assert httpx.get(site.url("s3") + "/evergreen/evergreen-probe").status_code == 403
    assert httpx.put(site.url("s3") + "/evergreen/intruder", content=b"x").status_code == 403
    assert httpx.post(site.url("prefect") + "/api/work_pools/filter", json={}).status_code == 403
    foreign = {"Origin": "https://elsewhere.example", "Access-Control-Request-Method": "POST"}
    assert httpx.options(site.url("prefect") + "/api/flow_runs/filter", headers=foreign).status_code == 400
    experiments = site.url("mlflow") + "/api/2.0/mlflow/experiments/search?max_results=1"
    assert httpx.get(experiments, headers={"Host": "elsewhere.example"}).status_code == 403


def test_a_scheduled_run_completes(stack: Stack) -> None:
    done = {"flow_runs": {"state": {"type": {"any_": ["COMPLETED"]}}}}
    with stack.site.prefect() as api:
        runs = eventually(lambda: api.call("POST", "/flow_runs/filter", done))
    assert any(run["auto_scheduled"] for run in runs)
    here = load({"EVERGREEN_HOME": str(stack.home.path)})
    orchestrator = Orchestrator(here.prefect_url, here.prefect_auth and here.prefect_auth.get_secret_value())
    waiting = orchestrator.unfinished("nap", timedelta(hours=1))
    orchestrator.close()
    assert waiting and all(run.parameters == {"seconds": 0} and not run.finished for run in waiting)


def test_the_doctor_is_content_with_the_servers(stack: Stack) -> None:
    settings = load({"EVERGREEN_HOME": str(stack.home.path)})
    asked = (
        server_checks.check_s3,
        server_checks.check_ledger,
        server_checks.check_mlflow,
        server_checks.check_prefect,
    )
    checks = [check for ask in asked for check in ask(settings)]
    assert [check for check in checks if check.level is not Level.OK] == []
    assert {"s3 conditional put", "clock", "schedules", "worker cpu", "worker gpu", "lease storage"} <= {
        check.name for check in checks
    }


def test_what_is_killed_heals_without_losing_objects_or_leaving_runs_that_look_alive(stack: Stack) -> None:
    site = stack.site
    assert site.s3.call("PUT", "/evergreen/kept", b"before the crash").status_code == 200
    with site.prefect() as api:
        deployment = api.call("GET", "/deployments/name/nap/default")
        run = api.call("POST", f"/deployments/{deployment['id']}/create_flow_run", {"parameters": {"seconds": 600}})
        eventually(lambda: any(active.id == run["id"] and active.pid for active in api.active_runs()))
        before = remembered.read(stack.home.state_file).processes
        for name in ("cpu", "s3"):
            os.kill(before[name].pid, signal.SIGKILL)
        eventually(lambda: not any(processes.alive(before[name]) for name in ("cpu", "s3")))
        healed = up(stack.home, stack.said.append)
        assert all(row.healthy for row in healed)
        assert {row.name for row in healed if row.pid != before[row.name].pid} == {"cpu", "s3"}
        assert site.s3.call("GET", "/evergreen/kept").content == b"before the crash"
        assert api.call("GET", f"/flow_runs/{run['id']}")["state_type"] == "CRASHED"
    assert [p for p in processes.marked(site.token) if p.environ().get("PREFECT__FLOW_RUN_ID") == run["id"]] == []


def test_a_second_stack_finds_its_own_ports_and_keeps_its_objects_over_a_restart(stack: Stack, tmp_path: Path) -> None:
    plan = [entry for entry in PLAN if entry.name in {"s3", "buckets"}]
    home = Home(path=tmp_path / "second")
    try:
        up(home, stack.said.append, plan)
        site = site_of(home)
        assert site is not None
        assert not set(site.ports.values()) & {stack.site.ports[name] for name in stack.site.ports if name != "pages"}
        assert site.s3.call("PUT", "/evergreen/kept", b"before the restart").status_code == 200
        down(home, stack.said.append, 0, plan)
        assert processes.marked(site.token) == []
        up(home, stack.said.append, plan)
        assert site.s3.call("GET", "/evergreen/kept").content == b"before the restart"
        down(home, stack.said.append, 0, plan)
    finally:
        processes.sweep(remembered.read(home.state_file).token)
