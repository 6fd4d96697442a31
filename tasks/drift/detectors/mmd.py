"""Maximum mean discrepancy with a permutation test, for one vector per image (the model's own embedding)."""

import numpy as np

from tasks.drift.detector import NO_SCORE, Data, Detector, FloatArray, Score, Sessions, usable
from tasks.drift.permutation import p_value
from tasks.drift.points import discrepancies, first_of, points, squared_distances

BANDWIDTHS = (0.25, 1.0, 4.0)
"""Multiples of the median squared distance."""
SEED = 7


def score(reference: FloatArray, current: FloatArray, sessions: Sessions | None = None) -> Score:
    """The distance of the kernel means in units of the reference's own spread there, and its permutation p-value.

    Samples are (m, d) and (n, d); one half of the reference fits the view, the other is tested. No direction
    exists, so `effect` is nan. Fixed seed; the order of the images is of no importance.
    """
    if not usable(reference, current) or len(reference) < 4 or len(current) < 2 or not reference.shape[1]:
        return NO_SCORE
    found = points(reference, current, sessions)
    gram = _gram(found.rows)
    if gram is None:
        return Score(value=0.0, p_value=1.0)
    observed = float(discrepancies(gram, first_of(found))[0])
    scatter = 1 - _within(gram[: found.size, : found.size])
    value = float(np.sqrt(max(0.0, observed) / max(scatter, 1e-12)))
    chance = p_value(lambda member: discrepancies(gram, member), found.split, observed, SEED)
    return Score(value=value, p_value=chance)


def _gram(rows: FloatArray) -> FloatArray | None:
    """Mean of Gaussian kernels over the bandwidths, (n, n) with a zero diagonal; None when all points coincide."""
    distances = squared_distances(rows)
    median = float(np.median(distances[np.triu_indices(len(rows), 1)]))
    median = median or float(distances.mean())
    if median <= 1e-18:
        return None
    gram: FloatArray = sum((np.exp(-distances / (b * median)) for b in BANDWIDTHS), np.zeros_like(distances))
    gram /= len(BANDWIDTHS)
    np.fill_diagonal(gram, 0)
    return gram


def _within(gram: FloatArray) -> float:
    return float(gram.sum() / (len(gram) * (len(gram) - 1)))


DETECTOR = Detector(
    score=score,
    data=Data.VECTOR,
    unit="kernel sd",
    limit=0.1,
    min_n=25,
    source="Gretton et al., A kernel two-sample test, JMLR 13 (2012)",
)
