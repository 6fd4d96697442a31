"""What the stack remembers between commands: its token, ports, processes, and what was deployed."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from tasks.domain.errors import ConfigError
from tasks.stack.home import write_privately
from tasks.stack.processes import Identity


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """`paused` names the work pools that `down` paused, `deployed` the digest of the deployments on the server."""

    token: str
    ports: Mapping[str, int] = field(default_factory=dict)
    processes: Mapping[str, Identity] = field(default_factory=dict)
    paused: tuple[str, ...] = ()
    deployed: str = ""

    def with_process(self, name: str, identity: Identity | None) -> State:
        """The same with that process, or without it when `identity` is None."""
        others = {known: process for known, process in self.processes.items() if known != name}
        return replace(self, processes=others if identity is None else {**others, name: identity})


def with_deployed(state: State, digest: str) -> State:
    """The same, with other deployments on the server."""
    return replace(state, deployed=digest)


def with_paused(state: State, pools: tuple[str, ...]) -> State:
    """The same, with these pools paused by us."""
    return replace(state, paused=pools)


def read(path: Path) -> State:
    """The remembered state, or a new one with a fresh token when there is no file.

    Raises:
        ConfigError: the file is damaged.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return State(token=secrets.token_hex(16))
    try:
        found = json.loads(text)
        return State(
            token=str(found["token"]),
            ports={str(name): int(port) for name, port in found["ports"].items()},
            processes={str(name): Identity(**process) for name, process in found["processes"].items()},
            paused=tuple(found["paused"]),
            deployed=str(found["deployed"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(f"{path} is damaged ({error}): stop its processes by hand and remove it") from error


def write(path: Path, state: State) -> None:
    """Replace the file in one step."""
    write_privately(path, json.dumps(asdict(state), indent=2) + "\n")
