"""Evidence is the sum of what was counted: recomputable, soon when it rises fourfold, quiet when it does not."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from scipy.stats import beta, binom

from tasks.domain.finding import ALL, Outcome
from tasks.domain.subjects import Topic, topic
from tasks.domain.window import Window
from tasks.outliers.evidence import Count, chain, evidence, step, usual_shares
from tasks.outliers.familiar import Limit
from tasks.outliers.rates import count_findings, counted, counts_of, rate_findings
from tasks.outliers.rules import OutlierRules

RULES = OutlierRules()
LIMITS = {"a": Limit(distance=0.5, beyond=0.01, scenes=2_000)}
FIRST = Window(datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC))
DAY = timedelta(days=1)


def day(number):
    return Window(FIRST.start + number * DAY, FIRST.end + number * DAY)


def seen(strange, scenes=100, camera="a"):
    return {camera: Count(scenes=scenes, strange=strange)}


def test_a_step_is_the_log_likelihood_ratio_of_the_binomial():
    expected = binom.logpmf(6, 100, 0.04) - binom.logpmf(6, 100, 0.01)
    assert step(Count(scenes=100, strange=6), 0.01, 4.0) == pytest.approx(expected)


def test_the_usual_share_is_the_cautious_end_of_what_the_reference_leaves_open():
    limits = {"a": Limit(distance=1.0, beyond=1 / 61, scenes=60)}
    assert usual_shares(limits)["a"] == pytest.approx(float(beta.ppf(0.75, 1, 60)))
    many = usual_shares(dict.fromkeys("abcdefgh", limits["a"]))
    assert 1 / 61 < many["a"] < usual_shares(limits)["a"]
    assert usual_shares({}) == {}


def test_a_fourfold_share_raises_an_alarm_within_days_and_two_healthy_days_end_it():
    usual = usual_shares(LIMITS)
    days = [seen(1)] * 20 + [seen(4)] * 4
    assert evidence(days, usual, 4.0, 4.5).alarm
    long = days + [seen(4)] * 300
    assert evidence(long, usual, 4.0, 4.5).total == 4.5
    over = evidence([*long, seen(0), seen(1)], usual, 4.0, 4.5)
    assert (over.alarm, over.total, over.scenes) == (False, 0.0, 0)


def test_healthy_counts_never_add_up():
    usual = usual_shares(LIMITS)
    assert evidence([seen(1)] * 3_000, usual, 4.0, 4.5).total < 1


def test_hourly_windows_come_to_the_same_conclusion_as_daily_ones_and_stay_with_it():
    usual = usual_shares(LIMITS)
    hourly = [seen(1 if hour % 6 == 0 else 0, scenes=4) for hour in range(96)]
    alarms = [evidence(hourly[: hour + 1], usual, 4.0, 4.5).alarm for hour in range(96)]
    assert alarms.index(True) < 60
    assert all(alarms[alarms.index(True) :])
    assert evidence([seen(4, 96)] * 3, usual, 4.0, 4.5).alarm


def test_of_windows_that_overlap_only_the_later_one_counts():
    half = Window(day(1).start + DAY / 2, day(1).end)
    history = [(day(2), seen(3)), (half, seen(2)), (day(1), seen(9)), (day(0), seen(1))]
    assert chain(history, day(3)) == [seen(1), seen(2), seen(3)]
    assert chain(history, day(2)) == [seen(1), seen(2)]


def test_counts_survive_the_ledger_and_sums_do_not_depend_on_who_computes_them():
    counts = {"a": Count(scenes=95, strange=4), "b": Count(scenes=1, strange=0)}
    limits = {"a": LIMITS["a"], "b": LIMITS["a"]}
    assert counts_of(count_findings(counts, limits)) == counts
    days = [seen(5)] * 3
    assert rate_findings(days, LIMITS, RULES) == rate_findings(list(days), LIMITS, RULES)


def test_nan_and_unknown_cameras_are_not_counted():
    cameras = np.array(["a", "a", "a", "b"], dtype=object)
    assert counted(np.array([0.4, 1.2, np.nan, 9.0]), cameras, LIMITS) == {"a": Count(scenes=2, strange=1)}
    assert counted(np.zeros(0), cameras[:0], LIMITS) == {}


def test_too_many_strange_images_are_a_breach_that_says_how_many():
    (finding,) = rate_findings([seen(1), seen(5), seen(6)], LIMITS, RULES)
    assert (finding.check, finding.outcome, finding.slice, finding.n) == ("outliers", Outcome.BREACH, ALL, 100)
    assert (
        finding.note == "rose from 1.0 % to 5.5 %; 11 of the last 200 distinct scenes are unlike any of the reference"
    )
    assert finding.effect == pytest.approx(2 * math.asin(math.sqrt(0.055)) - 2 * math.asin(math.sqrt(0.01)))
    assert topic(finding.subject) is Topic.EMBEDDING


def test_a_healthy_window_is_ok_and_too_little_says_how_much_is_missing():
    (fine,) = rate_findings([seen(1)], LIMITS, RULES)
    assert fine.outcome is Outcome.OK
    (few,) = rate_findings([seen(1, 10), seen(0, 10)], LIMITS, RULES)
    assert few.outcome is Outcome.INCONCLUSIVE
    assert "20 distinct scenes" in few.note and "30 more are needed" in few.note


def test_the_one_camera_that_sees_strange_things_is_named():
    limits = dict.fromkeys("abcd", LIMITS["a"])
    quiet = {name: Count(scenes=60, strange=0) for name in "abcd"}
    days = [quiet, quiet | {"c": Count(scenes=60, strange=9)}]
    breached = {f.slice for f in rate_findings(days, limits, RULES) if f.outcome is Outcome.BREACH}
    assert breached == {ALL, "camera=c"}


def test_four_healthy_years_cry_at_most_twice():
    rng = np.random.default_rng(3)
    days = [seen(int(count)) for count in rng.binomial(100, 0.01, 4 * 365)]
    usual, alarms, before = usual_shares(LIMITS), 0, False
    for last in range(len(days)):
        now = evidence(days[max(0, last - 30) : last + 1], usual, RULES.rise, RULES.evidence).alarm
        alarms += now and not before
        before = now
    assert alarms <= 2
