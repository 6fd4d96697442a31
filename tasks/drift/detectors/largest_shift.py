"""The largest shift of any one number among many per image, with a permutation test: finds what stays in its place.

A fault of a fixed place is plain in few numbers of many. Distances between whole vectors bury it among the others;
the largest of all standardised shifts does not, and dealing the images out anew says how large chance alone makes it.
"""

import numpy as np
from numpy.typing import NDArray

from tasks.drift.detector import NO_SCORE, Data, Detector, FloatArray, Score, Sessions, usable
from tasks.drift.permutation import kept, p_value, split_of
from tasks.drift.points import MOST, Side, canonical

LEAST_SPREAD = 1.0
"""Added to the spread of every number: one that hardly varies is not taken to be more precise than that."""
SEED = 11


def score(reference: FloatArray, current: FloatArray, sessions: Sessions | None = None) -> Score:
    """The largest shift in standard deviations (of images, in quadrature with 1), and its permutation p-value.

    Samples are (m, d) and (n, d), in units of which one is the least spread that matters. Of either side at most 500
    images take part. No direction exists, so `effect` is nan. The order of the images is of no importance.
    """
    if not usable(reference, current) or not reference.shape[1]:
        return NO_SCORE
    before = _thinned(canonical(reference, sessions.reference if sessions else None))
    after = _thinned(canonical(current, sessions.current if sessions else None))
    rows = np.vstack([before[0], after[0]])
    spread = np.hypot(rows.std(axis=0), LEAST_SPREAD)
    shifts = np.abs(after[0].mean(axis=0) - before[0].mean(axis=0)) / spread
    scaled = ((rows - rows.mean(axis=0)) / spread).astype(np.float32)
    dealt = Sessions(reference=before[1], current=after[1]) if sessions else None
    split = split_of(len(before[0]), len(after[0]), dealt)
    real = (np.arange(len(rows)) < len(before[0]))[None, :]
    chance = p_value(lambda member: largest(scaled, member), split, float(largest(scaled, real)[0]), SEED)
    return Score(value=float(shifts.max()), p_value=chance)


def largest(scaled: NDArray[np.float32], member: NDArray[np.bool_]) -> FloatArray:
    """The largest distance of two groups' means, in the deviation that chance gives it, for each row of memberships.

    `scaled` (n, d) has mean 0 in every column; memberships (p, n) -> (p,).
    """
    size = member.sum(axis=1).astype(np.float64)
    sums = member.astype(np.float32) @ scaled
    found: FloatArray = np.abs(sums).max(axis=1) / np.sqrt(size * (1 - size / len(scaled)))
    return found


def _thinned(side: Side) -> Side:
    rows = kept(side[1], MOST, SEED)
    return side[0][rows], side[1][rows]


DETECTOR = Detector(
    score=score,
    data=Data.VECTOR,
    unit="sd",
    limit=0.4,
    min_n=25,
    source="Westfall & Young, Resampling-Based Multiple Testing (1993): the largest of many statistics by permutation",
)
