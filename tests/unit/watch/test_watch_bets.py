"""The e-detector keeps the promise of its theorem, and the limit of CUSUM the one of its calibration."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from tasks.watch.e_detector import calibrators, evidence, limit, recursive
from tasks.watch.limit import calibrated, tail


def test_no_bet_wins_on_average_under_health():
    for place in range(4):
        mean, _ = quad(lambda z, k=place: np.exp(calibrators(np.array([z]))[k, 0]) * norm.pdf(z), -12, 12)
        assert mean == pytest.approx(1, abs=1e-3)


def test_the_evidence_less_the_time_is_a_supermartingale():
    """E M(t) = t under health; heavy tails make the mean of a simulation fall short, never exceed by much."""
    values = np.random.default_rng(1).standard_normal((20, 100_000))
    mean = (10 ** evidence(values)).mean(axis=1)
    np.testing.assert_array_less(mean, np.arange(1, 21) * 1.1)
    assert mean[4] > 2.5


def test_false_alarms_stay_below_the_theorem():
    checks, runs = 100, 3000
    values = np.random.default_rng(2).standard_normal((checks, runs))
    over = (evidence(values) >= limit(checks, 1, 0.1)).any(axis=0)
    assert 0 < over.mean() <= 0.1


def test_a_change_is_found():
    values = np.random.default_rng(3).standard_normal((300, 50))
    values[100:] += 1.0
    line = evidence(values)
    assert (line[:100] < limit(300, 1, 0.01)).all()
    assert (line[-1] >= limit(300, 1, 0.01)).all()


def test_evidence_stops_at_its_ceiling_and_fades_when_health_is_back():
    values = np.concatenate([np.full(50, 3.0), np.zeros(50)])[:, None]
    line = evidence(values, ceiling=5.0)[:, 0]
    assert line.max() <= 5.0
    assert line[-1] < 3.0


def test_recursive_residuals_are_independent_and_standard_normal_from_the_fourth_check_on():
    rng = np.random.default_rng(4)
    scores = rng.normal(7, 3, (40, 20_000))
    values = recursive(scores, np.zeros(40, np.int64), np.ones(40), np.ones((40, 1)))
    assert np.isnan(values[:3]).all()
    assert np.isfinite(values[3:]).all()
    assert values[8].std() == pytest.approx(1, abs=0.03)
    assert abs(np.corrcoef(values[8], values[20])[0, 1]) < 0.03


def test_what_belongs_to_a_fault_is_not_learnt_from():
    scores = np.array([0.0, 0.1, -0.1, 9.0, 9.0, 9.0, 0.0])[:, None]
    learns = np.array([1, 1, 1, 0, 0, 0, 1.0])
    values = recursive(scores, np.zeros(7, np.int64), learns, np.ones((7, 1)))
    assert values[5] == pytest.approx(values[3])
    assert abs(values[6, 0]) < 0.1


def test_a_calm_camera_gets_the_least_limit_and_a_restless_one_a_higher():
    rng = np.random.default_rng(5)
    contexts = np.repeat(np.arange(4), 6)
    calm = rng.normal(0, 0.2, (14, 24, 3))
    restless = calm + rng.normal(0, 0.2, (14, 1, 3))  # whole days differ
    assert calibrated(calm, contexts, 0.01) == 15.0
    assert calibrated(restless, contexts, 0.01) > 17.0
    assert calibrated(restless, contexts, 0.01) == calibrated(restless.copy(), contexts, 0.01)


def test_the_tail_beyond_two_hundred_months_is_that_of_an_exponential():
    most = np.random.default_rng(6).exponential(2.0, 20_000) + 5
    assert tail(most, 0.01) == pytest.approx(5 + 2 * np.log(100), rel=0.03)
    assert tail(np.full(10, 4.0), 0.01) == 4.0
