"""Effect sizes and the detectors' numbers against scipy and brute force."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from tasks.drift import points
from tasks.drift.detectors import ks, mmd, wasserstein
from tasks.drift.effect import describe, gap_as_shift, normal_score_shift, rate_difference
from tasks.drift.judging import holm


def test_a_normal_shift_is_read_back_in_standard_deviations():
    rng = np.random.default_rng(0)
    reference, current = rng.standard_normal(50_000), rng.standard_normal(50_000) + 0.25
    assert normal_score_shift(reference, current) == pytest.approx(0.25, abs=0.02)


def test_the_shift_does_not_care_about_the_scale_or_a_monotone_change():
    rng = np.random.default_rng(1)
    reference, current = rng.standard_normal(300), rng.standard_normal(80) + 0.5
    assert normal_score_shift(np.exp(reference), np.exp(current)) == pytest.approx(
        normal_score_shift(reference, current)
    )


def test_mid_ranks_equal_scipys_percentile():
    rng = np.random.default_rng(2)
    reference, current = rng.integers(0, 9, 101).astype(float), rng.integers(0, 9, 40).astype(float)
    shares = np.clip([stats.percentileofscore(reference, x, "mean") / 100 for x in current], 0.5 / 101, 1 - 0.5 / 101)
    assert normal_score_shift(reference, current) == pytest.approx(stats.norm.ppf(shares).mean())


def test_the_gap_of_a_shifted_normal_is_that_shift():
    gap = stats.norm.cdf(0.4) - stats.norm.cdf(-0.4)
    assert gap_as_shift(gap) == pytest.approx(0.8)
    assert gap_as_shift(0) == 0


def test_rates_differ_with_a_sign():
    assert rate_difference(0.1, 0.4) == pytest.approx(-rate_difference(0.4, 0.1))


def test_a_change_of_spread_alone_is_seen_without_a_direction():
    rng = np.random.default_rng(3)
    score = ks.score(rng.standard_normal(2_000), 4 * rng.standard_normal(2_000))
    assert score.value > 0.5
    assert abs(score.effect) < 0.2


def test_holm_equals_its_definition():
    p_values = [0.01, 0.04, 0.03, 0.005, 0.6]
    order = np.argsort(p_values)
    expected = [0.0] * 5
    highest = 0.0
    for step, place in enumerate(order):
        highest = max(highest, min(1.0, (5 - step) * p_values[place]))
        expected[place] = highest
    assert holm(p_values) == pytest.approx(expected)


def test_a_missing_p_value_does_not_count_in_the_family():
    assert holm([0.01, float("nan"), 0.02])[0] == pytest.approx(0.02)
    assert np.isnan(holm([0.01, float("nan")])[1])


def test_earth_movers_distance_equals_scipys():
    rng = np.random.default_rng(4)
    reference, current = rng.standard_normal(90), rng.standard_normal(70) * 2 + 1
    expected = stats.wasserstein_distance(reference, current) / reference.std()
    assert wasserstein.score(reference, current).value == pytest.approx(expected)


def test_the_discrepancy_equals_a_double_loop():
    rows = np.random.default_rng(5).standard_normal((14, 3))
    gram = mmd._gram(rows)
    squared = [[float(((a - b) ** 2).sum()) for b in rows] for a in rows]
    median = np.median([squared[i][j] for i in range(14) for j in range(i)])
    kernel = [[np.mean([np.exp(-s / (b * median)) for b in (0.25, 1, 4)]) for s in row] for row in squared]
    first, second = range(6), range(6, 14)
    within = [np.mean([kernel[i][j] for i in group for j in group if i != j]) for group in (list(first), list(second))]
    across = np.mean([kernel[i][j] for i in first for j in second])
    member = (np.arange(14) < 6)[None, :]
    assert points.discrepancies(gram, member)[0] == pytest.approx(within[0] + within[1] - 2 * across)


def test_the_projection_never_sees_the_images_it_is_tested_on():
    sample = np.random.default_rng(6).standard_normal((41, 5))
    fitted, held_out = [half for half, _ in points.halves(sample, np.arange(41))]
    assert len(fitted) + len(held_out) == 41
    assert not {tuple(row) for row in fitted} & {tuple(row) for row in held_out}


def test_a_change_of_a_logarithm_is_told_without_its_own_values():
    assert describe("relative_contrast", -0.486, -1.25) == "fell 53 %"
    assert describe("brightness", 78.1, 170.0) == "rose 118 % (78.1 → 170)"
