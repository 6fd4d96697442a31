"""The embedded stack's own S3 server, alone, for as long as a benchmark needs it."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from tasks.adapters.objects import ObjectStore
from tasks.stack.servers import weed

PORTS = ("s3.port", "master.port", "volume.port", "filer.port", "admin.port")


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def _healthy(url: str) -> bool:
    try:
        with closing(urllib.request.urlopen(url, timeout=2)) as answer:  # noqa: S310 - our own server
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


@contextmanager
def bucket(folder: Path, name: str = "bench") -> Iterator[ObjectStore]:
    """An empty bucket on a fresh server."""
    names = [*PORTS, *(f"{port}.grpc" for port in PORTS)]
    options: dict[str, str] = {port: str(number) for port, number in zip(names, _free_ports(len(names)), strict=True)}
    options |= {"dir": str(folder), "ip": "127.0.0.1", "ip.bind": "127.0.0.1", "s3.port.iceberg": "0"}
    options |= {"s3.port.lance": "0", "admin.ui": "false", "webdav": "false", "master.telemetry": "false"}
    keys = {"AWS_ACCESS_KEY_ID": secrets.token_hex(16), "AWS_SECRET_ACCESS_KEY": secrets.token_hex(16)}
    command = [weed(), "mini", *(f"-{key}={value}" for key, value in options.items())]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **keys}, cwd=folder)  # noqa: S603
    endpoint = f"http://127.0.0.1:{options['s3.port']}"
    try:
        while not _healthy(f"{endpoint}/healthz"):
            time.sleep(0.2)
        store = ObjectStore(
            bucket=name,
            endpoint=endpoint,
            region="us-east-1",
            access_key=keys["AWS_ACCESS_KEY_ID"],
            secret_key=keys["AWS_SECRET_ACCESS_KEY"],
        )
        store.ensure_bucket()
        yield store
    finally:
        server.kill()
        server.wait()
