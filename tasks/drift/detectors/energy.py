"""Energy distance with a permutation test, for one vector per image: no bandwidth to choose, and none to tune."""

import numpy as np

from tasks.drift.detector import NO_SCORE, Data, Detector, FloatArray, Score, Sessions, usable
from tasks.drift.permutation import p_value
from tasks.drift.points import discrepancies, first_of, points, squared_distances

SEED = 37


def score(reference: FloatArray, current: FloatArray, sessions: Sessions | None = None) -> Score:
    """The root of the energy distance relative to the reference's own mean distance (>= 0), and its p-value.

    Samples are (m, d) and (n, d); one half of the reference fits the view, the other is tested. A shift by a
    of every component adds about a squared. No direction exists, so `effect` is nan.
    """
    if not usable(reference, current) or len(reference) < 4 or len(current) < 2 or not reference.shape[1]:
        return NO_SCORE
    found = points(reference, current, sessions)
    closeness = negative_distances(found.rows)
    scatter = -float(closeness[: found.size, : found.size].sum()) / (found.size * (found.size - 1))
    if not closeness.any():
        return Score(value=0.0, p_value=1.0)
    observed = float(discrepancies(closeness, first_of(found))[0])
    value = float(np.sqrt(max(0.0, observed) / max(scatter, 1e-12)))
    return Score(value=value, p_value=p_value(lambda m: discrepancies(closeness, m), found.split, observed, SEED))


def negative_distances(rows: FloatArray) -> FloatArray:
    """A kernel whose discrepancy is the energy distance: minus the distance of every two rows, (n, n)."""
    distances = np.sqrt(squared_distances(rows))
    np.fill_diagonal(distances, 0)
    return -distances


DETECTOR = Detector(
    score=score,
    data=Data.VECTOR,
    unit="share of spread",
    limit=0.1,
    min_n=25,
    source="Székely & Rizzo, Energy statistics, J. Statistical Planning and Inference 143 (2013)",
)
