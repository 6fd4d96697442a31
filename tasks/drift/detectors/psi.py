"""Population stability index over quantile bins, with its noise taken off and a p-value, for one number per image.

The usual index with a tiny floor in empty bins alarms on most samples of healthy data; here bins are few enough to
be filled, counts are smoothed, and what chance alone gives is subtracted.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from tasks.drift.detector import NO_SCORE, Data, Detector, FloatArray, Score, usable
from tasks.drift.effect import normal_score_shift

MAX_BINS = 10
PER_BIN = 10
"""Images of the smaller sample that a bin holds on average."""


def score(reference: FloatArray, current: FloatArray) -> Score:
    """The index above its expectation under no change (>= 0), and its p-value from the chi-square limit.

    Samples are (m,) and (n,). With k bins the index times mn / (m + n) tends to chi-square with k - 1 degrees.
    """
    if not usable(reference, current):
        return NO_SCORE
    bins = int(np.clip(min(len(reference), len(current)) // PER_BIN, 2, MAX_BINS))
    before, after = _counts(reference, current, bins)
    degrees = len(before) - 1
    if degrees == 0:
        return Score(value=0.0, p_value=1.0, effect=0.0)
    p, q = (before + 0.5) / (before + 0.5).sum(), (after + 0.5) / (after + 0.5).sum()
    index = float(((q - p) * np.log(q / p)).sum())
    noise = 1 / len(reference) + 1 / len(current)
    return Score(
        value=max(0.0, index - degrees * noise),
        p_value=float(chi2.sf(index / noise, degrees)),
        effect=normal_score_shift(reference, current),
    )


def _counts(reference: FloatArray, current: FloatArray, bins: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Counts in the bins that the reference's quantiles cut; bins that are empty on both sides are left out.

    When values repeat so often that quantiles coincide, a repeated value is a bin of its own.
    """
    quantiles = np.quantile(reference, np.linspace(0, 1, bins + 1)[1:-1])
    edges = np.unique(quantiles)
    tied = len(edges) < len(quantiles) or len(np.unique(reference)) <= bins

    def place(values: FloatArray) -> NDArray[np.intp]:
        left = np.searchsorted(edges, values, side="left")
        return left + np.searchsorted(edges, values, side="right") if tied else left

    size = 2 * len(edges) + 1
    before, after = (np.bincount(place(values), minlength=size).astype(float) for values in (reference, current))
    filled = (before + after) > 0
    return before[filled], after[filled]


DETECTOR = Detector(
    score=score,
    data=Data.SCALAR,
    unit="PSI",
    limit=0.1,
    min_n=25,
    source="Yurdakul & Naranjo, Statistical properties of the PSI, Journal of Risk Model Validation (2020)",
)
