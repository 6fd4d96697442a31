"""How good the class of a whole image is: accuracy, balanced accuracy, precision, recall, F1, top-k, calibration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.domain.prediction import Ints, Prediction
from tasks.domain.scoring.calibration import Bins, bins_of
from tasks.domain.scoring.images import Images, Real
from tasks.domain.scoring.intervals import Samples, Weights
from tasks.domain.scoring.truth import Truth

TOP = 5
"""k of the top-k accuracy, given when there are more classes than that."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClassificationScores:
    """True and predicted class of n images; `rank` (n,) is the place of the true class, 0 for the most probable.

    `guess` is -1 where the answer held NaN or infinity: that is a wrong answer. `sure` (n,) is the probability of the
    guess and `brier` (n,) the squared distance 0..2 of all probabilities from the truth; nan for such an answer.
    """

    classes: tuple[str, ...]
    images: Images
    truth: Ints
    guess: Ints
    rank: Ints
    sure: Real
    brier: Real

    metric = "accuracy"

    @property
    def n(self) -> int:
        """How many images have a truth."""
        return len(self.images)

    @property
    def image_ids(self) -> tuple[str, ...]:
        """Names of the images."""
        return self.images.image_ids

    @property
    def sessions(self) -> tuple[str, ...]:
        """Which frames are not independent."""
        return self.images.sessions

    @property
    def nonfinite(self) -> int:
        """How many answers held NaN or infinity."""
        return int((self.guess < 0).sum())

    @property
    def instances(self) -> Ints:
        """(c,) images per true class."""
        return np.bincount(self.truth, minlength=len(self.classes)).astype(np.int64)

    def headline(self, weights: Weights | None = None) -> Samples:
        """(b,) accuracy per draw; nan without an image."""
        return _ratio(self.truth == self.guess, np.ones(self.n, bool), self.images.drawn_weights(weights))

    def per_class(self, weights: Weights | None = None) -> Samples:
        """(b, c) recall per draw and class; nan where the class was not drawn."""
        drawn, right = self.images.drawn_weights(weights), self.truth == self.guess
        columns = [_ratio(right & (self.truth == c), self.truth == c, drawn) for c in range(len(self.classes))]
        return np.stack(columns, axis=1)

    def scores(self) -> tuple[float, ...]:
        """1 for a right answer, 0 for a wrong one."""
        return tuple((self.truth == self.guess).astype(float).tolist())

    def answers(self) -> tuple[str, ...]:
        """The name of the class that was answered, "" where the answer was not finite."""
        return tuple(self.classes[guess] if guess >= 0 else "" for guess in self.guess.tolist())

    def confusion(self) -> Ints:
        """(c, c): rows are the truth, columns the answer; answers that were not finite are left out."""
        return self._matrix(np.ones(self.n)).astype(np.int64)

    def reliability(self) -> Bins:
        """How often answers of a given probability are right."""
        return bins_of(self.sure, self.truth == self.guess, self.images.weights)

    def metrics(self) -> dict[str, float]:
        """`accuracy`, `balanced_accuracy`, averages of precision, recall and F1, calibration, and per class.

        `f1` is the macro average; `f1_weighted` weighs classes by their images, `f1_micro` pools all images. Names
        and edge cases are scikit-learn's, with 0 where nothing could be counted.
        """
        weights = self.images.weights
        matrix, truth = self._matrix(weights), self._truths(weights)
        hits, guess = np.diag(matrix), matrix.sum(0)
        total = float(weights.sum())
        parts = {
            "precision": _part(hits, guess),
            "recall": _part(hits, truth),
            "f1": _part(2 * hits, truth + guess),
        }
        brier = np.isfinite(self.brier)
        found = {
            "accuracy": float(self.headline()[0]),
            "balanced_accuracy": _over(parts["recall"], truth > 0),
            "nonfinite": float(self.nonfinite),
            "ece": self.reliability().error,
            "brier": float(np.average(self.brier[brier], weights=weights[brier])) if brier.any() else float("nan"),
            **_averages(parts, truth, guess),
            **_pooled(float(hits.sum()), float(guess.sum()), total),
        }
        if len(self.classes) > TOP:
            found[f"top{TOP}"] = top_k(self.rank, TOP, weights)
        for c, name in enumerate(self.classes):
            found |= {f"{key}/{name}": float(values[c]) for key, values in parts.items()}
        return found

    def _truths(self, weights: Real) -> Real:
        return np.asarray(np.bincount(self.truth, weights, len(self.classes)), np.float64)

    def _matrix(self, weights: Real) -> Real:
        size, usable = len(self.classes), self.guess >= 0
        flat = np.bincount(self.truth[usable] * size + self.guess[usable], weights[usable], minlength=size * size)
        return np.asarray(flat.reshape(size, size), np.float64)


def top_k(rank: Ints, k: int, weights: Real | None = None) -> float:
    """Share of images whose true class is among the k most probable; nan without an image."""
    return float(np.average(rank < k, weights=weights)) if len(rank) else float("nan")


def score_classes(
    truths: Sequence[Truth], predictions: Sequence[Prediction], classes: Sequence[str]
) -> ClassificationScores:
    """Hold answers against labels; an image whose label names no class has no truth and is left out."""
    pairs = [pair for pair in zip(truths, predictions, strict=True) if len(pair[0].classes)]
    true = np.array([truth.classes[0] for truth, _ in pairs], np.int64)
    guess = np.array([_guess(prediction) for _, prediction in pairs], np.int64)
    rank = [_rank(p, int(t)) if g >= 0 else len(classes) for (_, p), t, g in zip(pairs, true, guess, strict=True)]
    odds = [_odds(p, int(t)) if g >= 0 else (np.nan, np.nan) for (_, p), t, g in zip(pairs, true, guess, strict=True)]
    sure, brier = np.array(odds, np.float64).reshape(-1, 2).T
    return ClassificationScores(
        classes=tuple(classes),
        images=Images.of([truth for truth, _ in pairs]),
        truth=true,
        guess=guess,
        rank=np.array(rank, np.int64),
        sure=sure,
        brier=brier,
    )


def _guess(prediction: Prediction) -> int:
    if prediction.probabilities is None or not prediction.finite:
        return -1
    return int(prediction.probabilities.argmax())


def _rank(prediction: Prediction, label: int) -> int:
    """How many classes stand before the true one; of equally probable ones the last stands first (scikit-learn)."""
    odds = prediction.probabilities
    return 0 if odds is None else int((odds > odds[label]).sum() + (odds[label + 1 :] == odds[label]).sum())


def _odds(prediction: Prediction, label: int) -> tuple[float, float]:
    """Probability of the guess, and the Brier score of the image."""
    if prediction.probabilities is None:
        return np.nan, np.nan
    odds = prediction.probabilities.astype(np.float64)
    return float(odds.max()), float((odds**2).sum() - 2 * odds[label] + 1)


def _averages(parts: dict[str, Real], truth: Real, guess: Real) -> dict[str, float]:
    seen, total = (truth + guess) > 0, truth.sum()
    found = {}
    for name, values in parts.items():
        found[name] = _over(values, seen)
        found[f"{name}_weighted"] = float(values @ truth / total) if total else float("nan")
    return found


def _pooled(hits: float, answered: float, total: float) -> dict[str, float]:
    """Micro averages: all images in one pot; an answer that was not finite is missing there, not wrong."""
    if not total:
        return dict.fromkeys(("precision_micro", "recall_micro", "f1_micro"), float("nan"))
    precision = hits / answered if answered else 0.0
    return {
        "precision_micro": precision,
        "recall_micro": hits / total,
        "f1_micro": 2 * hits / (answered + total),
    }


def _ratio(part: NDArray[np.bool_], whole: NDArray[np.bool_], weights: Real) -> Samples:
    total = weights @ whole.astype(np.float64)
    hit = weights @ part.astype(np.float64)
    ratio = np.full(len(weights), np.nan)
    np.divide(hit, total, out=ratio, where=total > 0)
    return ratio


def _part(hits: Real, whole: Real) -> Real:
    return np.divide(hits, whole, out=np.zeros(len(hits)), where=whole > 0)


def _over(values: Samples, where: NDArray[np.bool_]) -> float:
    return float(values[where].mean()) if where.any() else float("nan")
