"""Jensen-Shannon distance of two histograms with its noise taken off, for one number per image."""

import numpy as np

from tasks.drift.bins import binned, p_value, shares
from tasks.drift.detector import NO_SCORE, Data, Detector, FloatArray, Score, Sessions, usable
from tasks.drift.effect import normal_score_shift

PER_DEGREE = 1 / (8 * np.log(2))
"""The divergence in bits is this times a chi-square over mn / (m + n), to second order."""


def score(reference: FloatArray, current: FloatArray, sessions: Sessions | None = None) -> Score:
    """The square root of the divergence in bits above what chance alone gives (0..1), and its p-value.

    Samples are (m,) and (n,), in the bins that the reference's quantiles cut.
    """
    if not usable(reference, current):
        return NO_SCORE
    pair = binned(reference, current)
    if pair.degrees == 0:
        return Score(value=0.0, p_value=1.0, effect=0.0)
    beyond = float(divergence(*pair.counts())) - PER_DEGREE * pair.degrees * pair.noise
    return Score(
        value=float(np.sqrt(max(0.0, beyond))),
        p_value=p_value(divergence, 1 / PER_DEGREE, pair, sessions),
        effect=normal_score_shift(reference, current),
    )


def divergence(before: FloatArray, after: FloatArray) -> FloatArray:
    """Mean divergence of two histograms from their mixture, in bits; counts (..., k) twice -> (...)."""
    p, q = shares(before), shares(after)
    middle = (p + q) / 2
    bits: FloatArray = (p * np.log2(p / middle) + q * np.log2(q / middle)).sum(axis=-1) / 2
    return bits


DETECTOR = Detector(
    score=score,
    data=Data.SCALAR,
    unit="sqrt bit",
    limit=0.1,
    min_n=25,
    source="Lin, Divergence measures based on the Shannon entropy, IEEE Trans. Information Theory 37 (1991)",
)
