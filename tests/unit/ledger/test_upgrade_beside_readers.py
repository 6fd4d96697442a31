"""Upgrading again in a process that reads the ledger takes nothing from it: closing a file drops its locks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tasks.adapters.ledger.store import Ledger

WRITER = """
import sys
from tasks.adapters.ledger.store import Ledger
from tasks.domain.model import Kind

with Ledger.open(sys.argv[1]) as book:
    book.models.ensure(sys.argv[2], Kind.DETECT, ["crack"])
"""


def written_elsewhere(url: str, name: str) -> None:
    """Another process writes a model and is the last one to close the database, as far as it can tell."""
    subprocess.run([sys.executable, "-c", WRITER, url, name], check=True)


def test_what_other_processes_write_is_seen_after_a_second_upgrade(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/ledger.db"
    Ledger.upgrade(url)
    with Ledger.open(url) as book:
        written_elsewhere(url, "first")
        assert book.models.names() == ["first"]
        Ledger.upgrade(url)
        written_elsewhere(url, "second")
        assert (tmp_path / "ledger.db-wal").exists(), "somebody still reads it"
        written_elsewhere(url, "third")
        assert book.models.names() == ["first", "second", "third"]
