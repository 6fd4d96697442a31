"""One command at a time may start or stop the stack."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from tasks.domain.errors import ConfigError
from tasks.stack.processes import Identity, alive, identify


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
