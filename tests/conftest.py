"""How the tests are dealt to workers: a file stays together, the long ones go first."""

from __future__ import annotations

from pathlib import Path

import pytest

FIRST = ("e2e", "integration")
"""Folders whose tests start servers: they are long, so they start first."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A file's tests share its servers and trainings, so one worker runs them all."""
    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(item.location[0]))
    items.sort(key=lambda item: _rank(Path(item.location[0])))


def _rank(path: Path) -> int:
    return next((place for place, folder in enumerate(FIRST) if folder in path.parts), len(FIRST))
