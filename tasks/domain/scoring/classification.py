"""How good the class of a whole image is: accuracy, balanced accuracy, macro F1, top-k, confusion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tasks.domain.prediction import Ints, Prediction
from tasks.domain.scoring.intervals import Samples, Weights
from tasks.domain.scoring.truth import Truth

TOP = 5
"""k of the top-k accuracy, given when there are more classes than that."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClassificationScores:
    """True and predicted class of n images; `rank` (n,) is the place of the true class, 0 for the most probable.

    `guess` is -1 where the answer held NaN or infinity: that is a wrong answer.
    """

    classes: tuple[str, ...]
    image_ids: tuple[str, ...]
    sessions: tuple[str, ...]
    truth: Ints
    guess: Ints
    rank: Ints
    nonfinite: int

    metric = "accuracy"

    @property
    def n(self) -> int:
        """How many images have a truth."""
        return len(self.image_ids)

    @property
    def instances(self) -> Ints:
        """(c,) images per true class."""
        return np.bincount(self.truth, minlength=len(self.classes)).astype(np.int64)

    def headline(self, weights: Weights | None = None) -> Samples:
        """(b,) accuracy per draw; nan without an image."""
        return _ratio(self.truth == self.guess, np.ones(self.n, bool), self._drawn(weights))

    def per_class(self, weights: Weights | None = None) -> Samples:
        """(b, c) recall per draw and class; nan where the class was not drawn."""
        drawn, right = self._drawn(weights), self.truth == self.guess
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
        size, usable = len(self.classes), self.guess >= 0
        flat = np.bincount(self.truth[usable] * size + self.guess[usable], minlength=size * size)
        return flat.reshape(size, size).astype(np.int64)

    def metrics(self) -> dict[str, float]:
        """`accuracy`, `balanced_accuracy`, macro `f1`, `top5` where it says something, and per class."""
        matrix = self.confusion()
        hits, truth, guess = np.diag(matrix), self.instances, matrix.sum(0)
        present, seen = truth > 0, (truth + guess) > 0
        recall = np.divide(hits, truth, out=np.zeros(len(hits)), where=present)
        precision = np.divide(hits, guess, out=np.zeros(len(hits)), where=guess > 0)
        f1 = np.divide(2 * hits, truth + guess, out=np.zeros(len(hits)), where=seen)
        found = {
            "accuracy": float(self.headline()[0]),
            "balanced_accuracy": _over(recall, present),
            "f1": _over(f1, seen),
            "nonfinite": float(self.nonfinite),
        }
        if len(self.classes) > TOP:
            found[f"top{TOP}"] = top_k(self.rank, TOP)
        for c, name in enumerate(self.classes):
            found |= {
                f"precision/{name}": float(precision[c]),
                f"recall/{name}": float(recall[c]),
                f"f1/{name}": float(f1[c]),
            }
        return found

    def _drawn(self, weights: Weights | None) -> Weights:
        return np.ones((1, self.n), np.int64) if weights is None else weights


def top_k(rank: Ints, k: int) -> float:
    """Share of images whose true class is among the k most probable; nan without an image."""
    return float((rank < k).mean()) if len(rank) else float("nan")


def score_classes(
    truths: Sequence[Truth], predictions: Sequence[Prediction], classes: Sequence[str]
) -> ClassificationScores:
    """Hold answers against labels; an image whose label names no class has no truth and is left out."""
    pairs = [pair for pair in zip(truths, predictions, strict=True) if len(pair[0].classes)]
    true = np.array([truth.classes[0] for truth, _ in pairs], np.int64)
    guess = np.array([_guess(prediction) for _, prediction in pairs], np.int64)
    rank = [_rank(p, int(t)) if g >= 0 else len(classes) for (_, p), t, g in zip(pairs, true, guess, strict=True)]
    return ClassificationScores(
        classes=tuple(classes),
        image_ids=tuple(truth.image_id for truth, _ in pairs),
        sessions=tuple(truth.session for truth, _ in pairs),
        truth=true,
        guess=guess,
        rank=np.array(rank, np.int64),
        nonfinite=int((guess < 0).sum()),
    )


def _guess(prediction: Prediction) -> int:
    if prediction.probabilities is None or not prediction.finite:
        return -1
    return int(prediction.probabilities.argmax())


def _rank(prediction: Prediction, label: int) -> int:
    probabilities = prediction.probabilities
    return 0 if probabilities is None else int((probabilities > probabilities[label]).sum())


def _ratio(part: Samples | np.ndarray, whole: np.ndarray, weights: Weights) -> Samples:
    total = weights @ whole.astype(np.int64)
    hit = weights @ part.astype(np.int64)
    ratio = np.full(len(weights), np.nan)
    np.divide(hit, total, out=ratio, where=total > 0)
    return ratio


def _over(values: Samples, where: np.ndarray) -> float:
    return float(values[where].mean()) if where.any() else float("nan")
