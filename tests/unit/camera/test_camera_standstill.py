"""Most cameras silent at once, or the only one, is said and blames nobody; hours at which a line rests are quiet."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tasks.camera.clock import judge_clocks
from tasks.camera.delivery import judge_delivery, usual
from tasks.camera.rules import CameraRules
from tasks.camera.standstill import rests
from tasks.domain.finding import Outcome, Report, Stage
from tasks.domain.judge import judge
from tasks.domain.verdict import Action
from tasks.domain.window import Window
from tests.unit.camera.test_camera_delivery import delays

RULES = CameraRules()
MONDAY = datetime(2026, 11, 16, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def week(cameras, days=range(5), hours=range(6, 22)):
    """Times and cameras of a reference: an image a minute on working days, by day."""
    times = [MONDAY + d * DAY + h * HOUR + n * timedelta(minutes=1) for d in days for h in hours for n in range(60)]
    return times * len(cameras), [name for name in cameras for _ in times]


def judged(counted, cameras="abcde", at=MONDAY + 7 * DAY + 9 * HOUR, known=None):
    window = Window(at, at + HOUR)
    times, names = known or week(cameras)
    return judge_delivery(usual(times, names, window), counted, RULES, {}, rests(times, names, window))


def told(found):
    assert not [each for each in found if each.outcome is Outcome.BREACH]
    return [(each.subject, each.slice, each.note) for each in found if each.outcome is Outcome.INCONCLUSIVE]


@pytest.mark.parametrize(
    ("cameras", "counted", "who"),
    [
        ("abc", {"a": 60}, "2 of 3 cameras sent nothing"),
        ("abcde", {"a": 60, "b": 60}, "3 of 5 cameras sent nothing"),
        ("abcdefghij", dict.fromkeys("abcd", 60), "6 of 10 cameras sent nothing"),
        ("abc", {}, "3 of 3 cameras sent nothing"),
        ("a", {}, "the only camera sent nothing"),
        ("a", {"a": 12}, "the only camera sent far fewer"),
        ("ab", {"a": 12, "b": 12}, "2 of 2 cameras sent far fewer"),
        ("abcde", {"a": 60, "b": 60, "c": 24, "d": 24, "e": 24}, "3 of 5 cameras sent far fewer"),
        ("abcde", {"a": 60, "b": 60, "c": 12, "d": 12, "e": 12}, "3 of 5 cameras sent far fewer"),
    ],
)
def test_most_cameras_or_the_only_one_silent_or_slow_is_one_open_question(cameras, counted, who):
    [(_, where, note)] = told(judged(counted, cameras))
    assert note.startswith(who)
    assert where == ("camera=a" if cameras == "a" else "all")
    verdict = judge([Report(stage=Stage.CAMERA, findings=judged(counted, cameras))], (), None)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.action is Action.WAIT
    assert "sent" in verdict.sentence


@pytest.mark.parametrize(
    ("counted", "at"),
    [
        (dict.fromkeys("abcde", 60), MONDAY + 7 * DAY + 9 * HOUR),
        (dict.fromkeys("abcde", 30), MONDAY + 7 * DAY + 9 * HOUR),  # a slow day
        ({}, MONDAY + 8 * DAY + 2 * HOUR),  # a night: nobody ever sent then
        ({"a": 3}, MONDAY + 8 * DAY + 2 * HOUR),
        ({"a": 60}, MONDAY + 8 * DAY + 2 * HOUR),
    ],
)
def test_healthy_days_slow_days_and_nights_are_quiet(counted, at):
    assert told(judged(counted, at=at)) == []


@pytest.mark.parametrize("counted", [{}, {"a": 60}, dict.fromkeys("abcde", 5)])
def test_a_weekend_that_the_reference_knows_is_quiet_and_another_day_is_not(counted):
    known = week("abcde", days=(0, 1, 2, 3, 4, 7, 8))  # over a weekend
    assert told(judged(counted, at=MONDAY + 12 * DAY + 9 * HOUR, known=known)) == []
    assert told(judged(counted, at=MONDAY + 9 * DAY + 9 * HOUR, known=known)) != []


def test_a_camera_that_rests_every_weekend_is_not_offline_then():
    times, names = week("abc", days=(0, 1, 2, 3, 4, 5, 6, 7, 8))
    sunday = [name != "c" or (moment - MONDAY) // DAY not in (5, 6) for moment, name in zip(times, names, strict=True)]
    known = tuple([each for each, kept in zip(side, sunday, strict=True) if kept] for side in (times, names))
    found = judged({"a": 60, "b": 60}, at=MONDAY + 12 * DAY + 9 * HOUR, known=known)
    assert not [each for each in found if each.outcome is not Outcome.OK]


def test_a_single_camera_is_still_named_where_the_others_send():
    found = judged(dict.fromkeys("abcd", 60))
    assert [(each.camera, each.subject) for each in found if each.outcome is Outcome.BREACH] == [("e", "offline")]


def test_clocks_that_are_wrong_together_are_one_open_question():
    [(subject, where, note)] = told(judge_clocks(delays(a=-30, b=-30, c=0), RULES))
    assert (subject, where) == ("clock", "all")
    assert note.startswith("the times of 2 of 3 cameras")
