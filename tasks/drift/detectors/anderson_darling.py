"""Anderson-Darling: all gaps between two distribution functions, the tails weighted up, for one number per image.

It sees a small shift of a whole distribution with fewer images than the largest gap alone (`ks`) does.
"""

import math

import numpy as np

from tasks.drift.detector import NO_SCORE, Data, Detector, FloatArray, Score, Sessions, usable
from tasks.drift.effect import gap_as_shift, normal_score_shift
from tasks.drift.permutation import gridded_p_value
from tasks.drift.ranks import counted, largest_gap

SEED = 43
TAIL = 5.0
"""Statistic from which the tail has a closed form to better than 1 %."""


def score(reference: FloatArray, current: FloatArray, sessions: Sessions | None = None) -> Score:
    """The largest gap as the normal shift that would open it, the p-value of all gaps, and the signed mean shift.

    Samples are (m,) and (n,). A change of spread alone has a value and no effect. Ties make p too large, never too
    small. Where images depend on each other the p-value is that of whole sessions dealt out anew.
    """
    if not usable(reference, current):
        return NO_SCORE
    bins = counted(reference, current)
    gap = largest_gap(reference, current, bins)
    if sessions is not None:
        chance = gridded_p_value(statistic, reference, current, sessions, SEED)
    else:
        before, after = bins.counts if bins else _counts(reference, current)
        chance = beyond(float(statistic(before.astype(np.float64), after.astype(np.float64))))
    effect = bins.mean_score() if bins else normal_score_shift(reference, current)
    return Score(value=gap_as_shift(gap), p_value=chance, effect=effect)


def statistic(before: FloatArray, after: FloatArray) -> FloatArray:
    """The squared gaps after each place, weighted by 1 / F (1 - F); counts in order (..., k) twice -> (...)."""
    both = before + after
    m, n = before.sum(axis=-1, keepdims=True), after.sum(axis=-1, keepdims=True)
    first, passed = np.cumsum(before, axis=-1), np.cumsum(both, axis=-1)
    variance = passed * (m + n - passed)
    terms = both * ((m + n) * first - m * passed) ** 2 / np.where(variance > 0, variance, 1)
    squares: FloatArray = (np.where(variance > 0, terms, 0) / (m * n)).sum(axis=-1)
    return squares


def beyond(value: float) -> float:
    """How often chance alone gives more than this, in the limit of large samples, 0..1.

    Source: Marsaglia & Marsaglia, Evaluating the Anderson-Darling distribution, J. Statistical Software 9 (2004);
    the tail is that of its largest component: half a chi-square with one degree, times the root of 3.
    """
    z = value
    if z <= 0:
        return 1.0
    if z >= TAIL:
        return math.sqrt(3) * math.erfc(math.sqrt(z)) * (1 + 0.25 / z)
    if z < 2:
        inner = 2.00012 + (0.247105 - (0.0649821 - (0.0347962 - (0.011672 - 0.00168691 * z) * z) * z) * z) * z
        return 1 - math.exp(-1.2337141 / z) / math.sqrt(z) * inner
    inner = 1.0776 - (2.30695 - (0.43424 - (0.082433 - (0.008056 - 0.0003146 * z) * z) * z) * z) * z
    return -math.expm1(-math.exp(inner))


def _counts(reference: FloatArray, current: FloatArray) -> tuple[FloatArray, FloatArray]:
    """How often each distinct value occurs on either side, in order of the values."""
    values, place = np.unique(np.concatenate([reference, current]), return_inverse=True)
    before, after = place[: len(reference)], place[len(reference) :]
    first, second = (np.bincount(side, minlength=len(values)).astype(np.float64) for side in (before, after))
    return first, second


DETECTOR = Detector(
    score=score,
    data=Data.SCALAR,
    unit="sd",
    limit=0.25,
    min_n=25,
    source="Scholz & Stephens, K-sample Anderson-Darling tests, JASA 82 (1987)",
)
