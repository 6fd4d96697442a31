"""A champion fell only when even the upper bound says so; too few labels say nothing."""

import math
from dataclasses import replace

import pytest

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
    ],
)
def test_what_cannot_be_compared_is_never_a_breach(recent, baseline, word):
    finding = judge_performance(recent, baseline, RULES).findings[0]
    assert finding.outcome is Outcome.INCONCLUSIVE
    assert word in finding.note
    assert finding.value is None or math.isfinite(finding.value)
