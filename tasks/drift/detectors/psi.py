"""Population stability index over quantile bins, with its noise taken off and a p-value, for one number per image.

The usual index with a tiny floor in empty bins alarms on most samples of healthy data; here bins are few enough to
be filled, counts are smoothed, and what chance alone gives is subtracted.
"""

import numpy as np

from tasks.drift.bins import binned, p_value, shares
from tasks.drift.detector import NO_SCORE, Data, Detector, FloatArray, Score, Sessions, usable
from tasks.drift.effect import normal_score_shift


def score(reference: FloatArray, current: FloatArray, sessions: Sessions | None = None) -> Score:
    """The index above its expectation under no change (>= 0), and its p-value from the chi-square limit.

    Samples are (m,) and (n,). With k bins the index times mn / (m + n) tends to chi-square with k - 1 degrees.
    """
    if not usable(reference, current):
        return NO_SCORE
    pair = binned(reference, current)
    if pair.degrees == 0:
        return Score(value=0.0, p_value=1.0, effect=0.0)
    return Score(
        value=max(0.0, float(_index(*pair.counts())) - pair.degrees * pair.noise),
        p_value=p_value(_index, 1.0, pair, sessions),
        effect=normal_score_shift(reference, current),
    )


def _index(before: FloatArray, after: FloatArray) -> FloatArray:
    """Counts (..., k) twice -> (...)."""
    p, q = shares(before), shares(after)
    index: FloatArray = ((q - p) * np.log(q / p)).sum(axis=-1)
    return index


DETECTOR = Detector(
    score=score,
    data=Data.SCALAR,
    unit="PSI",
    limit=0.1,
    min_n=25,
    source="Yurdakul & Naranjo, Statistical properties of the PSI, Journal of Risk Model Validation (2020)",
)
