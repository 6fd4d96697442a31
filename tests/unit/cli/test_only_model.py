"""Where there is one model nobody needs to name it; where there are several nobody guesses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tasks import connections
from tasks.adapters.ledger.store import Ledger
from tasks.cli.main import app
from tasks.domain.errors import ConfigError
from tasks.domain.model import Kind


@pytest.fixture
def book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    url = f"sqlite:///{tmp_path}/ledger.db"
    Ledger.upgrade(url)
    opened = Ledger.open(url)
    monkeypatch.setattr(connections, "ledger", lambda: opened)
    return opened


def told(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    app(words, result_action="return_value")
    return capsys.readouterr().out


def test_the_only_model_goes_without_saying(book: Ledger, capsys: pytest.CaptureFixture[str]) -> None:
    book.models.ensure("welds", Kind.DETECT, ["crack"])
    assert "welds has no version yet" in told(capsys, "versions")
    assert json.loads(told(capsys, "windows", "--json")) == []


def test_a_model_that_is_named_is_the_one_that_is_asked_about(book: Ledger, capsys: pytest.CaptureFixture[str]) -> None:
    book.models.ensure("welds", Kind.DETECT, ["crack"])
    assert "solar has no version yet" in told(capsys, "versions", "solar")
    assert "solar has no version yet" in told(capsys, "versions", "--model", "solar")


def test_of_several_models_one_must_be_named_and_the_answer_names_them(book: Ledger) -> None:
    for name in ("welds", "solar"):
        book.models.ensure(name, Kind.DETECT, ["crack"])
    with pytest.raises(ConfigError, match=r"`evergreen versions` of which model\? name one of solar, welds"):
        app(["versions"], result_action="return_value")


def test_without_a_model_the_answer_says_that_there_is_none(book: Ledger) -> None:
    with pytest.raises(ConfigError, match="the ledger knows none yet: `evergreen windows MODEL`"):
        app(["windows"], result_action="return_value")


def test_a_model_that_may_be_empty_stays_empty(book: Ledger, capsys: pytest.CaptureFixture[str]) -> None:
    """`alerts` without a model means all of them."""
    for name in ("welds", "solar"):
        book.models.ensure(name, Kind.DETECT, ["crack"])
    assert json.loads(told(capsys, "alerts", "--json")) == []
