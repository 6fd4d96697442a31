"""The daily digest: a fleet asked at once, at a bounded share of chance finds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from scipy.stats import false_discovery_control, ttest_ind

from tasks.domain.discovery import benjamini_hochberg, benjamini_yekutieli
from tasks.domain.finding import Outcome
from tasks.domain.window import Window
from tasks.watch.alarm import Line
from tasks.watch.chances import day_chance, day_change, either, evidence_chance, sum_chance
from tasks.watch.digest import digest, ends_a_day, standing_out
from tasks.watch.history import Course, Visit, course
from tasks.watch.judging import judged
from tasks.watch.rules import Dependence, Method, WatchRules
from tasks.watch.scores import Check
from tasks.watch.shape import Shape

START = datetime(2026, 9, 1, tzinfo=UTC)
STEP = timedelta(hours=3)
RULES = WatchRules()
CAMERAS, PROPERTIES, PLANTED = 50, 8, 5


def line(camera, subject, chance, change=0.3):
    return Line(
        camera=camera, subject=subject, method=Method.CUSUM, value=1.0, limit=15.0, effect=change, scenes=100, checks=8,
        since=None, shape=Shape.UNKNOWN, alarm=False, today=change, chance=chance,
    )  # fmt: skip


def fleets(seed, size, planted, weather=0.0, days=14, together=0.5):
    """Day means (size, days + 1, cameras, properties) of fleets; the first cameras move by 8 sd on the last day.

    Properties of one camera hang together, and so do all cameras by the weather.
    """
    rng = np.random.default_rng(seed)
    own = rng.normal(size=(size, days + 1, CAMERAS, PROPERTIES))
    camera = rng.normal(size=(size, days + 1, CAMERAS, 1))
    common = rng.normal(size=(size, days + 1, 1, PROPERTIES))
    values = np.sqrt(1 - together) * own + np.sqrt(together) * camera
    values = np.sqrt(1 - weather) * values + np.sqrt(weather) * common
    values[:, -1, :planted, 0] += 8.0
    return values


def day_lines(values):
    """Lines of one fleet by the code under test: every day is one check of its own."""
    days = len(values)
    windows = tuple(Window(START + timedelta(days=d), START + timedelta(days=d + 1)) for d in range(days))
    flat = values.reshape(days, -1)
    learnt = np.arange(days) < days - 1
    known = Course(
        camera="all", windows=windows, properties=tuple(map(str, range(flat.shape[1]))), scores=flat,
        contexts=np.zeros(days, np.int64), scenes=np.full(days, 100.0), healthy=learnt, learnt=learnt,
        later=~learnt, summed=~learnt, days=days - 1,
    )  # fmt: skip
    chances = either(day_chance(known, 24), np.ones(flat.shape[1])).reshape(values.shape[1:])
    change = day_change(known, 24).reshape(values.shape[1:])
    return [
        line(f"cam-{c}", f"p{p}", float(chances[c, p]), float(change[c, p]))
        for c in range(values.shape[1])
        for p in range(values.shape[2])
    ]


def discoveries(values, rules):
    """False and true discoveries of one fleet."""
    found = [(int(each.camera[4:]), each.subject) for each in standing_out(day_lines(values), rules)]
    true = sum(camera < PLANTED and subject == "p0" for camera, subject in found)
    return len(found) - true, true


@pytest.mark.parametrize(
    ("weather", "dependence"), [(0.0, Dependence.POSITIVE), (0.6, Dependence.POSITIVE), (0.6, Dependence.ANY)]
)
def test_of_500_fleets_with_5_sick_cameras_of_50_a_tenth_of_the_named_are_healthy_at_most(weather, dependence):
    rules = RULES.model_copy(update={"dependence": dependence})
    counts = np.array([discoveries(each, rules) for each in fleets(7, 500, PLANTED, weather)])
    share = counts[:, 0] / np.maximum(counts.sum(axis=1), 1)
    assert share.mean() <= rules.fdr
    assert counts[:, 1].mean() >= 0.9 * PLANTED


def test_among_healthy_fleets_a_tenth_at_most_have_anybody_named():
    named = [sum(discoveries(each, RULES)) > 0 for each in fleets(8, 300, 0)]
    assert np.mean(named) <= RULES.fdr


def test_the_chance_of_a_day_is_that_of_students_test_for_one_new_value():
    values = fleets(9, 1, 0)[0]
    got = [each.chance / 2 for each in day_lines(values)]
    flat = values.reshape(len(values), -1)
    oracle = [ttest_ind(flat[-1:, place], flat[:-1, place]).pvalue for place in range(flat.shape[1])]
    assert got == pytest.approx([min(p, 0.5) for p in oracle], rel=1e-6)


def test_the_procedures_are_those_of_scipy():
    chances = np.random.default_rng(1).random(60) ** 4
    assert benjamini_hochberg(chances) == pytest.approx(false_discovery_control(chances, method="bh"))
    assert benjamini_yekutieli(chances) == pytest.approx(false_discovery_control(chances, method="by"))


def test_a_sum_at_its_limit_is_as_likely_as_the_limit_says_and_never_followed_without_end():
    found = sum_chance(np.array([0.0, 15.0, 17.0, 500.0]), 15.0, 2.0, 0.01)
    assert found[:3] == pytest.approx([min(1, 0.01 * np.exp(7.5)), 0.01, 0.01 / np.e])
    assert found[3] > 1e-5


def test_evidence_of_bets_counts_by_its_mean_under_health():
    assert evidence_chance(np.array([0.0, 3.0]), 100) == pytest.approx([1.0, 0.1])


def test_a_change_that_many_cameras_share_is_one_incident_and_no_alarm():
    lines = [line(f"cam-{n}", "brightness", 1e-6 if n < 4 else 0.5, -0.4) for n in range(10)]
    lines += [line(f"cam-{n}", "noise", 1e-6 if n == 9 else 0.5, 0.7) for n in range(10)]
    (found,) = digest(lines, RULES)
    assert (found.outcome, found.value, found.n) == (Outcome.OK, 5, 10)
    assert "one incident of the fleet, brightness fell by 0.4 sd on 4 cameras at once; cam-9: noise rose" in found.note


def test_a_quiet_day_says_so_and_a_single_camera_has_no_digest():
    (found,) = digest([line(c, "noise", 0.4) for c in "ab"], RULES)
    assert (found.value, found.note) == (0, "none of 2 cameras stands out today")
    assert digest([line("a", "noise", 1e-9)], RULES) == ()


def test_a_change_below_the_margin_is_not_named():
    assert standing_out([line("a", "noise", 1e-9, 0.05), line("b", "noise", 0.9)], RULES) == []


def visits(days, moved, seed=1):
    rng = np.random.default_rng(seed)
    found = []
    for number in range(days * 8):
        window = Window(START + number * STEP, START + (number + 1) * STEP)
        checks = [
            Check(
                camera=f"cam-{c}", scenes=20, known=500,
                scores={
                    "brightness": rng.normal(0, 0.2) - (0.35 if c in moved and number >= (days - 1) * 8 else 0.0),
                    "noise": rng.normal(0, 0.2),
                },
            )
            for c in range(6)
        ]  # fmt: skip
        found.append(Visit(window=window, checks=tuple(checks)))
    return found


@pytest.mark.parametrize("method", [Method.CUSUM, Method.E_DETECTOR])
def test_the_last_window_of_a_day_has_the_digest_and_no_other_has(method):
    rules = RULES.model_copy(update={"method": method})
    line_ = visits(18, moved={2})
    for number in range(len(line_) - 8, len(line_)):
        report, _ = judged(line_[number], line_[:number], (), rules)
        told = [finding for finding in report.findings if finding.check == "digest"]
        assert len(told) == ends_a_day(line_[number].window)
    assert method is Method.E_DETECTOR or "cam-2: brightness fell" in told[0].note


def test_days_are_utc_whatever_the_hours_of_the_windows():
    assert not ends_a_day(Window(START, START + STEP))
    assert ends_a_day(Window(START, START + timedelta(days=1)))


def test_without_a_week_of_health_a_day_says_nothing():
    few = visits(5, moved=set())
    known = course("cam-1", [Visit(window=v.window, checks=(v.checks[1],)) for v in few], (), RULES)
    assert day_chance(known, 3).tolist() == [1.0, 1.0]
