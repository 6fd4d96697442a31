"""Hellinger distance of two histograms with its noise taken off, for one number per image."""

import numpy as np

from tasks.drift.bins import binned, p_value, shares
from tasks.drift.detector import NO_SCORE, Data, Detector, FloatArray, Score, Sessions, usable
from tasks.drift.effect import normal_score_shift


def score(reference: FloatArray, current: FloatArray, sessions: Sessions | None = None) -> Score:
    """The distance (0..1) above what chance alone gives, and its p-value.

    Samples are (m,) and (n,), in the bins that the reference's quantiles cut. Eight times the squared distance
    over 1/m + 1/n tends to chi-square with one degree less than there are bins.
    """
    if not usable(reference, current):
        return NO_SCORE
    pair = binned(reference, current)
    if pair.degrees == 0:
        return Score(value=0.0, p_value=1.0, effect=0.0)
    beyond = float(squared(*pair.counts())) - pair.degrees * pair.noise / 8
    return Score(
        value=float(np.sqrt(max(0.0, beyond))),
        p_value=p_value(squared, 8.0, pair, sessions),
        effect=normal_score_shift(reference, current),
    )


def squared(before: FloatArray, after: FloatArray) -> FloatArray:
    """Half the squared distance of the roots of the shares; counts (..., k) twice -> (...)."""
    halves: FloatArray = ((np.sqrt(shares(before)) - np.sqrt(shares(after))) ** 2).sum(axis=-1) / 2
    return halves


DETECTOR = Detector(
    score=score,
    data=Data.SCALAR,
    unit="Hellinger",
    limit=0.08,
    min_n=25,
    source="Hellinger (1909); limit law after Simpson, Hellinger deviance tests, JASA 84 (1989)",
)
