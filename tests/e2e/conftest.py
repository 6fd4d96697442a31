"""A stack of its own for the loop, a browser, and a teller that keeps what it was told."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


class Notes:
    """A teller that only remembers."""

    def __init__(self) -> None:
        self.sentences: list[str] = []

    def say(self, sentence: str) -> None:
        self.sentences.append(sentence)

    def bar(self, title: str, total: int | None) -> Callable[[int], None]:
        self.sentences.append(title)
        return lambda by: None


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The embedded stack in a folder of its own, with this repository's prefect.yaml deployed."""
    from tasks import connections, settings
    from tasks.stack.home import Home
    from tasks.stack.start import up
    from tasks.stack.stop import down

    folder = tmp_path_factory.mktemp("stack") / "home"
    before = {name: value for name, value in os.environ.items() if name.startswith("EVERGREEN_")}
    for name in before:
        del os.environ[name]
    os.environ["EVERGREEN_HOME"] = str(folder)
    said: list[str] = []
    try:
        up(Home.find(), said.append)
        settings.settings.cache_clear()
        yield folder
    finally:
        down(Home.find(), said.append, wait=5)
        for name in [name for name in os.environ if name.startswith("EVERGREEN_")]:
            del os.environ[name]
        os.environ.update(before)
        settings.settings.cache_clear()
        for opened in (connections.store, connections.tables, connections.images, connections.ledger,
                       connections.registry, connections.orchestrator):  # fmt: skip
            opened.cache_clear()


@pytest.fixture(scope="session")
def chromium() -> str:
    found = shutil.which("chromium")
    if found is None:
        pytest.skip("chromium is not installed: the approval in a real browser is not tested here")
    return found
