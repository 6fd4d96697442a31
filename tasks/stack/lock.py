"""One command at a time may start or stop a stack, and one stack at a time may take ports of this machine."""

from __future__ import annotations

import errno
import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from tasks.domain.errors import ConfigError
from tasks.stack.processes import Identity, alive, identify

PORTS = "\0evergreen-ports"
"""A name among Linux' abstract sockets: it is seen wherever our ports are seen (by every project, user and container
that shares this network), no file is left behind, and the kernel gives it back when its holder is killed."""


def holder(path: Path) -> Identity | None:
    """The live process that holds the lock; None when nobody does, or when its holder died (a stale lock)."""
    try:
        identity = Identity(**json.loads(path.read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        return None
    return identity if alive(identity) else None


@contextmanager
def lock(path: Path) -> Iterator[None]:
    """Hold the lock file; a stale one is taken over.

    Raises:
        ConfigError: another live process holds it; the message has its number.
    """
    _take(path)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


@contextmanager
def ports_taken(say: Callable[[str], object], name: str = PORTS) -> Iterator[None]:
    """Hold the choice of ports from the first look until the servers listen: what is free then stays free.

    While another stack of this machine starts, this one waits, and says so.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as held:
        waited = False
        while not _bound(held, name):
            if not waited:
                say("another stack on this machine is starting: waiting until it has its ports")
            waited = True
            time.sleep(0.1)
        yield


def _bound(held: socket.socket, name: str) -> bool:
    try:
        held.bind(name)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        return False
    return True


def _take(path: Path) -> None:
    for _ in range(100):
        if _create(path):
            return
        if (other := holder(path)) is not None:
            raise ConfigError(f"process {other.pid} is starting or stopping this stack: wait for it, then try again")
        _remove_stale(path)
        time.sleep(0.05)
    raise ConfigError(f"cannot take {path}: remove it when no `evergreen up` or `down` runs")


def _create(path: Path) -> bool:
    """Link a complete file into place: whoever sees the lock can read who holds it."""
    draft = path.with_name(f".{path.name}-{os.getpid()}")
    draft.write_text(json.dumps(asdict(identify(os.getpid()) or Identity(pid=os.getpid(), created=time.time()))))
    try:
        os.link(draft, path)
    except FileExistsError:
        return False
    finally:
        draft.unlink()
    return True


def _remove_stale(path: Path) -> None:
    """Move the stale lock aside first: of several that see it, one succeeds, and a new lock is put back."""
    aside = path.with_name(f".{path.name}-stale-{os.getpid()}")
    try:
        path.rename(aside)
    except FileNotFoundError:
        return
    if holder(aside) is not None:  # between the look and the move somebody else took over
        os.link(aside, path)
    aside.unlink()
