"""A real S3 server for the whole session, and a fresh bucket for every test."""

import itertools
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tasks.adapters.objects import ObjectStore

PORTS = (
    "s3.port",
    "s3.port.grpc",
    "master.port",
    "master.port.grpc",
    "volume.port",
    "volume.port.grpc",
    "filer.port",
    "filer.port.grpc",
    "admin.port",
    "admin.port.grpc",
)
_buckets = itertools.count(1)


class S3Server(NamedTuple):
    """Where the server listens and who may ask it."""

    endpoint: str
    access_key: str
    secret_key: str


def free_ports(count: int) -> list[int]:
    """Ports that were all free at the same moment."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def _healthy(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 — our own server on 127.0.0.1
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    beside = Path(sys.executable).parent / "weed"
    weed = str(beside) if beside.is_file() else shutil.which("weed")
    if weed is None:
        pytest.skip("no S3 server: install the extra `local`")
    folder = tmp_path_factory.mktemp("s3")
    ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
    server = S3Server(f"http://127.0.0.1:{ports['s3.port']}", secrets.token_hex(16), secrets.token_hex(16))
    options = {
        **{name: str(port) for name, port in ports.items()},
        "dir": str(folder),
        "ip": "127.0.0.1",
        "ip.bind": "127.0.0.1",
        "s3.port.iceberg": "0",
        "s3.port.lance": "0",
        "admin.ui": "false",
        "webdav": "false",
        "master.telemetry": "false",
        "volume.preStopSeconds": "0",
    }
    environment = {**os.environ, "AWS_ACCESS_KEY_ID": server.access_key, "AWS_SECRET_ACCESS_KEY": server.secret_key}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [weed, "mini", *(f"-{name}={value}" for name, value in options.items())],
            stdout=log,
            stderr=log,
            env=environment,
            cwd=folder,
        )
    try:
        deadline = time.monotonic() + 60
        while not _healthy(f"{server.endpoint}/healthz"):
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"the S3 server did not start: {(folder / 'log').read_text()[-2000:]}")
            time.sleep(0.1)
        yield server
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def object_store(s3_server: S3Server) -> ObjectStore:
    """A fresh bucket."""
    store = ObjectStore(
        bucket=f"bucket-{os.getpid()}-{next(_buckets)}",
        endpoint=s3_server.endpoint,
        region="us-east-1",
        access_key=s3_server.access_key,
        secret_key=s3_server.secret_key,
    )
    store.ensure_bucket()
    return store
