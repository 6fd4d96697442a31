"""Look at the stack: which processes run, since when, and whether they work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from tasks.stack import processes
from tasks.stack import state as remembered
from tasks.stack.home import Home, project
from tasks.stack.plan import PLAN
from tasks.stack.service import Service, Site, Step
from tasks.stack.state import State


class Condition(StrEnum):
    """Whether a process runs: `dead` was started and ended by itself, `stopped` was never started or was stopped."""

    RUNNING = "running"
    STOPPED = "stopped"
    DEAD = "dead"


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """One process of the stack. `ailment` is why it is not healthy; `since` when it was started."""

    name: str
    condition: Condition
    pid: int | None
    url: str
    healthy: bool
    since: datetime | None
    ailment: str = ""


def site_of(home: Home) -> Site | None:
    """The stack of a home folder as it was last started; None when it never was."""
    state = remembered.read(home.state_file)
    variables = home.variables()
    if not state.ports or not variables:
        return None
    return Site(home=home, project=project(), ports=state.ports, token=state.token, variables=variables)


def status(home: Home, plan: Sequence[Service | Step] = PLAN) -> list[Status]:
    """Every process of the plan as it is now, with its health check run."""
    site, state = site_of(home), remembered.read(home.state_file)
    return [_status(entry, site, state) for entry in plan if isinstance(entry, Service)]


def _status(service: Service, site: Site | None, state: State) -> Status:
    identity = state.processes.get(service.name)
    if site is None or identity is None or not processes.alive(identity):
        condition = Condition.STOPPED if identity is None else Condition.DEAD
        url = service.url(site) if site else ""
        return Status(name=service.name, condition=condition, pid=None, url=url, healthy=False, since=None)
    ailment = service.ailment(site, identity.created)
    return Status(
        name=service.name,
        condition=Condition.RUNNING,
        pid=identity.pid,
        url=service.url(site),
        healthy=not ailment,
        since=datetime.fromtimestamp(identity.created, UTC).replace(microsecond=0),
        ailment=ailment,
    )
