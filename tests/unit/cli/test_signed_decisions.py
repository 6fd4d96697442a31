"""No command writes a decision of a person into the audit trail that nobody signed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tasks import connections
from tasks.adapters.ledger.store import Ledger
from tasks.cli import golden_commands, label_commands, people_commands, quality_commands, upkeep_commands
from tasks.concept import task as concept
from tasks.domain.errors import ConfigError
from tasks.promote import task as promote
from tests.fakes.memory_store import MemoryStore
from tests.unit.ledger.ledger_cases import MODEL, bootstrap

SCHEMA = f"model: {MODEL}\n"

SIGNED: dict[str, Callable[..., Any]] = {
    "label-audit": lambda by, reason, **_: label_commands.label_audit(MODEL, by=by, reason=reason),
    "golden-accept": lambda by, reason, **_: golden_commands.golden_accept(MODEL, by=by, reason=reason),
    "adopt": lambda by, reason, **_: people_commands.adopt(MODEL, by=by, reason=reason),
    "rollback": lambda by, reason, **_: people_commands.rollback(MODEL, by=by, reason=reason),
    "quality-accept": lambda by, reason, file: quality_commands.quality_accept(file, by=by, reason=reason),
}
NAMED: dict[str, Callable[..., Any]] = {
    "approve": lambda by: people_commands.approve(1, by=by),
    "reject": lambda by: people_commands.reject(1, by=by),
    "acknowledge": lambda by: upkeep_commands.acknowledge(1, by=by),
    "snooze": lambda by: upkeep_commands.snooze(1, hours=1, by=by),
}


@pytest.fixture
def book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    Ledger.upgrade(url)
    book = Ledger.open(url)
    bootstrap(book)
    for module in (connections, concept, promote):
        monkeypatch.setattr(module, "ledger", lambda: book)
    for name in ("store", "tables", "images", "registry", "orchestrator"):
        monkeypatch.setattr(connections, name, MemoryStore)
    yield book
    book.close()


@pytest.mark.parametrize("by_reason", [(" ", "looked"), ("eve", " "), (" ", " ")])
@pytest.mark.parametrize("command", SIGNED)
def test_a_decision_needs_a_name_and_a_reason(
    book: Ledger, tmp_path: Path, command: str, by_reason: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(golden_commands, "_gathered", lambda model: None)
    file = tmp_path / "schema.yaml"
    file.write_text(SCHEMA)
    before = len(book.decisions.list())
    with pytest.raises(ConfigError, match="--by NAME"):
        SIGNED[command](by=by_reason[0], reason=by_reason[1], file=file)
    assert len(book.decisions.list()) == before


@pytest.mark.parametrize("command", NAMED)
def test_an_answer_needs_a_name(book: Ledger, command: str) -> None:
    with pytest.raises(ConfigError, match="--by NAME"):
        NAMED[command](by=" ")


@pytest.mark.parametrize("hours", [0.0, -3.0, float("nan"), float("inf"), 1e9])
def test_a_snooze_lasts_some_hours(book: Ledger, hours: float) -> None:
    with pytest.raises(ConfigError, match="--hours"):
        upkeep_commands.snooze(1, hours=hours, by="eve")
