"""How good the boxes are: average precision and F1, for the images as they are or as a bootstrap drew them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.domain.prediction import Ints, Prediction
from tasks.domain.scoring.intervals import Samples, Weights
from tasks.domain.scoring.matching import IOUS, Matches, match
from tasks.domain.scoring.truth import Truth

RECALLS: NDArray[np.float64] = np.linspace(0.0, 1.0, 101)
"""Recalls at which precision is read (COCO's 101 points)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClassBoxes:
    """Every box of one class over all images, surest first: `image` (d,) index, `confidence` (d,), `hits` (10, d)."""

    image: Ints
    confidence: NDArray[np.float32]
    hits: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DetectionScores:
    """Matched boxes of n images and c classes; every number is computed from these.

    `positives` (n, c) counts labelled objects; `confidence` is the operating point for precision, recall and F1.
    """

    classes: tuple[str, ...]
    image_ids: tuple[str, ...]
    sessions: tuple[str, ...]
    boxes: tuple[ClassBoxes, ...]
    positives: Ints
    confidence: float
    nonfinite: int

    metric = "map50_95"

    @property
    def n(self) -> int:
        """How many images."""
        return len(self.image_ids)

    @property
    def instances(self) -> Ints:
        """(c,) labelled objects per class."""
        return np.asarray(self.positives.sum(0), dtype=np.int64)

    def average_precision(self, weights: Weights | None = None) -> Samples:
        """(b, c, 10) average precision per draw, class and overlap; nan where a class has no labelled object."""
        drawn = np.ones((1, self.n), np.int64) if weights is None else weights
        return np.stack([_ap(mine, self.positives[:, c], drawn) for c, mine in enumerate(self.boxes)], axis=1)

    def headline(self, weights: Weights | None = None) -> Samples:
        """(b,) mAP50-95 per draw; nan where no labelled object was drawn."""
        return _mean(self.average_precision(weights).mean(2))

    def per_class(self, weights: Weights | None = None) -> Samples:
        """(b, c) AP50-95 per draw and class."""
        return np.asarray(self.average_precision(weights).mean(2))

    def counts(self) -> tuple[Ints, Ints]:
        """Two (n, c): boxes kept at the operating confidence, and those of them that hit at IoU 0.5."""
        kept, hits = np.zeros((2, self.n, len(self.classes)), np.int64)
        for c, mine in enumerate(self.boxes):
            sure = mine.confidence >= self.confidence
            kept[:, c] = np.bincount(mine.image[sure], minlength=self.n)
            hits[:, c] = np.bincount(mine.image[sure & mine.hits[0]], minlength=self.n)
        return kept, hits

    def scores(self) -> tuple[float, ...]:
        """F1 at IoU 0.5 per image; an empty image that was left empty scores 1."""
        kept, hits = self.counts()
        total = kept.sum(1) + self.positives.sum(1)
        return tuple(np.divide(2 * hits.sum(1), total, out=np.ones(self.n), where=total > 0).tolist())

    def answers(self) -> tuple[str, ...]:
        """The class of each image's surest box, "" where none reaches the operating confidence."""
        surest = np.full(self.n, self.confidence, np.float64)
        found = [""] * self.n
        for name, mine in zip(self.classes, self.boxes, strict=True):
            for image, sure in zip(mine.image.tolist(), mine.confidence.tolist(), strict=True):
                if sure > surest[image] or (sure == surest[image] and not found[image]):
                    surest[image], found[image] = sure, name
        return tuple(found)

    def metrics(self) -> dict[str, float]:
        """`map50`, `map50_95`, pooled `precision`, `recall`, `f1` and each of them per class as `f1/<class>`."""
        ap = self.average_precision()[0]
        kept, hits = (part.sum(0) for part in self.counts())
        found = {
            "map50_95": float(_mean(ap.mean(1)[None])[0]),
            "map50": float(_mean(ap[None, :, 0])[0]),
            "confidence": self.confidence,
            "nonfinite": float(self.nonfinite),
            **_rates(int(hits.sum()), int(kept.sum()), int(self.instances.sum())),
        }
        for c, name in enumerate(self.classes):
            rates = _rates(int(hits[c]), int(kept[c]), int(self.instances[c]))
            rates |= {"map50": float(ap[c, 0]), "map50_95": float(ap[c].mean())}
            found |= {f"{key}/{name}": value for key, value in rates.items()}
        return found


def score_detections(
    truths: Sequence[Truth],
    predictions: Sequence[Prediction],
    classes: Sequence[str],
    confidence: float | None = None,
) -> DetectionScores:
    """Match every image and choose the operating confidence: the given one, else that of the best pooled F1."""
    matched = [match(truth, prediction, len(classes)) for truth, prediction in zip(truths, predictions, strict=True)]
    positives = np.array([one.positives for one in matched], np.int64).reshape(len(matched), len(classes))
    boxes = tuple(_of_class(matched, c) for c in range(len(classes)))
    return DetectionScores(
        classes=tuple(classes),
        image_ids=tuple(truth.image_id for truth in truths),
        sessions=tuple(truth.session for truth in truths),
        boxes=boxes,
        positives=positives,
        confidence=best_confidence(boxes, int(positives.sum())) if confidence is None else confidence,
        nonfinite=sum(not prediction.finite for prediction in predictions),
    )


def best_confidence(boxes: Sequence[ClassBoxes], positives: int) -> float:
    """The confidence at which F1 over all boxes at IoU 0.5 is highest; 0 when nothing was found."""
    confidence = np.concatenate([mine.confidence for mine in boxes]) if boxes else np.zeros(0, np.float32)
    hit = np.concatenate([mine.hits[0] for mine in boxes]) if boxes else np.zeros(0, bool)
    if not hit.any():
        return 0.0
    order = np.argsort(-confidence, kind="stable")
    f1 = 2 * np.cumsum(hit[order]) / (np.arange(1, len(order) + 1) + positives)
    return float(confidence[order][int(f1.argmax())])


def precision_recall(scores: DetectionScores, label: int) -> tuple[Samples, Samples]:
    """Recall and precision (d,) of one class at IoU 0.5, surest box first; empty without a box or an object."""
    hit, positives = scores.boxes[label].hits[0], int(scores.instances[label])
    if not positives:
        return np.zeros(0), np.zeros(0)
    found = np.cumsum(hit)
    return found / positives, found / np.arange(1, len(hit) + 1)


def _of_class(matched: Sequence[Matches], label: int) -> ClassBoxes:
    picks = [np.flatnonzero(one.classes == label) for one in matched]
    image = np.repeat(np.arange(len(matched)), [len(pick) for pick in picks])
    pairs = list(zip(matched, picks, strict=True))
    confidence = np.concatenate([np.zeros(0, np.float32), *(one.confidences[pick] for one, pick in pairs)])
    hits = np.concatenate([np.zeros((len(IOUS), 0), bool), *(one.hits[:, pick] for one, pick in pairs)], 1)
    order = np.argsort(-confidence, kind="stable")
    return ClassBoxes(image=image[order], confidence=confidence[order], hits=hits[:, order])


def _ap(boxes: ClassBoxes, positives: Ints, weights: Weights) -> Samples:
    """(b, 10): area under the precision envelope read at 101 recalls, images counted as often as drawn."""
    result = np.full((len(weights), len(IOUS)), np.nan)
    found = [np.flatnonzero(row) for row in boxes.hits]
    for draw, weight in enumerate(weights):
        total = int(weight @ positives)
        if not total:
            continue
        each = weight[boxes.image]
        seen = np.maximum(np.cumsum(each), 1)
        for row, where in enumerate(found):
            hits = np.cumsum(each[where])
            envelope = np.maximum.accumulate((hits / seen[where])[::-1])[::-1]
            at = np.searchsorted(hits / total, RECALLS, side="left")
            result[draw, row] = np.append(envelope, 0.0)[at].mean()
    return result


def _mean(values: Samples) -> Samples:
    """Mean over the last axis of what is not nan; nan where all are."""
    known = np.isfinite(values)
    n = known.sum(-1)
    means = np.full(n.shape, np.nan)
    np.divide(np.where(known, values, 0.0).sum(-1), n, out=means, where=n > 0)
    return means


def _rates(hits: int, kept: int, positives: int) -> dict[str, float]:
    """Precision, recall and F1; 0 where nothing could be counted, as scikit-learn does."""
    total = kept + positives
    return {
        "precision": hits / kept if kept else 0.0,
        "recall": hits / positives if positives else 0.0,
        "f1": 2 * hits / total if total else 0.0,
    }
