"""The Prefect server as the stack sees it: pools, workers, and runs that nobody executes any more."""

from __future__ import annotations

import contextlib
import importlib.util
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil

from tasks.adapters.prefect_http import OrchestratorBusy, PrefectHttp, asked_again
from tasks.domain.errors import OrchestratorUnavailable, Permanent, Stale

POOLS: dict[str, int] = {"cpu": 2, "gpu": 1}
"""Work pools with the number of flow runs that each executes at the same time on one machine."""

PAUSES = (1.0, 2.0, 4.0)
"""Seconds between the attempts of one change that a busy server refused."""

TIMEOUT = 10.0
"""Seconds that one answer may take."""

ACTIVE = ("RUNNING", "PENDING", "CANCELLING")
"""State types of a run that a process should stand behind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveRun:
    """A flow run that the server takes for active. `pid` is 0 when its worker did not report one yet."""

    id: str
    name: str
    pool: str
    pid: int


class PrefectApi:
    """A server that is started, watched and tidied up; see `PrefectHttp` for the address."""

    def __init__(self, url: str, auth: str | None = None) -> None:
        self._http = PrefectHttp(url, auth, TIMEOUT)

    def __enter__(self) -> PrefectApi:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """The JSON of the answer; None when it has no body. A change that a locked database refused is asked for again.

        Raises what `PrefectHttp.ask` raises.
        """
        pauses = PAUSES if method != "GET" else ()
        return asked_again(lambda: self._http.ask(method, path, body), OrchestratorBusy, pauses)

    def ailment(self) -> str:
        """Why the server cannot work; "" when it is ready and its database answers."""
        try:
            self.call("GET", "/ready")
            self.call("POST", "/work_pools/filter", {"limit": 1})
        except (OrchestratorUnavailable, Permanent) as error:
            return str(error)
        return ""

    def ensure_pools(self) -> None:
        """Create the pools that are missing; one that is there keeps what a person changed."""
        for name, limit in POOLS.items():
            pool = {
                "name": name,
                "type": "process",
                "concurrency_limit": limit,
                "base_job_template": process_template(),
            }
            with contextlib.suppress(Stale):  # it is there
                self.call("POST", "/work_pools/", pool)

    def pause(self, paused: bool, pools: Collection[str] = tuple(POOLS)) -> tuple[str, ...]:
        """Pause (or resume) the pools; the names of those that were in the other state before."""
        found = self.call("POST", "/work_pools/filter", {"work_pools": {"name": {"any_": list(pools)}}})
        changed = tuple(pool["name"] for pool in found if pool["is_paused"] != paused)
        for name in changed:
            self.call("PATCH", f"/work_pools/{name}", {"is_paused": paused})
        return changed

    def worker_ailment(self, name: str, since: float) -> str:
        """Why the worker of that name does not count as online; `since` is when its process was created."""
        try:
            found = self.call("POST", f"/work_pools/{name}/workers/filter", {})
        except (OrchestratorUnavailable, Permanent) as error:
            return str(error)
        for worker in found:
            beat = worker.get("last_heartbeat_time")
            fresh = beat is not None and datetime.fromisoformat(beat).timestamp() >= since - 1
            if worker["name"] == name and fresh:
                return "" if worker["status"] == "ONLINE" else f"the worker is {worker['status']}"
        return "the worker did not report to the server yet"

    def active_runs(self) -> list[ActiveRun]:
        """Runs of our pools that are pending, running or being cancelled, up to 200."""
        body = {
            "flow_runs": {"state": {"type": {"any_": list(ACTIVE)}}},
            "work_pools": {"name": {"any_": list(POOLS)}},
            "limit": 200,
        }
        return [
            ActiveRun(id=run["id"], name=run["name"], pool=run.get("work_pool_name") or "", pid=_pid(run))
            for run in self.call("POST", "/flow_runs/filter", body)
        ]

    def crash(self, run: ActiveRun, message: str) -> None:
        """Say that the run's process has gone."""
        state = {"type": "CRASHED", "name": "Crashed", "message": message}
        self.call("POST", f"/flow_runs/{run.id}/set_state", {"state": state, "force": True})

    def bury_zombies(self, staffed: Collection[str]) -> list[str]:
        """Mark runs without a living process as crashed; their names.

        `staffed` are the pools whose worker runs: there a run without a process number may just be starting.
        """
        zombies = [run for run in self.active_runs() if not lives(run) and (run.pid or run.pool not in staffed)]
        for run in zombies:
            self.crash(run, "its process had gone when the stack was started or stopped")
        return [run.name for run in zombies]


def _pid(run: dict[str, Any]) -> int:
    """The process number at the end of `infrastructure_pid` (a number, or `host:number`); 0 without one."""
    text = str(run.get("infrastructure_pid") or "").rpartition(":")[2]
    return int(text) if text.isdecimal() else 0


def lives(run: ActiveRun) -> bool:
    """The process with the recorded number exists and executes exactly this run, not a later one."""
    try:
        process = psutil.Process(run.pid) if run.pid else None
        if process is None or process.status() == psutil.STATUS_ZOMBIE:
            return False
        return any(_executes(member, run.id) for member in (process, *process.children(recursive=True)))
    except psutil.Error:
        return False


def _executes(process: psutil.Process, run_id: str) -> bool:
    with contextlib.suppress(psutil.Error, OSError):
        return process.environ().get("PREFECT__FLOW_RUN_ID", "").replace("-", "") == run_id.replace("-", "")
    return False


def process_template() -> dict[str, Any]:
    """The job template of a process pool, from the file that the installed Prefect brings along.

    The server's own endpoint for it asks a host on the internet first.
    """
    found = importlib.util.find_spec("prefect")
    roots: Sequence[str] = (found.submodule_search_locations or ()) if found else ()
    for root in roots:
        path = Path(root) / "server/api/collections_data/views/aggregate-worker-metadata.json"
        if path.is_file():
            worker = json.loads(path.read_text(encoding="utf-8"))["prefect"]["process"]
            template: dict[str, Any] = worker["default_base_job_configuration"]
            return template
    return {}  # the worker fills it in when it starts
