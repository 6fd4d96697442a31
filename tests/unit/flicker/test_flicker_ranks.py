"""The chance of ranks is counted, not approximated: most sessions have no object that flickers at all."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from scipy.stats import mannwhitneyu, rankdata

from tasks.flicker.ranks import chance_of_more


@pytest.mark.parametrize(
    ("seen", "known"),
    [((0.2, 0.4, 0.1), (0.0, 0.0, 0.0, 0.2, 0.0)), ((0.0, 0.0), (0.1, 0.0, 0.3)), ((0.5, 0.5), (0.5, 0.5, 0.5))],
)
def test_it_is_the_share_of_all_choices_that_rank_as_high(seen, known):
    ranks = rankdata([*seen, *known])
    sums = [sum(ranks[list(chosen)]) for chosen in combinations(range(len(ranks)), len(seen))]
    assert chance_of_more(seen, known) == pytest.approx(np.mean(np.array(sums) >= ranks[: len(seen)].sum() - 1e-9))


def test_without_equal_rates_it_is_the_exact_test_of_mann_and_whitney():
    rates = np.random.default_rng(1).random(30)
    exact = mannwhitneyu(rates[:9], rates[9:], alternative="greater", method="exact").pvalue
    assert chance_of_more(rates[:9].tolist(), rates[9:].tolist()) == pytest.approx(float(exact))


def test_of_rare_flicker_it_is_less_sure_than_the_normal_tail():
    seen = [0.0] * 3 + [0.1, 0.2, 0.2, 0.1, 0.2, 0.15, 0.2]
    known = [0.0] * 46 + [0.1] * 8 + [0.09, 0.11, 0.12, 0.14, 0.2, 0.2]
    normal = float(mannwhitneyu(seen, known, alternative="greater").pvalue)
    assert normal < 1 / 3_000 < chance_of_more(seen, known)


def test_many_sessions_on_both_sides_are_near_enough_to_the_normal_tail():
    rates = np.random.default_rng(2).random(700).round(2)
    normal = mannwhitneyu(rates[:300], rates[300:], alternative="greater").pvalue
    assert chance_of_more(rates[:300].tolist(), rates[300:].tolist()) == pytest.approx(float(normal))
