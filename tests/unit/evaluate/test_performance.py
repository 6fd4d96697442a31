"""A champion fell only when even the upper bound says so; too few labels say nothing."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import beta

from tasks.domain.evaluation import Evaluation, Interval
from tasks.domain.finding import Outcome
from tasks.evaluate.performance import judge_performance
from tasks.evaluate.rules import EvaluateRules

RULES = EvaluateRules(margin=0.03, min_labels=100)


def evaluation(value, low=None, high=None, n=200, **changes):
    made = Evaluation(
        model_sha256="a" * 64,
        dataset="recent",
        digest="d",
        protocol="p",
        metric="map50_95",
        headline=Interval(value=value, low=value if low is None else low, high=value if high is None else high),
        n=n,
    )
    return replace(made, **changes)


BASE = evaluation(0.8)


@pytest.mark.parametrize(
    ("low", "high", "outcome"),
    [
        (0.60, 0.76, Outcome.BREACH),
        (0.60, 0.78, Outcome.INCONCLUSIVE),
        (0.76, 0.90, Outcome.INCONCLUSIVE),
        (0.78, 0.90, Outcome.OK),
    ],
)
def test_only_an_interval_on_one_side_of_the_limit_decides(low, high, outcome):
    report = judge_performance(evaluation((low + high) / 2, low, high), BASE, RULES)
    assert report.outcome is outcome
    assert report.findings[0].limit == pytest.approx(0.77)


def test_too_few_labels_are_inconclusive_and_the_missing_count_is_said():
    finding = judge_performance(evaluation(0.1, n=63), BASE, RULES).findings[0]
    assert finding.outcome is Outcome.INCONCLUSIVE
    assert "37 more" in finding.note


@pytest.mark.parametrize(
    ("recent", "baseline", "word"),
    [
        (evaluation(math.nan), BASE, "no object"),
        (evaluation(0.1), None, "nobody measured"),
        (evaluation(0.1), evaluation(math.nan), "nobody measured"),
        (evaluation(0.1, protocol="q"), BASE, "protocol"),
        (evaluation(0.1, math.nan, math.nan), BASE, "sessions"),
        (evaluation(0.1), evaluation(0.8, math.nan, math.nan), "its baseline rests on too few sessions"),
        (evaluation(0.1), evaluation(0.8, n=30), "30 labelled images, 20 more needed"),
    ],
)
def test_what_cannot_be_compared_is_never_a_breach(recent, baseline, word):
    finding = judge_performance(recent, baseline, RULES).findings[0]
    assert finding.outcome is Outcome.INCONCLUSIVE
    assert word in finding.note
    assert finding.value is None or math.isfinite(finding.value)


def exact(right, n):
    """Clopper and Pearson's interval, from quantiles of a beta distribution: nothing of ours."""
    low = beta.ppf(0.025, right, n - right + 1) if right else 0.0
    return evaluation(right / n, low, beta.ppf(0.975, right + 1, n - right) if right < n else 1.0, n)


@pytest.mark.parametrize(("accuracy", "n"), [(0.9, 50), (0.8, 50), (0.95, 100)])
def test_a_model_that_did_not_change_hardly_ever_fell_from_a_lucky_baseline(accuracy, n):
    rng = np.random.default_rng(0)
    fallen = 0
    for then, now in rng.binomial([n, 800], accuracy, (2000, 2)):
        fallen += judge_performance(exact(now, 800), exact(then, n), RULES).outcome is Outcome.BREACH
    assert fallen / 2000 < 0.025  # 10 and 14 % of those with 50 labels while the baseline was taken for the truth


def test_a_model_that_lost_a_lot_fell_whatever_its_baseline():
    rng = np.random.default_rng(1)
    pairs = rng.binomial([100, 400], [0.9, 0.65], (200, 2))
    fallen = [judge_performance(exact(now, 400), exact(then, 100), RULES).outcome for then, now in pairs]
    assert fallen.count(Outcome.BREACH) > 190


def test_what_decides_is_said_of_the_side_that_is_in_doubt():
    wide, narrow = evaluation(0.84, 0.74, 0.94, n=60), evaluation(0.80, 0.79, 0.81, n=4000)
    assert "more labels of its baseline (now 60)" in judge_performance(narrow, wide, RULES).findings[0].note
    recent, baseline = evaluation(0.75, 0.7, 0.8), evaluation(0.80, 0.79, 0.81, n=4000)
    note = judge_performance(recent, baseline, RULES).findings[0].note
    # half of .10 becomes sqrt(.02² - .01²) when there are 200 * (.05 / .0173)² labels
    assert "about 1,467 more labels decide it" in note
