"""Kolmogorov-Smirnov: the largest gap between two distribution functions, for one number per image."""

import numpy as np
from scipy.stats import kstwo

from tasks.drift.detector import NO_SCORE, Data, Detector, FloatArray, Score, Sessions, usable
from tasks.drift.effect import gap_as_shift, normal_score_shift
from tasks.drift.permutation import gridded_p_value
from tasks.drift.ranks import counted, largest_gap

SEED = 19
LARGE = 50_000
"""Effective size from which the tail has a closed form."""


def score(reference: FloatArray, current: FloatArray, sessions: Sessions | None = None) -> Score:
    """The gap as the normal shift that would open it, its asymptotic p-value, and the signed mean shift.

    Samples are (m,) and (n,). A change of spread alone has a value and no effect. Ties make p too large,
    never too small. Where images depend on each other the p-value is that of whole sessions dealt out anew.
    """
    if not usable(reference, current):
        return NO_SCORE
    bins = counted(reference, current)
    gap = largest_gap(reference, current, bins)
    if sessions is None:
        chance = _chance(gap, len(reference) * len(current) / (len(reference) + len(current)))
    else:
        chance = gridded_p_value(_gap, reference, current, sessions, SEED)
    effect = bins.mean_score() if bins else normal_score_shift(reference, current)
    return Score(value=gap_as_shift(gap), p_value=chance, effect=effect)


def _chance(gap: float, size: float) -> float:
    """How often chance alone opens such a gap, for the effective size mn / (m + n).

    The tail for large samples is Maag and Dicaire's; the exact sum would take a second and differs by less than 1e-7.
    Source: Maag & Dicaire, On Kolmogorov-Smirnov type one-sample statistics, Biometrika 58 (1971).
    """
    if size >= LARGE and size * gap**2 > 2.5:
        return float(2 * np.exp(-((6 * size * gap + 1) ** 2) / (18 * size)))
    return float(kstwo.sf(gap, np.round(size)))


def _gap(before: FloatArray, after: FloatArray) -> FloatArray:
    """Largest difference of two cumulative shares; counts (..., k) twice -> (...)."""
    steps = [np.cumsum(side, axis=-1) / np.maximum(side.sum(axis=-1, keepdims=True), 1) for side in (before, after)]
    gap: FloatArray = np.abs(steps[0] - steps[1]).max(axis=-1)
    return gap


DETECTOR = Detector(
    score=score,
    data=Data.SCALAR,
    unit="sd",
    limit=0.25,
    min_n=25,
    source="Smirnov (1948); effect in normal scores after van der Waerden (1952)",
)
