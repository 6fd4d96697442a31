"""Evidence is the sum of what was counted: recomputable, soon when it rises fourfold, quiet when it does not."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from scipy.stats import beta, binom, multinomial

from tasks.domain.finding import ALL, Outcome
from tasks.domain.subjects import Topic, topic
from tasks.domain.window import Window
from tasks.outliers.evidence import CAUTION, Count, Usual, chain, evidence, step, usual_shares
from tasks.outliers.familiar import Limit
from tasks.outliers.rates import count_findings, counted, counts_of, rate_findings
from tasks.outliers.rules import OutlierRules

RULES = OutlierRules()
LIMITS = {"a": Limit(distance=0.5, beyond=0.01, scenes=2_000)}
FAR = Limit(distance=0.5, beyond=0.01, scenes=2_000, far=1.5, beyond_far=0.001)
FIRST = Window(datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC))
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def day(number):
    return Window(FIRST.start + number * DAY, FIRST.end + number * DAY)


def seen(strange, scenes=100, camera="a"):
    return {camera: Count(scenes=scenes, strange=strange)}


def test_a_step_is_the_log_likelihood_ratio_of_the_binomial():
    expected = binom.logpmf(6, 100, 0.04) - binom.logpmf(6, 100, 0.01)
    assert step(Count(scenes=100, strange=6), Usual(strange=0.01), 4.0) == pytest.approx(expected)


def test_with_far_images_a_step_is_the_log_likelihood_ratio_of_three_kinds():
    before, after = [0.99, 0.009, 0.001], [0.96, 0.024, 0.016]
    expected = multinomial.logpmf([94, 4, 2], 100, after) - multinomial.logpmf([94, 4, 2], 100, before)
    count, usual = Count(scenes=100, strange=6, far=2), Usual(strange=0.01, far=0.001)
    assert step(count, usual, 4.0) == pytest.approx(expected)
    assert step(count, usual, 4.0) > step(Count(scenes=100, strange=6), usual, 4.0)


def test_what_is_far_is_not_asked_where_too_few_scenes_are_known():
    known = Limit(distance=1.0, beyond=10 / 1001, scenes=1000, far=1.1, beyond_far=1 / 1001)
    few = Limit(distance=1.0, beyond=1 / 41, scenes=40, far=1.1, beyond_far=1 / 1001)
    assert 1 / 1001 < usual_shares({"a": known})["a"].far < 0.0025
    assert usual_shares({"a": few})["a"].far == 0
    assert usual_shares({"a": known, "b": few})["a"].far > 0
    assert usual_shares(LIMITS)["a"].far == 0


def test_the_usual_share_is_the_cautious_end_of_what_the_reference_leaves_open():
    limits = {"a": Limit(distance=1.0, beyond=1 / 61, scenes=60)}
    assert usual_shares(limits)["a"].strange == pytest.approx(float(beta.ppf(CAUTION, 1, 60)))
    many = usual_shares(dict.fromkeys("abcdefgh", limits["a"]))
    assert 1 / 61 < many["a"].strange < usual_shares(limits)["a"].strange
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
    assert chain(history, day(3)) == [(day(0), seen(1)), (half, seen(2)), (day(2), seen(3))]
    assert chain(history, day(2)) == [(day(0), seen(1)), (half, seen(2))]


def test_counts_survive_the_ledger_and_sums_do_not_depend_on_who_computes_them():
    counts = {"a": Count(scenes=95, strange=4, far=3), "b": Count(scenes=1, strange=0)}
    limits = {"a": FAR, "b": LIMITS["a"]}
    found = count_findings(counts, limits)
    assert [(f.slice, f.subject) for f in found] == [
        ("camera=a", "strange_images"), ("camera=a", "far_images"), ("camera=b", "strange_images")
    ]  # fmt: skip
    assert counts_of(found) == counts
    assert counts_of(found, frozenset({"a"})) == {"b": counts["b"]}
    older = [f for f in found if f.subject == "strange_images"]
    assert counts_of(older)["a"] == Count(scenes=95, strange=4)
    days = [seen(5)] * 3
    assert rate_findings(days, 3 * DAY, LIMITS, RULES) == rate_findings(list(days), 3 * DAY, LIMITS, RULES)


def test_nan_and_unknown_cameras_are_not_counted():
    cameras = np.array(["a", "a", "a", "b"], dtype=object)
    assert counted(np.array([0.4, 1.2, np.nan, 9.0]), cameras, LIMITS) == {"a": Count(scenes=2, strange=1)}
    assert counted(np.zeros(0), cameras[:0], LIMITS) == {}


def test_far_images_are_strange_ones_far_beyond_the_limit():
    cameras = np.array(["a"] * 4, dtype=object)
    assert counted(np.array([0.4, 1.2, 1.6, 2.0]), cameras, {"a": FAR}) == {"a": Count(scenes=4, strange=3, far=2)}


def test_a_few_images_unlike_anything_known_are_found_in_a_day_where_edge_cases_take_longer():
    limits = {"a": FAR}
    edge, far = [seen(4)], [{"a": Count(scenes=100, strange=4, far=4)}]
    assert rate_findings([seen(1), *edge], 2 * DAY, limits, RULES)[0].outcome is Outcome.OK
    assert rate_findings([seen(1), *far], 2 * DAY, limits, RULES)[0].outcome is Outcome.BREACH


def test_too_many_strange_images_are_a_breach_that_says_how_many():
    (finding,) = rate_findings([seen(1), seen(5), seen(6)], 3 * DAY, LIMITS, RULES)
    assert (finding.check, finding.outcome, finding.slice, finding.n) == ("outliers", Outcome.BREACH, ALL, 100)
    assert (
        finding.note == "rose from 1.0 % to 5.5 %; 11 of the last 200 distinct scenes are unlike any of the reference"
    )
    assert finding.effect == pytest.approx(2 * math.asin(math.sqrt(0.055)) - 2 * math.asin(math.sqrt(0.01)))
    assert topic(finding.subject) is Topic.EMBEDDING


def test_a_healthy_window_is_ok_and_too_little_says_how_much_is_missing():
    (fine,) = rate_findings([seen(1)], DAY, LIMITS, RULES)
    assert fine.outcome is Outcome.OK
    (few,) = rate_findings([seen(1, 10), seen(0, 10)], 2 * DAY, LIMITS, RULES)
    assert few.outcome is Outcome.INCONCLUSIVE
    assert "20 distinct scenes" in few.note and "30 more are needed" in few.note


def test_the_one_camera_that_sees_strange_things_is_named():
    limits = dict.fromkeys("abcd", LIMITS["a"])
    quiet = {name: Count(scenes=60, strange=0) for name in "abcd"}
    days = [quiet, quiet | {"c": Count(scenes=60, strange=12)}]
    breached = {f.slice for f in rate_findings(days, 2 * DAY, limits, RULES) if f.outcome is Outcome.BREACH}
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


def test_many_images_a_day_do_not_make_false_alarms_more_frequent():
    """Hourly windows of 90 scenes: chance has its say 22 times as often as with 100 scenes a day."""
    rng = np.random.default_rng(8)
    alarms = 0
    for _ in range(20):
        month = [seen(strange, scenes=90) for strange in rng.binomial(90, 0.011, 720).tolist()]
        looks = (rate_findings(month[n - 120 : n], 120 * HOUR, LIMITS, RULES)[0] for n in range(120, 721, 12))
        alarms += any(finding.outcome is Outcome.BREACH for finding in looks)
    assert alarms == 0


def test_a_fourfold_share_of_many_images_is_found_within_hours():
    limits = dict.fromkeys("abc", Limit(distance=1.0, beyond=10 / 1001, scenes=1000))
    rng = np.random.default_rng(9)
    month = [{name: Count(scenes=30, strange=int(rng.binomial(30, 0.01))) for name in "abc"} for _ in range(240)]
    month += [{name: Count(scenes=30, strange=int(rng.binomial(30, 0.04))) for name in "abc"} for _ in range(12)]
    assert rate_findings(month, len(month) * HOUR, limits, RULES)[0].outcome is Outcome.BREACH
