"""Which windows the reference of a new champion is made of."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tasks.adapters.ledger.store import Ledger
from tasks.domain.verdict import Cause, CauseKind
from tasks.report import records
from tests.unit.ledger.ledger_cases import MODEL, START, SetClock, facts, finding, verdict, window


@pytest.fixture
def ledger(tmp_path, monkeypatch):
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    Ledger.upgrade(url)
    opened = Ledger.open(url, clock=SetClock(START + timedelta(days=30)))
    monkeypatch.setattr(records, "ledger", lambda: opened)
    yield opened
    opened.close()


def judged(ledger, hours, changed_at=None):
    for hour in hours:
        cause = Cause(kind=CauseKind.PRODUCT, summary="new finish", since=changed_at)
        answer = replace(verdict(finding()), causes=(cause,) if changed_at else ())
        ledger.windows.commit(ledger.windows.claim(MODEL, window(hour), "test"), answer, facts())


def test_hourly_windows_of_whole_days_are_taken_so_that_every_hour_is_known(ledger):
    judged(ledger, range(60))
    taken = records.windows_of_today(MODEL, 1)
    assert taken == [window(hour) for hour in range(36, 60)]
    assert {each.start.hour for each in taken} == set(range(24))
    assert records.windows_of_today(MODEL, 3) == [window(hour) for hour in range(60)]


def test_windows_from_before_the_product_changed_are_left_out(ledger):
    judged(ledger, range(60), changed_at=START + timedelta(hours=50))
    assert records.windows_of_today(MODEL, 1) == [window(hour) for hour in range(50, 60)]


def test_as_many_windows_as_are_asked_for_are_the_newest(ledger):
    judged(ledger, range(80))
    assert records.newest_windows(MODEL, 72) == [window(hour) for hour in range(8, 80)]


def test_a_model_that_was_never_judged_has_none(ledger):
    assert records.windows_of_today(MODEL, 1) == []
