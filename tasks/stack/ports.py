"""Ports of the embedded stack: preferred ones, remembered ones, and the next free one when a stranger is there."""

from __future__ import annotations

import socket
from collections.abc import Callable, Collection, Mapping

from tasks.domain.errors import ConfigError
from tasks.settings import PREFIX

PREFERRED: dict[str, int] = {
    "s3": 8333,
    "mlflow": 5000,
    "prefect": 4200,
    "pages": 9464,
    "s3-grpc": 18333,
    "master": 9333,
    "master-grpc": 19333,
    "volume": 9340,
    "volume-grpc": 19340,
    "filer": 8888,
    "filer-grpc": 18888,
    "admin": 23646,
    "admin-grpc": 33646,
}
"""Every port that the stack listens on; the S3 server is several servers in one process."""

OVERRIDABLE = ("s3", "mlflow", "prefect", "pages")


def owner(port: str) -> str:
    """The name of the process that listens on a port of that name."""
    return port if port in OVERRIDABLE else "s3"


def free(port: int) -> bool:
    """Nobody listens on that port of 127.0.0.1; connections that are being closed do not count."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def overrides(environment: Mapping[str, str]) -> dict[str, int]:
    """Ports that a person asked for with `EVERGREEN_S3_PORT`, `…_MLFLOW_PORT`, `…_PREFECT_PORT`, `…_PAGES_PORT`.

    Raises:
        ConfigError: not a port number between 1024 and 65535.
    """
    wanted: dict[str, int] = {}
    for name in OVERRIDABLE:
        variable = f"{PREFIX}{name.upper()}_PORT"
        if not (text := environment.get(variable, "")):
            continue
        if not text.isdecimal() or not 1024 <= int(text) <= 65535:
            raise ConfigError(f"{variable} must be a port from 1024 to 65535, not {text[:20]!r}")
        wanted[name] = int(text)
    return wanted


def choose(
    remembered: Mapping[str, int],
    wanted: Mapping[str, int],
    running: Collection[str] = (),
    is_free: Callable[[int], bool] = free,
) -> dict[str, int]:
    """One port for every name of `PREFERRED`, all different.

    A process that runs keeps its ports. Otherwise an override is taken or refused; a remembered port is taken
    again when it is free; the preferred one or the next free one above it is the last resort.

    Raises:
        ConfigError: an override is busy, or belongs to a process that runs on another port.
    """
    chosen = {name: port for name, port in remembered.items() if name in PREFERRED and owner(name) in running}
    for name, port in wanted.items():
        if chosen.get(name, port) != port:
            raise ConfigError(f"{name} already runs on port {chosen[name]}: `evergreen down` first, then use {port}")
        if name not in chosen and (port in chosen.values() or not is_free(port)):
            raise ConfigError(f"port {port} for {name} is busy: unset {PREFIX}{name.upper()}_PORT or name a free one")
        chosen[name] = port
    for name, preferred in PREFERRED.items():
        if name not in chosen:
            chosen[name] = _next(remembered.get(name, preferred), preferred, set(chosen.values()), is_free)
    return chosen


def _next(first: int, preferred: int, taken: set[int], is_free: Callable[[int], bool]) -> int:
    candidates: list[int] = [first, *range(preferred, min(preferred + 1000, 65536))]
    for port in candidates:
        if port not in taken and is_free(port):
            return port
    raise ConfigError(f"no free port from {preferred} to {preferred + 999}")
