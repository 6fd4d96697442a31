"""What one window of many cannot prove alone, two can."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tasks.domain.confirmation import confirmed, doubted, part_of_month, unsure
from tasks.domain.finding import Finding, Outcome, Report, Stage
from tasks.domain.judge import judge
from tasks.domain.verdict import Action
from tasks.domain.window import Window

START = datetime(2026, 11, 20, tzinfo=UTC)
BREACH = Finding(
    check="ks", subject="brightness", outcome=Outcome.BREACH, value=0.6, limit=0.25, effect=-0.5, note="fell 9 %"
)
OK = replace(BREACH, outcome=Outcome.OK, value=0.1)
OTHER = replace(BREACH, subject="noise", effect=0.4)


def outcomes(findings, before=None):
    return [each.outcome for each in confirmed(findings, lambda _: before)]


@pytest.mark.parametrize(("hours", "part"), [(1, 1 / 720), (24, 1 / 30), (720, 1.0), (24 * 90, 1.0)])
def test_a_window_has_its_part_of_a_months_false_alarms(hours, part):
    assert part_of_month(Window(START, START + timedelta(hours=hours))) == pytest.approx(part)


def test_a_doubted_breach_waits_and_says_so():
    found = doubted(BREACH)
    assert unsure(found) and found.outcome is Outcome.INCONCLUSIVE and "next window decides" in found.note
    assert not unsure(BREACH) and not unsure(OK)
    assert not unsure(replace(OK, outcome=Outcome.INCONCLUSIVE))  # too little data is another question


def test_alone_it_stays_open():
    assert outcomes([doubted(BREACH), OK]) == [Outcome.INCONCLUSIVE, Outcome.OK]
    assert outcomes([doubted(BREACH)], OK) == [Outcome.INCONCLUSIVE]


def test_the_window_before_is_a_second_witness_sure_or_not():
    for before in (BREACH, doubted(BREACH)):
        (found,) = confirmed([doubted(BREACH)], lambda _, before=before: before)
        assert found == BREACH


def test_a_change_to_the_other_side_is_no_witness():
    assert outcomes([doubted(BREACH)], replace(BREACH, effect=0.5)) == [Outcome.INCONCLUSIVE]


def test_once_something_is_sure_the_rest_is_read_as_one_question():
    assert outcomes([BREACH, doubted(OTHER), OK]) == [Outcome.BREACH, Outcome.BREACH, Outcome.OK]
    before = {"brightness": doubted(BREACH)}
    found = confirmed([doubted(BREACH), doubted(OTHER)], lambda each: before.get(each.subject))
    assert [each.outcome for each in found] == [Outcome.BREACH, Outcome.BREACH]


def test_the_sentence_says_what_may_have_changed_and_that_the_next_window_decides():
    finding = replace(doubted(BREACH), slice="camera=line-1")
    verdict = judge([Report(stage=Stage.DRIFT, findings=(finding, OK))], (), None)
    assert (verdict.outcome, verdict.action) == (Outcome.INCONCLUSIVE, Action.WAIT)
    assert verdict.sentence.startswith("Something may have changed on camera line-1: brightness fell 9 %;")
    assert "next window decides" in verdict.sentence
