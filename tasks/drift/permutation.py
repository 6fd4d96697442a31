"""How often a random split of the pooled images is as far apart as the real one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.stats import pearson3, skew

from tasks.drift.detector import FloatArray

PERMUTATIONS = 499
LEAST_SKEW = 0.2
"""A tail is never taken to be lighter than this: splits of samples are skewed to the right."""

Statistics = Callable[[NDArray[np.bool_]], FloatArray]
"""One number for every row of memberships (p, total): True marks the first sample."""


def p_value(statistics: Statistics, size: int, total: int, observed: float, seed: int) -> float:
    """Share of 499 random splits into `size` and the rest that reach `observed`, the real one counted; never 0.

    Counting cannot say less than 1 in 500. Where no split comes near, the tail of a Pearson type III curve
    with the mean, deviation and skewness of the 499 says how far beyond them the observed value lies; many
    cameras tested at once need such small p-values. Sources: Gretton et al., A fast, consistent kernel
    two-sample test, NIPS 2009 (the curve); Knijnenburg et al., Fewer permutations, more accurate P-values,
    Bioinformatics 25 (2009) (a fitted tail beyond the counted ones).
    """
    member = np.repeat((np.arange(total) < size)[None, :], PERMUTATIONS, axis=0)
    chance = statistics(np.random.default_rng(seed).permuted(member, axis=1))
    counted = (1 + int((chance >= observed - 1e-12).sum())) / (1 + PERMUTATIONS)
    spread = float(chance.std())
    if counted > 1 / (1 + PERMUTATIONS) or spread == 0:
        return counted
    beyond = (observed - float(chance.mean())) / spread
    return float(np.clip(pearson3.sf(beyond, max(float(skew(chance)), LEAST_SKEW)), 1e-12, counted))
