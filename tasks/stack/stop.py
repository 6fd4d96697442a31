"""Stop the stack so that nothing is left: no process, no flow run that looks alive."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from tasks.domain.errors import ConfigError, OrchestratorUnavailable
from tasks.stack import processes
from tasks.stack import state as remembered
from tasks.stack.home import Home
from tasks.stack.lock import lock
from tasks.stack.plan import PLAN
from tasks.stack.service import Service, Site, Step
from tasks.stack.status import site_of

Say = Callable[[str], None]
"""Takes one sentence about what happens now."""


def down(home: Home, say: Say, wait: float, plan: Sequence[Service | Step] = PLAN) -> int:
    """Stop everything: let flow runs finish for up to `wait` seconds, workers first, storage last.

    Returns how many processes ran before. No process of this stack is left, whoever its parent was.
    """
    site = site_of(home)
    if site is None:
        return 0
    with lock(home.lock_file):
        before = len(processes.marked(site.token))
        services = [entry for entry in plan if isinstance(entry, Service)]
        _drain(site, say, wait)
        stop_services(site, [service for service in services if service.wave == 0])
        _bury(site, say)
        stop_services(site, [service for service in services if service.wave > 0])
        processes.sweep(site.token)
        remembered.write(home.state_file, replace(remembered.read(home.state_file), processes={}))
        return before


def _drain(site: Site, say: Say, wait: float) -> None:
    """Pause the pools and wait until no flow run is active any more; not at all when Prefect does not answer."""
    deadline = time.monotonic() + wait
    try:
        with site.prefect() as api:
            state = remembered.read(site.home.state_file)
            paused = tuple(sorted({*state.paused, *api.pause(True)}))
            remembered.write(site.home.state_file, remembered.with_paused(state, paused))
            while (active := api.active_runs()) and time.monotonic() < deadline:
                say(f"waiting for {len(active)} flow runs: {', '.join(run.name for run in active[:5])}")
                time.sleep(min(1.0, max(0.0, deadline - time.monotonic())))
    except (OrchestratorUnavailable, ConfigError):
        return


def _bury(site: Site, say: Say) -> None:
    """Runs that were killed with their worker would stay `Running` for ever."""
    try:
        with site.prefect() as api:
            zombies = api.bury_zombies(staffed=())
    except (OrchestratorUnavailable, ConfigError):
        return
    if zombies:
        say(f"marked as crashed, they were stopped: {', '.join(zombies)}")


def stop_services(site: Site, services: Sequence[Service]) -> None:
    """Stop services wave by wave, those of one wave together, and forget them."""
    for wave in sorted({service.wave for service in services}):
        state = remembered.read(site.home.state_file)
        members = [service for service in services if service.wave == wave and service.name in state.processes]
        grace = max((service.grace for service in members), default=0.0)
        processes.stop([state.processes[service.name] for service in members], signal.SIGTERM, grace)
        for service in members:
            state = state.with_process(service.name, None)
        remembered.write(site.home.state_file, state)
