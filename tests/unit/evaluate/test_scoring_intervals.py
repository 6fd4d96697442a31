"""An interval says what other sessions might have shown, and nothing where it cannot."""

import math

import numpy as np
import pytest
from scipy import stats

from tasks.domain.scoring.intervals import MIN_SESSIONS, bounds, freedom, interval, session_weights, student


def test_whole_sessions_are_drawn():
    weights = session_weights(["a", "b", "a", "c", "b"], draws=50)
    assert np.array_equal(weights[:, 0], weights[:, 2])
    assert np.array_equal(weights[:, 1], weights[:, 4])
    assert (weights[:, 0] + weights[:, 1] + weights[:, 3] == 3).all()


def test_every_camera_gives_as_many_sessions_as_it_has():
    sessions, cameras = ["a", "b", "c", "d", "d"], ["x", "x", "x", "y", "y"]
    weights = session_weights([*sessions, "e"], draws=40, cameras=[*cameras, "y"])
    assert (weights[:, :3].sum(1) == 3).all()
    assert (weights[:, 3] + weights[:, 5] == 2).all()
    assert np.array_equal(weights[:, 3], weights[:, 4])
    assert freedom([*sessions, "e"], [*cameras, "y"]) == 3


def test_cameras_of_a_single_session_are_drawn_together():
    weights = session_weights(["a", "b", "c"], draws=60, cameras=["x", "y", "z"])
    assert (weights.sum(1) == 3).all()
    assert weights.max() > 1


def test_fewer_sessions_give_a_wider_interval_for_the_same_draws():
    draws = np.random.default_rng(0).normal(0.5, 0.1, 2_000)
    widths = [high - low for low, high in (bounds(0.5, draws, free) for free in (5, 20, 400))]
    assert widths[0] > 1.2 * widths[2]
    assert widths[1] > widths[2]


@pytest.mark.parametrize("free", [3, 5, 10, 30, 200])
@pytest.mark.parametrize("tail", [0.025, 0.05])
def test_the_points_of_students_t_are_those_of_scipy(free, tail):
    assert student(free, tail) == pytest.approx(stats.t.ppf(1 - tail, free), rel=0.01)


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
