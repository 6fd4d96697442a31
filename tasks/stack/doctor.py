"""Looks at everything that is known to go wrong, and says what to do about it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable

from tasks.domain.errors import ConfigError
from tasks.settings import PREFIX, Settings, load
from tasks.stack import ports, server_checks
from tasks.stack import state as remembered
from tasks.stack.check import Check, Level, bad, good
from tasks.stack.home import Home
from tasks.stack.machine_checks import check_imports, check_space, check_versions
from tasks.stack.processes import alive

SERVERS: tuple[Callable[[Settings], list[Check]], ...] = (
    server_checks.check_s3,
    server_checks.check_ledger,
    server_checks.check_mlflow,
    server_checks.check_prefect,
)
"""Checks that need addresses; a new one is a function here."""


def diagnose(home: Home) -> list[Check]:
    """Every check, machine first; servers only when the settings are complete."""
    checks = [*check_versions(), *check_imports(), *check_space(home.path), check_ports(home), check_environment(home)]
    try:
        settings = load()
    except ConfigError as error:
        return [*checks, bad("settings", str(error), "`evergreen up` writes them for the embedded stack")]
    return [*checks, good("settings", "complete"), *(check for ask in SERVERS for check in ask(settings))]


def healthy(checks: Iterable[Check]) -> bool:
    """No check failed; warnings do not count."""
    return all(check.level is not Level.FAIL for check in checks)


def check_ports(home: Home) -> Check:
    """Nobody else listens where a stopped server of ours would: `up` moves on to the next free port then."""
    state = remembered.read(home.state_file)
    wanted = {**ports.PREFERRED, **state.ports}
    ours = {name for name, identity in state.processes.items() if alive(identity)}
    busy = [port for name, port in wanted.items() if ports.owner(name) not in ours and not ports.free(port)]
    if not busy:
        return good("ports", "ours or free")
    found = f"used by other programs: {', '.join(map(str, busy))}"
    return bad("ports", found, "nothing to do: `evergreen up` takes the next free ones", Level.WARN)


def check_environment(home: Home) -> Check:
    """Variables of this shell that lead elsewhere than the embedded stack; they win in every command."""
    other = [
        name
        for name, value in home.variables().items()
        if name.startswith(PREFIX) and name != PREFIX + "HOME" and os.environ.get(name, value) != value
    ]
    if not other:
        return good("environment", f"nothing differs from {home.env_file}")
    found = f"{', '.join(other)} differ from {home.env_file}"
    return bad("environment", found, "unset them to use the embedded stack", Level.WARN)
