"""The embedded stack itself: S3, ledger, MLflow, Prefect, two workers, pages; what is killed heals."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tasks.adapters.orchestrator import Orchestrator
from tasks.domain.errors import OrchestratorUnavailable
from tasks.settings import load
from tasks.stack import processes, server_checks
from tasks.stack import state as remembered
from tasks.stack.check import Level
from tasks.stack.home import Home
from tasks.stack.plan import PLAN
from tasks.stack.prefect_api import PrefectApi
from tasks.stack.service import Site
from tasks.stack.start import up
from tasks.stack.status import site_of, status
from tasks.stack.stop import down

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]  # a crowded machine needs minutes

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


def eventually(what: Callable[[], Any], seconds: float = 120) -> Any:
    """The first truthy answer."""
    deadline = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.3)
    return found


@pytest.fixture
def home(stack: Path) -> Home:
    return Home(path=stack)


@pytest.fixture
def site(home: Home) -> Site:
    found = site_of(home)
    assert found is not None
    return found


@contextlib.contextmanager
def deployed(site: Site, folder: Path, schedules: list[dict[str, Any]]) -> Iterator[str]:
    """The flow above as a deployment of the cpu pool while the block lasts; its id."""
    (folder / "nap.py").write_text(FLOW)
    here = {"prefect.deployments.steps.set_working_directory": {"directory": str(folder)}}
    with site.prefect() as api:
        flow = api.call("POST", "/flows/", {"name": "nap"})
        known = {"name": folder.name, "flow_id": flow["id"], "entrypoint": "nap.py:nap", "work_pool_name": "cpu"}
        asked = {"pull_steps": [here], "parameters": {"seconds": 0}, "schedules": schedules}
        made = api.call("POST", "/deployments/", {**known, **asked})
        try:
            yield str(made["id"])
        finally:
            eventually(lambda: deleted(api, made["id"]))


def deleted(api: PrefectApi, deployment: str) -> bool:
    """A busy server refuses for a while: its database is locked."""
    with contextlib.suppress(OrchestratorUnavailable):
        api.call("DELETE", f"/deployments/{deployment}")
        return True
    return False


def connections(process: psutil.Process) -> list[Any]:
    """Of a process of the stack; a flow run may end while one looks at it."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return list(process.net_connections("inet"))
    return []


def test_everything_works_and_listens_on_this_machine_only(home: Home, site: Site) -> None:
    assert [row.ailment for row in status(home)] == [""] * len(status(home))
    seen = [each for process in processes.marked(site.token) for each in connections(process)]
    listening = [each.laddr.ip for each in seen if each.status == psutil.CONN_LISTEN]
    foreign = [each.raddr for each in seen if each.raddr and each.raddr.ip != "127.0.0.1"]
    assert set(listening) == {"127.0.0.1"}
    assert foreign == []
    secrets = [path for path in home.path.rglob("*.db") if path.stat().st_mode & 0o077]
    assert secrets == []


def test_strangers_are_turned_away(site: Site) -> None:
    assert httpx.get(site.url("s3") + "/evergreen/evergreen-probe").status_code == 403
    assert httpx.put(site.url("s3") + "/evergreen/intruder", content=b"x").status_code == 403
    assert httpx.post(site.url("prefect") + "/api/work_pools/filter", json={}).status_code == 403
    foreign = {"Origin": "https://elsewhere.example", "Access-Control-Request-Method": "POST"}
    assert httpx.options(site.url("prefect") + "/api/flow_runs/filter", headers=foreign).status_code == 400
    experiments = site.url("mlflow") + "/api/2.0/mlflow/experiments/search?max_results=1"
    assert httpx.get(experiments, headers={"Host": "elsewhere.example"}).status_code == 403


def test_a_scheduled_run_completes(home: Home, site: Site, tmp_path: Path) -> None:
    often = {"active": True, "slug": "often", "schedule": {"interval": 10}}
    with deployed(site, tmp_path, [often]) as deployment, site.prefect() as api:
        done = {
            "deployments": {"id": {"any_": [deployment]}},
            "flow_runs": {"state": {"type": {"any_": ["COMPLETED"]}}},
        }
        runs = eventually(lambda: api.call("POST", "/flow_runs/filter", done))
        assert any(run["auto_scheduled"] for run in runs)
        here = load({"EVERGREEN_HOME": str(home.path)})
        orchestrator = Orchestrator(here.prefect_url, here.prefect_auth and here.prefect_auth.get_secret_value())
        waiting = orchestrator.unfinished("nap", timedelta(hours=1))
        orchestrator.close()
    assert waiting and all(run.parameters == {"seconds": 0} and not run.finished for run in waiting)


def test_the_doctor_is_content_with_the_servers(home: Home) -> None:
    settings = load({"EVERGREEN_HOME": str(home.path)})
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


def test_what_is_killed_heals_without_losing_objects_or_leaving_runs_that_look_alive(
    home: Home, site: Site, tmp_path: Path
) -> None:
    assert site.s3.call("PUT", "/evergreen/kept", b"before the crash").status_code == 200
    with deployed(site, tmp_path, []) as deployment, site.prefect() as api:
        run = api.call("POST", f"/deployments/{deployment}/create_flow_run", {"parameters": {"seconds": 600}})
        eventually(lambda: any(active.id == run["id"] and active.pid for active in api.active_runs()))
        before = remembered.read(home.state_file).processes
        for name in ("cpu", "s3"):
            os.kill(before[name].pid, signal.SIGKILL)
        eventually(lambda: not any(processes.alive(before[name]) for name in ("cpu", "s3")))
        healed = up(home, [].append)
        assert all(row.healthy for row in healed)
        assert {row.name for row in healed if row.pid != before[row.name].pid} == {"cpu", "s3"}
        assert site.s3.call("GET", "/evergreen/kept").content == b"before the crash"
        assert api.call("GET", f"/flow_runs/{run['id']}")["state_type"] == "CRASHED"
    assert [p for p in processes.marked(site.token) if p.environ().get("PREFECT__FLOW_RUN_ID") == run["id"]] == []


def test_a_second_stack_finds_its_own_ports_and_keeps_its_objects_over_a_restart(site: Site, tmp_path: Path) -> None:
    plan = [entry for entry in PLAN if entry.name in {"s3", "buckets"}]
    home = Home(path=tmp_path / "second")
    said: list[str] = []
    try:
        up(home, said.append, plan)
        second = site_of(home)
        assert second is not None
        assert not set(second.ports.values()) & {site.ports[name] for name in site.ports if name != "pages"}
        assert second.s3.call("PUT", "/evergreen/kept", b"before the restart").status_code == 200
        down(home, said.append, 0, plan)
        assert processes.marked(second.token) == []
        up(home, said.append, plan)
        assert second.s3.call("GET", "/evergreen/kept").content == b"before the restart"
        down(home, said.append, 0, plan)
    finally:
        processes.sweep(remembered.read(home.state_file).token)
