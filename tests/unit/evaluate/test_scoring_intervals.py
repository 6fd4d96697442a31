"""An interval says what other sessions might have shown, and nothing where it cannot."""

import math

import numpy as np
import pytest

from tasks.domain.scoring.intervals import MIN_SESSIONS, bounds, interval, session_weights


def test_whole_sessions_are_drawn():
    weights = session_weights(["a", "b", "a", "c", "b"], draws=50)
    assert np.array_equal(weights[:, 0], weights[:, 2])
    assert np.array_equal(weights[:, 1], weights[:, 4])
    assert (weights[:, 0] + weights[:, 1] + weights[:, 3] == 3).all()


def test_the_same_seed_draws_the_same_sessions():
    sessions = [f"s{i}" for i in range(20)]
    assert np.array_equal(session_weights(sessions, seed=4), session_weights(sessions, seed=4))
    assert not np.array_equal(session_weights(sessions, seed=4), session_weights(sessions, seed=5))


def test_no_image_gives_no_columns():
    assert session_weights([], draws=7).shape == (7, 0)


def test_too_few_sessions_give_no_interval():
    few = [f"s{i % (MIN_SESSIONS - 1)}" for i in range(100)]
    assert math.isnan(interval(0.5, np.full(100, 0.5), few).low)


def test_the_interval_of_a_share_covers_the_truth_nearly_always():
    rng, hits = np.random.default_rng(0), 0
    for _ in range(120):
        right = rng.random(150) < 0.8
        sessions = [str(i) for i in range(150)]
        weights = session_weights(sessions, draws=300, seed=int(rng.integers(1e9)))
        found = interval(right.mean(), weights @ right / weights.sum(1), sessions)
        hits += found.low <= 0.8 <= found.high
    assert hits >= 108


def test_repeated_frames_do_not_narrow_the_interval():
    rng = np.random.default_rng(1)
    right = rng.random(60) < 0.7
    sessions = [str(i) for i in range(60)]
    once = session_weights(sessions)
    single = interval(right.mean(), once @ right / once.sum(1), sessions)
    copied, names = np.repeat(right, 10), np.repeat(sessions, 10).tolist()
    tenfold = session_weights(names)
    repeated = interval(copied.mean(), tenfold @ copied / tenfold.sum(1), names)
    assert repeated.high - repeated.low == pytest.approx(single.high - single.low, rel=0.2)


def test_an_undefined_point_has_no_bounds():
    assert all(math.isnan(value) for value in bounds(math.nan, np.zeros(10), 10))


def test_mostly_undefined_draws_give_no_bounds():
    samples = np.array([0.5, *[np.nan] * 9])
    assert all(math.isnan(value) for value in bounds(0.5, samples, 10))
