"""Whoever pins a few hours is told that a day has more."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from tasks.cli.people_commands import pin_reference
from tasks.domain.window import Window
from tasks.drift import task as drift
from tasks.report import records

START = datetime(2026, 11, 20, tzinfo=UTC)


@pytest.fixture
def seen(monkeypatch):
    windows = [Window(START + timedelta(hours=h), START + timedelta(hours=h + 1)) for h in range(30)]
    pinned = SimpleNamespace(id=7, table=SimpleNamespace(rows=123))
    monkeypatch.setattr(records, "newest_windows", lambda model, count: windows[-count:])
    monkeypatch.setattr(drift, "pin_reference", SimpleNamespace(fn=lambda *given: pinned))


@pytest.mark.parametrize(("last", "hours"), [(3, 3), (30, 24)])
def test_the_hours_that_a_reference_knows_are_counted(seen, capsys, last, hours):
    assert pin_reference("welds", last=last, by="ada", json=True) == 0
    assert json.loads(capsys.readouterr().out)["hours"] == hours
    pin_reference("welds", last=last, by="ada")
    said = " ".join(capsys.readouterr().out.split())  # lines end where the terminal does
    assert ("pin whole days" in said) == (hours < 24)
