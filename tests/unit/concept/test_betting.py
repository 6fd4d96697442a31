"""A bet may be looked at after every label: it cries wolf with its chance at most, and sees a rise."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tasks.concept.betting import capital, upper_bound


def test_nobody_loses_or_wins_before_the_first_loss() -> None:
    assert len(capital([], 0.2)) == 0
    assert upper_bound([], 0.05) == 1.0


@pytest.mark.parametrize("limit", [0.1, 0.3])
def test_a_fair_bet_is_won_with_its_chance_at_most_whenever_one_stops(limit: float) -> None:
    """Losses of 0 and 1 whose mean is the limit itself, looked at 400 times: the worst honest case."""
    rng = np.random.default_rng(1)
    won = sum(float(capital((rng.random(400) < limit).astype(float), limit).max()) >= math.log(20) for _ in range(300))
    assert won <= 300 * 0.05 + 3 * math.sqrt(300 * 0.05 * 0.95)


def test_the_stake_does_not_grow_on_average() -> None:
    """Oracle: the expected stake of a fair bet is 1, over all 2**10 courses of ten losses."""
    courses = ((np.arange(1024)[:, None] >> np.arange(10)) & 1).astype(float)
    chance = np.prod(np.where(courses == 1, 0.3, 0.7), axis=1)
    stakes = np.array([math.exp(capital(course, 0.3)[-1]) for course in courses])
    assert float(chance @ stakes) == pytest.approx(1.0, abs=1e-9)


def test_a_rise_after_a_long_quiet_time_is_seen_soon() -> None:
    rng = np.random.default_rng(2)
    losses = np.r_[rng.random(1000) < 0.05, rng.random(150) < 0.5].astype(float)
    stake = capital(losses, 0.15)
    assert stake[:1000].max() < math.log(20) <= stake[1000:].max()
    assert int(np.argmax(stake >= math.log(20))) < 1060


def test_the_bound_lies_above_the_mean_and_comes_closer_with_more_losses() -> None:
    rng = np.random.default_rng(3)
    few, many = rng.beta(1, 9, 20), rng.beta(1, 9, 500)
    assert few.mean() < upper_bound(few, 0.025)
    assert upper_bound(many, 0.025) - many.mean() < 0.5 * (upper_bound(few, 0.025) - few.mean())


def test_a_sample_without_an_error_does_not_promise_that_there_is_none() -> None:
    assert 0.01 < upper_bound([0.0] * 40, 0.025) < 0.1
