"""The sums, against a loop that is easy to believe and against published run lengths."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tasks.watch.baseline import baseline, from_student, standardised
from tasks.watch.shape import Shape, shape
from tasks.watch.sums import largest, onset, sums


def slow(values, k, ceiling=math.inf):
    """Page's recursion with plain numbers."""
    up, down, high, low = [], [], 0.0, 0.0
    for value in values:
        if not math.isnan(value):
            high = min(max(0.0, high + value - k), ceiling)
            low = min(max(0.0, low - value - k), ceiling)
        up.append(high)
        down.append(low)
    return up, down


@pytest.mark.parametrize("ceiling", [math.inf, 3.0])
def test_the_sums_are_those_of_a_slow_loop(ceiling):
    rng = np.random.default_rng(1)
    values = rng.normal(0.3, 1.5, (200, 3))
    values[rng.random(values.shape) < 0.1] = np.nan
    both = sums(values, ceiling)
    for column in range(3):
        up, down = slow(values[:, column], 0.5, ceiling)
        np.testing.assert_allclose(both.up[:, column], up)
        np.testing.assert_allclose(both.down[:, column], down)
        assert ceiling < math.inf or largest(values)[column] == pytest.approx(max(up + down))


def run_length(h, shift, runs=3000, most=2500):
    values = np.random.default_rng(7).normal(shift, 1, (most, runs))
    over = sums(values).highest >= h
    return np.where(over.any(axis=0), over.argmax(axis=0) + 1, most).mean()


@pytest.mark.parametrize(("h", "shift", "published"), [(4, 0, 168), (5, 0, 465), (4, 1, 8.38), (5, 1, 10.4)])
def test_run_lengths_are_the_published_ones(h, shift, published):
    """Montgomery, Introduction to Statistical Quality Control, table 9.3: two-sided CUSUM with k = 1/2."""
    assert run_length(h, shift) == pytest.approx(published, rel=0.06)


def test_run_lengths_are_near_siegmunds_formula():
    def one_sided(delta, b=5 + 1.166):
        return (math.exp(-2 * delta * b) + 2 * delta * b - 1) / (2 * delta**2)

    both = 1 / (1 / one_sided(0.5 - 0.5 + 0.5) + 1 / one_sided(-1.5))  # shift 1: up drifts by .5, down by -1.5
    assert run_length(5, 1) == pytest.approx(both, rel=0.06)


def test_the_onset_is_the_first_check_after_the_last_zero():
    assert onset(sums(np.array([3.0, -9.0, 0.0, 2.0, 2.0])).up) == 3
    assert onset(np.array([1.0, 2.0])) == 0
    assert onset(np.array([1.0, 0.0])) == 2


def test_the_transform_of_student_keeps_the_probability():
    from scipy.stats import norm, t

    grid = np.linspace(-6, 6, 49)
    for freedom in (5, 13, 83):
        expected = norm.isf(t.sf(grid, freedom))
        np.testing.assert_allclose(from_student(grid, np.array(float(freedom))), expected, atol=0.03)


def test_checks_of_health_are_standard_normal_although_the_baseline_is_small():
    rng = np.random.default_rng(3)
    contexts = np.zeros(6, np.int64)
    learnt = baseline(rng.normal(5, 2, (20_000, 6, 1)), contexts, 1)
    values = standardised(rng.normal(5, 2, (20_000, 1, 1)), np.zeros(1, np.int64), learnt)
    assert values.std() == pytest.approx(1, abs=0.03)
    assert (np.abs(values) > 2.576).mean() == pytest.approx(0.01, abs=0.003)


def test_each_time_of_day_has_its_own_normal_and_an_unknown_one_has_none():
    scores = np.array([[0.0], [10.0], [0.1], [10.1], [-0.1], [9.9]])
    known = baseline(scores, np.array([0, 1] * 3), 3)
    values = standardised(np.array([[0.0], [10.0], [0.0]]), np.array([0, 1, 2]), known)
    assert np.abs(values[:2]).max() < 0.01
    assert np.isnan(values[2]).all()


def test_a_step_came_at_once_and_a_ramp_gradually():
    rng = np.random.default_rng(5)
    step = np.concatenate([rng.normal(0, 0.5, 40), rng.normal(2, 0.5, 40)])
    ramp = np.concatenate([rng.normal(0, 0.5, 40), np.linspace(0, 4, 40) + rng.normal(0, 0.5, 40)])
    assert shape(step, 40) is Shape.ABRUPT
    assert shape(ramp, 40) is Shape.GRADUAL
    assert shape(step[:45], 40) is Shape.UNKNOWN
