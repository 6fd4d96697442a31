"""A classifier that tries to tell reference and window apart; where it can, its features say what moved.

As an alarm it is no stronger than the permutation tests and it has to be trained; its use is after an alarm, when
`importances` ranks the numbers that gave the window away.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import mannwhitneyu, rankdata
from sklearn.linear_model import LogisticRegression

from tasks.drift.detector import NO_SCORE, Data, Detector, FloatArray, Importance, Labels, Score, Sessions, usable
from tasks.drift.permutation import kept, p_value, split_of
from tasks.drift.points import canonical, halves, projected

MOST = 2_000
"""Images of a sample that take part; of more, a fixed random choice of sessions does."""
SHUFFLES = 5
SEED = 41
STRENGTH = 0.1
"""Inverse of the penalty: few images and many numbers must not be learnt by heart."""
MAD_TO_SD = 1.4826
"""Standard deviations of a normal distribution per median absolute deviation."""
FAR = 5.0
"""Standard deviations beyond which a number says nothing more: one outlier must not rule the fit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """The fitted classifier and the held-out rows that it never saw, of which the first `size` are the reference's."""

    model: LogisticRegression
    rows: FloatArray
    size: int
    sessions: Sessions

    def scores(self, rows: FloatArray) -> FloatArray:
        """How much each row looks like the window, (n,)."""
        found: FloatArray = self.model.decision_function(_features(rows))
        return found

    def area(self, scores: FloatArray) -> float:
        """Chance that a held-out image of the window scores higher than one of the reference, 0..1."""
        rest = len(scores) - self.size
        ranks = float(rankdata(scores)[self.size :].sum())
        return (ranks - rest * (rest + 1) / 2) / (self.size * rest)


def score(reference: FloatArray, current: FloatArray, sessions: Sessions | None = None) -> Score:
    """2 AUC - 1 on held-out images (0..1, 0 when it is below chance), and the p-value of their ranks.

    Samples are (m, d) and (n, d). One half of the sessions of either side fits the view and the classifier, the
    other half is scored. No direction exists, so `effect` is nan.
    """
    if not usable(reference, current) or min(len(reference), len(current)) < 4 or not reference.shape[1]:
        return NO_SCORE
    told = _told(reference, current, sessions, view=True)
    scores = told.scores(told.rows)
    if float(np.ptp(scores)) <= 1e-12:
        return Score(value=0.0, p_value=1.0)
    return Score(value=max(0.0, 2 * told.area(scores) - 1), p_value=_chance(told, scores, sessions is not None))


def importances(
    reference: FloatArray, current: FloatArray, names: Sequence[str], sessions: Sessions | None = None
) -> tuple[Importance, ...]:
    """What each column adds to telling held-out images apart, largest first; () when they cannot be told apart.

    Samples are (m, d) and (n, d) without nan, `names` (d,). A column's part is the fall of 2 AUC - 1 when its
    values are dealt out anew among the held-out images. Source: Breiman, Random forests, Machine Learning 45 (2001).
    """
    if not usable(reference, current) or min(len(reference), len(current)) < 4:
        return ()
    told = _told(reference, current, sessions, view=False)
    whole = told.area(told.scores(told.rows))
    if whole <= 0.5:
        return ()
    falls = [2 * (whole - _without(told, column)) for column in range(len(names))]
    found = [Importance(name=name, fall=fall) for name, fall in zip(names, falls, strict=True) if fall > 0]
    return tuple(sorted(found, key=lambda one: (-one.fall, one.name)))


def _told(reference: FloatArray, current: FloatArray, sessions: Sessions | None, *, view: bool) -> _Told:
    parts = [
        halves(*_thinned(sample, labels))
        for sample, labels in (
            (reference, sessions.reference if sessions else None),
            (current, sessions.current if sessions else None),
        )
    ]
    ((fit_before, _), (before, first)), ((fit_after, _), (after, second)) = parts
    pooled = np.vstack([fit_before, fit_after])
    fitted = [projected(fit_before, rows) if view else rows for rows in (pooled, before, after)]
    centre, scale = _standard(fitted[0])
    learnt, before, after = ((rows - centre) / scale for rows in fitted)
    truth = np.arange(len(learnt)) >= len(fit_before)
    model = LogisticRegression(C=STRENGTH, class_weight="balanced", max_iter=500).fit(_features(learnt), truth)
    held_out = Sessions(reference=first, current=second)
    return _Told(model=model, rows=np.vstack([before, after]), size=len(before), sessions=held_out)


def _standard(rows: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Middle and spread of each column: its median, and its median distance to it as a standard deviation.

    Mean and deviation follow a single outlier so far that all other images look alike. Where more than half of a
    column is one value its deviation counts; 1 where it is constant. Source: Huber, Robust Statistics (1981).
    """
    centre = np.median(rows, axis=0)
    distance, deviation = MAD_TO_SD * np.median(np.abs(rows - centre), axis=0), rows.std(axis=0)
    least = 1e-9 * (1 + np.abs(centre))
    return centre, np.where(distance > least, distance, np.where(deviation > least, deviation, 1.0))


def _features(rows: FloatArray) -> FloatArray:
    """The standardised numbers and their squares: a change of spread alone is told apart too."""
    near = np.clip(rows, -FAR, FAR)
    return np.hstack([near, near**2])


def _thinned(sample: FloatArray, labels: Labels | None) -> tuple[FloatArray, Labels]:
    rows, owner = canonical(sample, labels)
    places = kept(owner, MOST, SEED)
    return rows[places], owner[places]


def _chance(told: _Told, scores: FloatArray, whole_sessions: bool) -> float:
    before, after = scores[: told.size], scores[told.size :]
    if not whole_sessions:
        return float(mannwhitneyu(after, before, alternative="greater", method="asymptotic").pvalue)
    ranks = rankdata(scores)
    split = split_of(len(before), len(after), told.sessions)
    observed = float(ranks[told.size :].mean() - ranks[: told.size].mean())

    def apart(member: NDArray[np.bool_]) -> FloatArray:
        first = member.sum(axis=1)
        inside = member @ ranks
        difference: FloatArray = (ranks.sum() - inside) / (len(ranks) - first) - inside / first
        return difference

    return p_value(apart, split, observed, SEED)


def _without(told: _Told, column: int) -> float:
    """The mean area when one column of the held-out images is dealt out anew."""
    rng = np.random.default_rng(SEED + column)
    areas = []
    for _ in range(SHUFFLES):
        rows = told.rows.copy()
        rows[:, column] = rng.permutation(rows[:, column])
        areas.append(told.area(told.scores(rows)))
    return float(np.mean(areas))


DETECTOR = Detector(
    score=score,
    data=Data.VECTOR,
    unit="2 AUC - 1",
    limit=0.2,
    min_n=50,
    source="Lopez-Paz & Oquab, Revisiting classifier two-sample tests, ICLR 2017",
    importances=importances,
)
