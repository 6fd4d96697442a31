"""Processes that outlive the command that started them: start, recognise again, stop with all descendants."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

MARK = "STACK_OF_EVERGREEN"
"""Environment variable that every process carries, children included: `<token of the stack>/<name of the service>`."""

CLOCK_SLACK = 2.0
"""Seconds by which the boot time, and with it a creation time, may be corrected while the machine runs."""

_children: list[subprocess.Popen[bytes]] = []  # started by this very program: it must collect their exit status


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A process, told apart from a later one with the same number. `created` is seconds since 1970.

    `launch` identifies command and environment: a process with another launch runs with old settings.
    """

    pid: int
    created: float
    launch: str = ""


def identify(pid: int, launch: str = "") -> Identity | None:
    """The identity of a running process; None when there is none (a defunct one does not run)."""
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return Identity(pid=pid, created=process.create_time(), launch=launch)
    except psutil.Error:
        return None


def alive(identity: Identity | None) -> bool:
    """That process still runs; another process that got its number does not count."""
    if identity is None:
        return False
    _collect()
    now = identify(identity.pid)
    return now is not None and abs(now.created - identity.created) <= CLOCK_SLACK


def start(command: Sequence[str], environment: Mapping[str, str], folder: Path, log: Path, launch: str) -> Identity:
    """Start a process in a session of its own, input closed, both outputs appended to `log` (mode 0600)."""
    log.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        child = subprocess.Popen(  # noqa: S603 - our own list of commands, no shell
            list(command),
            env=dict(environment),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=handle,
            stderr=handle,
            start_new_session=True,
            umask=0o077,
        )
    finally:
        os.close(handle)
    _children.append(child)
    return identify(child.pid, launch) or Identity(pid=child.pid, created=time.time(), launch=launch)


def stop(identities: Iterable[Identity], first: signal.Signals, grace: float) -> None:
    """Ask with `first`, wait up to `grace` seconds, then kill what is left of them and of their descendants."""
    leaders = [psutil.Process(identity.pid) for identity in identities if alive(identity)]
    families = [*leaders]
    for leader in leaders:
        with contextlib.suppress(psutil.Error):
            families.extend(leader.children(recursive=True))
    for leader in leaders:
        with contextlib.suppress(psutil.Error):
            leader.send_signal(first)
    _wait(leaders, grace)
    _kill(families)


def mark(token: str, name: str) -> dict[str, str]:
    """The variable by which the processes of a service are found again, whoever their parent is by then."""
    return {MARK: f"{token}/{name}"}


def marked(token: str, names: Collection[str] | None = None) -> list[psutil.Process]:
    """Every process of this user that belongs to the stack, or to those services of it; never this one."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            owner, _, name = process.environ().get(MARK, "").partition("/")
            if owner == token and process.pid != os.getpid() and (names is None or name in names):
                found.append(process)
    return [process for process in found if _runs(process)]


def sweep(token: str, names: Collection[str] | None = None) -> int:
    """Kill what `marked` finds; how many that were."""
    found = marked(token, names)
    _kill(found)
    return len(found)


def tail(path: Path, lines: int) -> list[str]:
    """The last lines of a text file without reading all of it; [] when there is none."""
    if not path.is_file() or lines <= 0:
        return []
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 400 * lines))
        return file.read().decode(errors="replace").splitlines()[-lines:]


def _kill(processes: Sequence[psutil.Process]) -> None:
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.kill()
    _wait(processes, 5.0)


def _wait(processes: Sequence[psutil.Process], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while any(_runs(process) for process in processes) and time.monotonic() < deadline:
        time.sleep(0.05)
        _collect()


def _runs(process: psutil.Process) -> bool:
    try:
        defunct = process.status() == psutil.STATUS_ZOMBIE and process.num_threads() <= 1  # threads may hold ports
        return process.is_running() and not defunct
    except psutil.Error:
        return False


def _collect() -> None:
    _children[:] = [child for child in _children if child.poll() is None]
