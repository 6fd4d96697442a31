"""A stack of its own for the loop, and a browser."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tasks.adapters.objects import ObjectStore

FIRST_PORT = 26_400
"""Away from the preferred ports: another worker starts another stack at the same moment."""


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The embedded stack in a folder of its own, with this repository's prefect.yaml deployed."""
    from tasks import connections, settings
    from tasks.stack import processes, state
    from tasks.stack.home import Home
    from tasks.stack.ports import PREFERRED
    from tasks.stack.start import up
    from tasks.stack.stop import down

    folder = tmp_path_factory.mktemp("stack") / "home"
    before = {name: value for name, value in os.environ.items() if name.startswith("EVERGREEN_")}
    for name in before:
        del os.environ[name]
    os.environ["EVERGREEN_HOME"] = str(folder)
    said: list[str] = []
    ports = {name: FIRST_PORT + place for place, name in enumerate(PREFERRED)}
    folder.mkdir(mode=0o700)
    state.write(Home.find().state_file, state.State(token=secrets.token_hex(16), ports=ports))
    try:
        up(Home.find(), said.append)
        settings.settings.cache_clear()
        yield folder
    finally:
        connections.close()
        token = state.read(Home.find().state_file).token
        down(Home.find(), said.append, wait=5)
        left = processes.marked(token)
        for name in [name for name in os.environ if name.startswith("EVERGREEN_")]:
            del os.environ[name]
        os.environ.update(before)
        settings.settings.cache_clear()
        assert left == [], "`down` left processes behind"


@pytest.fixture
def prefect_server(stack: Path) -> str:
    """The API address of the stack's Prefect server."""
    from tasks.settings import settings

    return settings().prefect_url


@pytest.fixture
def object_store(stack: Path) -> ObjectStore:
    """A fresh bucket on the stack's S3 server."""
    from tasks.adapters.objects import ObjectStore
    from tasks.settings import settings

    known = settings()
    store = ObjectStore(
        bucket=f"bucket-{secrets.token_hex(6)}",
        endpoint=known.s3_endpoint,
        region=known.s3_region,
        access_key=known.s3_access_key.get_secret_value() if known.s3_access_key else None,
        secret_key=known.s3_secret_key.get_secret_value() if known.s3_secret_key else None,
    )
    store.ensure_bucket()
    return store


@pytest.fixture
def prefect_variables(prefect_server: str, tmp_path: Path) -> dict[str, str]:
    """What a script needs to know to run flows on the stack's Prefect server, and nothing else of Evergreen."""
    foreign = ("PREFECT_", "EVERGREEN_", "MLFLOW_")
    return {name: value for name, value in os.environ.items() if not name.startswith(foreign)} | {
        "PREFECT_API_URL": prefect_server,
        "PREFECT_HOME": str(tmp_path),
        "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false",
        "DO_NOT_TRACK": "1",
    }


@pytest.fixture(scope="session")
def chromium() -> str:
    found = shutil.which("chromium")
    if found is None:
        pytest.skip("chromium is not installed: the approval in a real browser is not tested here")
    return found
