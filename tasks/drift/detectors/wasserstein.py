"""Earth mover's distance in standard deviations of the reference, with a permutation test, for one number per image."""

import numpy as np
from numpy.typing import NDArray

from tasks.drift.detector import NO_SCORE, Data, Detector, FloatArray, Labels, Score, Sessions, usable
from tasks.drift.effect import normal_score_shift
from tasks.drift.permutation import kept, p_value, split_of

MOST = 1_000
"""Images of a sample that take part; of more, a fixed random choice (of whole sessions) does."""
SEED = 20


def score(reference: FloatArray, current: FloatArray, sessions: Sessions | None = None) -> Score:
    """The distance divided by the reference's standard deviation, and how often a random split is as far apart.

    Samples are (m,) and (n,). Where the reference is constant, the pooled deviation is used; where both are the
    same constant the distance is 0. Fixed seed; the order of the images is of no importance.
    """
    if not usable(reference, current):
        return NO_SCORE
    before, first = _thinned(reference, sessions.reference if sessions else None)
    after, second = _thinned(current, sessions.current if sessions else None)
    pooled = np.concatenate([before, after])
    scale = float(before.std()) or float(pooled.std())
    if scale == 0:
        return Score(value=0.0, p_value=1.0, effect=0.0)
    order = np.argsort(pooled, kind="stable")
    gaps = np.diff(pooled[order]) / scale
    observed = float(_distances((order < len(before))[None, :], gaps)[0])
    split = split_of(len(before), len(after), Sessions(reference=first, current=second) if sessions else None)
    chance = p_value(lambda member: _distances(member[:, order], gaps), split, observed, SEED)
    return Score(value=observed, p_value=chance, effect=normal_score_shift(reference, current))


def _thinned(values: FloatArray, labels: Labels | None) -> tuple[FloatArray, Labels]:
    """The values and their sessions in an order of their own; without labels every value is a session."""
    order = np.lexsort((values,) if labels is None else (labels, values))
    owner = np.arange(len(values)) if labels is None else labels[order]
    rows = kept(owner, MOST, SEED)
    return values[order][rows], owner[rows]


def _distances(is_before: NDArray[np.bool_], gaps: FloatArray) -> FloatArray:
    """Area between two empirical distribution functions for every row of memberships, (p, m + n) -> (p,)."""
    first = np.cumsum(is_before, axis=1)[:, :-1] / is_before.sum(axis=1, keepdims=True)
    second = np.cumsum(~is_before, axis=1)[:, :-1] / (~is_before).sum(axis=1, keepdims=True)
    areas: FloatArray = np.abs(first - second) @ gaps
    return areas


DETECTOR = Detector(
    score=score,
    data=Data.SCALAR,
    unit="sd",
    limit=0.25,
    min_n=25,
    source="Ramdas, Garcia & Cuturi, On Wasserstein two-sample testing, Entropy 19 (2017)",
)
