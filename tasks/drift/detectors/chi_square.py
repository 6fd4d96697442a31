"""Chi-square of the class mix with images, not boxes, dealt out anew, for counts of each class per image.

Boxes of one image depend on each other: a crowd of one class is one event, and the textbook test would count it as
many. Images (or whole sessions) are permuted, which is what a design effect would only approximate.
"""

import numpy as np

from tasks.drift.detector import NO_SCORE, Data, Detector, FloatArray, Labels, Score, Sessions, usable
from tasks.drift.permutation import chance_of, kept, share_beyond, split_of
from tasks.drift.points import canonical

MOST = 2_000
"""Images of a sample that take part; of more, a fixed random choice of sessions does."""
SEED = 23


def score(reference: FloatArray, current: FloatArray, sessions: Sessions | None = None) -> Score:
    """Cohen's w of the two mixes above what chance alone gives, and the permutation p-value of Pearson's statistic.

    Samples are (m, k) and (n, k) counts >= 0. Two samples without a single object, or with objects of one class
    only, have the same mix; when only one side has objects there is no score.
    """
    if not usable(reference, current) or bool(reference.sum()) != bool(current.sum()):
        return NO_SCORE
    before, after, labels = _thinned(reference, current, sessions)
    counts = np.vstack([before, after])
    counts = counts[:, counts.sum(axis=0) > 0]
    if counts.shape[1] < 2:
        return Score(value=0.0, p_value=1.0)
    observed = float(pearson(counts[: len(before)].sum(axis=0), counts[len(before) :].sum(axis=0)))
    chance = chance_of(pearson, counts, split_of(len(before), len(after), labels), SEED)
    size = _per_statistic(counts[: len(before)].sum(), counts[len(before) :].sum())
    value = np.sqrt(max(0.0, observed - float(chance.mean())) * size)
    return Score(value=float(value), p_value=share_beyond(chance, observed))


def pearson(before: FloatArray, after: FloatArray) -> FloatArray:
    """Pearson's statistic of homogeneity; counts (..., k) twice -> (...), 0 where one side has no object."""
    total = before + after
    m, n = before.sum(axis=-1, keepdims=True), after.sum(axis=-1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        terms = (before * np.sqrt(n / m) - after * np.sqrt(m / n)) ** 2 / total
    statistic: FloatArray = np.nan_to_num(terms, posinf=0.0).sum(axis=-1)
    return statistic


def _per_statistic(boxes_before: float, boxes_after: float) -> float:
    """Turns the statistic into the squared difference of shares relative to the pooled share, summed over classes."""
    return float(1 / boxes_before + 1 / boxes_after) if boxes_before and boxes_after else 0.0


def _thinned(
    reference: FloatArray, current: FloatArray, sessions: Sessions | None
) -> tuple[FloatArray, FloatArray, Sessions | None]:
    """Both samples in an order of their own, so that the order they came in does not matter, at most 2,000 each."""
    before, first = _some(*canonical(reference, sessions.reference if sessions else None))
    after, second = _some(*canonical(current, sessions.current if sessions else None))
    return before, after, Sessions(reference=first, current=second) if sessions else None


def _some(rows: FloatArray, owner: Labels) -> tuple[FloatArray, Labels]:
    places = kept(owner, MOST, SEED)
    return rows[places], owner[places]


DETECTOR = Detector(
    score=score,
    data=Data.COUNTS,
    unit="Cohen's w",
    limit=0.25,
    min_n=25,
    source="Pearson (1900); clustered by image after Rao & Scott, JASA 76 (1981); w after Cohen (1988)",
)
