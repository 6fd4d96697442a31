"""An interval says what other sessions might have shown, and nothing where it cannot."""

import math

import numpy as np
import pytest
from scipy import stats

from tasks.domain.scoring.intervals import MIN_SESSIONS, bounds, freedom, interval, lean, session_weights, student
from tests.unit.evaluate.scoring_sets import matched_set


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
    assert freedom(["a", "b", "c", "d", "e"], ["x", "x", "x", "y", "y"]) == 3


def test_sessions_of_very_unequal_size_are_free_for_fewer():
    even, uneven = [str(i // 10) for i in range(200)], [*["long"] * 181, *map(str, range(19))]
    assert freedom(even) == 19
    assert 1 <= freedom(uneven) < 1.5
    assert freedom(["one"] * 50) == 0 == freedom([])


@pytest.mark.parametrize("groups", [2, 3, 4, 5, 8, 13])
def test_draws_of_a_mean_spread_as_the_mean_itself_does(groups):
    weights = session_weights([str(i) for i in range(groups)], draws=4_000)
    assert (weights.sum(1) == groups).all()
    assert weights.min() == 0
    assert weights.mean(0) == pytest.approx(np.ones(groups), abs=0.1)
    assert ((weights - 1) ** 2).sum(1).mean() == pytest.approx(groups)


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


def test_a_class_that_a_single_session_has_gets_no_bounds():
    weights = session_weights([str(i) for i in range(20)], draws=400)
    samples = np.where(weights[:, 3] > 0, 0.7, np.nan)
    assert all(math.isnan(value) for value in bounds(0.7, samples, 19))


def test_the_more_halves_score_above_the_whole_the_lower_the_interval_lies():
    draws = np.random.default_rng(0).normal(0.5, 0.02, 500)
    unbiased, biased = (interval(0.5, draws + shift, [str(i) for i in range(50)]) for shift in (0, 0.02))
    assert biased.low == pytest.approx(unbiased.low - 0.034, abs=0.003)
    assert biased.high < unbiased.high


def test_where_all_was_right_the_interval_says_how_far_below_it_may_be():
    sessions = [str(i) for i in range(50)]
    found = interval(1.0, np.ones(200), sessions)
    assert 0.9 < found.low < 0.95
    assert found.high == 1
    assert interval(0.0, np.zeros(200), sessions).high == pytest.approx(1 - found.low)


@pytest.mark.parametrize("frames", [1, 5])
def test_the_interval_of_average_precision_covers_what_endless_images_would_score(frames):
    """Plain percentiles of sessions drawn with replacement hold it in 71 % to 80 % of such sets."""
    true, held, repeats = float(matched_set(np.random.default_rng(10**6), 30_000, 1).headline()[0]), 0, 80
    for seed in range(repeats):
        scored = matched_set(np.random.default_rng(seed), 50, frames)
        cameras = scored.images.cameras
        samples = scored.headline(session_weights(scored.sessions, 100, seed, cameras))
        found = interval(float(scored.headline()[0]), samples, scored.sessions, cameras)
        held += found.low <= true <= found.high
    assert held >= 0.88 * repeats


def test_no_difference_is_seldom_called_one():
    """A bound with tail 5 % lies beyond 0 in one of twenty sets where nothing differs, few sessions or many."""
    rng = np.random.default_rng(3)
    for groups in (8, 21, 60):
        sessions, cameras = [str(i) for i in range(groups)], [str(i % 3) for i in range(groups)]
        weights, free = session_weights(sessions, 200, 0, cameras), freedom(sessions, cameras)
        sets = rng.normal(0, 1, (600, groups))
        beyond = sum(bounds(each.mean(), weights @ each / groups, free, 0.05)[0] > 0 for each in sets)
        assert 6 <= beyond <= 45


def mean_of(scores, sessions, seed=0, draws=300, leaning=True):
    weights = session_weights(sessions, draws, seed)
    samples = weights @ scores / weights.sum(1)
    return interval(float(scores.mean()), samples, sessions, weights=weights if leaning else None)


def test_a_score_leans_as_the_mean_of_such_numbers_does():
    """scipy's skewness of the numbers over the root of their count is that of their mean."""
    numbers = -np.random.default_rng(0).exponential(1.0, 60)
    sessions = [str(i) for i in range(60)]
    weights = session_weights(sessions, 4_000)
    found = lean(weights @ numbers / weights.sum(1), weights, sessions)
    assert found == pytest.approx(stats.skew(numbers) / math.sqrt(60), rel=0.15)
    assert lean(np.full(4_000, 0.5), weights, sessions) == 0


def test_where_a_few_images_fail_badly_the_lower_bound_reaches_for_more_of_them():
    held = {True: 0, False: 0}
    for seed in range(250):
        rng = np.random.default_rng(seed)
        scores = np.where(rng.random(60) < 0.06, 0.4, 0.95) + rng.normal(0, 0.02, 60)
        for leaning in held:
            found = mean_of(scores, [str(i) for i in range(60)], seed, 200, leaning)
            held[leaning] += found.low <= 0.94 * 0.95 + 0.06 * 0.4 <= found.high
    assert held[True] / 250 >= 0.93 > held[False] / 250


def test_sessions_from_one_frame_to_forty_keep_the_promise():
    held = 0
    for seed in range(250):
        rng = np.random.default_rng(seed)
        sizes = np.clip(rng.pareto(1.1, 100) * 2 + 1, 1, 40).astype(int)
        session = np.repeat(np.arange(100), sizes)[:100]
        scores = rng.beta(3, 1.5, 100)[session] + rng.normal(0, 0.02, 100)
        found = mean_of(scores, session.astype(str).tolist(), seed, 200)
        held += found.low <= 3 / 4.5 <= found.high
    assert held / 250 >= 0.92  # 0.86 while forty frames of one session counted as those of forty


def test_where_right_and_wrong_are_all_the_interval_is_as_wide_as_wilsons():
    """Wilson's interval leans by itself: nothing is added twice."""
    right, sessions = np.repeat([1.0, 0.0], [380, 20]), [str(i) for i in range(400)]
    plain, leaning = (mean_of(right, sessions, 0, 2_000, leaning) for leaning in (False, True))
    assert leaning.high == plain.high
    assert leaning.low == pytest.approx(plain.low, abs=0.003)
