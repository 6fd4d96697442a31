"""Who holds a window: a process, by machine and number."""

from __future__ import annotations

import os
import socket

import psutil


def here() -> str:
    """The name of this process."""
    return f"{socket.gethostname()}:{os.getpid()}"


def died_here(owner: str) -> bool:
    """Whether the owner is a process of this machine that is no more; one on another machine is never judged."""
    host, _, number = owner.rpartition(":")
    return host == socket.gethostname() and number.isdecimal() and not psutil.pid_exists(int(number))
