"""How good the boxes are: average precision and F1, for the images as they are or as a bootstrap drew them.

Masks, turned boxes and poses are scored in the same way; only their overlap is another one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.domain.model import Kind
from tasks.domain.prediction import Ints, Prediction
from tasks.domain.scoring.curves import RECALLS as RECALLS
from tasks.domain.scoring.curves import Samples, exact, fast, mean_known
from tasks.domain.scoring.found import ClassBoxes, Found, bits, collect
from tasks.domain.scoring.images import Images, Real
from tasks.domain.scoring.intervals import Weights
from tasks.domain.scoring.matching import IOUS, SIZE_LIMITS, match
from tasks.domain.scoring.truth import Truth

FEW = 8
"""Draws from which on the fast way is taken; it differs by less than 1e-3, and one draw is the score itself."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DetectionScores:
    """Matched boxes of n images and c classes; every number is computed from these.

    `boxes` are those of `found` class by class, `positives` (n, c) counts labelled objects; `confidence` is the
    operating point for precision, recall and F1. `broken` (n,) marks answers that held NaN or infinity.
    """

    kind: Kind = Kind.DETECT
    classes: tuple[str, ...]
    images: Images
    found: Found
    boxes: tuple[ClassBoxes, ...]
    positives: Ints
    confidence: float
    broken: NDArray[np.bool_]
    size_limits: tuple[float, float] = SIZE_LIMITS

    metric = "map50_95"

    @property
    def n(self) -> int:
        """How many images."""
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
        return int(self.broken.sum())

    @property
    def instances(self) -> Ints:
        """(c,) labelled objects per class."""
        return np.asarray(self.positives.sum(0), dtype=np.int64)

    def average_precision(self, weights: Weights | None = None, size: int | None = None) -> Samples:
        """(b, c, 10) average precision per draw, class and overlap; nan where a class has no labelled object.

        `size` asks for the objects of one of `SIZES` only.
        """
        drawn = self.images.drawn_weights(weights)
        if size is None and len(drawn) >= FEW:
            columns = np.ascontiguousarray(drawn.T.astype(np.float32))
            wanted = self.positives.astype(np.float64)
            each = [fast(b.image, b.hits, b.ignored, wanted[:, c], columns) for c, b in enumerate(self.boxes)]
            return np.stack(each, axis=1) if each else np.zeros((len(drawn), 0, len(IOUS)))
        positives = self.positives if size is None else self.found.positives(self.n, len(self.classes), self._of(size))
        each = []
        for c, mine in enumerate(self.boxes):
            hits = mine.hits if size is None else bits(self.found.size_hits[mine.row, size])
            ignored = mine.ignored if size is None else bits(self.found.size_ignored[mine.row, size])
            each.append(exact(mine.image, hits, ignored, positives[:, c].astype(np.float64), drawn))
        return np.stack(each, axis=1) if each else np.zeros((len(drawn), 0, len(IOUS)))

    def average_recall(self, most: int = 100, size: int | None = None) -> Samples:
        """(c,) recall with at most so many boxes per image and class, mean over overlaps; nan without an object."""
        weights = self.images.weights
        positives = self.positives if size is None else self.found.positives(self.n, len(self.classes), self._of(size))
        totals = weights @ positives
        result = np.full(len(self.classes), np.nan)
        for c, mine in enumerate(self.boxes):
            if totals[c] <= 0:
                continue
            hits = mine.hits if size is None else bits(self.found.size_hits[mine.row, size])
            counted = weights[mine.image] * (mine.rank < most)
            result[c] = float((hits @ counted).mean() / totals[c])
        return result

    def headline(self, weights: Weights | None = None) -> Samples:
        """(b,) mAP50-95 per draw; nan where no labelled object was drawn."""
        return mean_known(self.average_precision(weights).mean(2))

    def per_class(self, weights: Weights | None = None) -> Samples:
        """(b, c) AP50-95 per draw and class."""
        return np.asarray(self.average_precision(weights).mean(2))

    def counts(self) -> tuple[Ints, Ints]:
        """Two (n, c): boxes kept at the operating confidence, and those of them that hit at IoU 0.5."""
        kept, hits = np.zeros((2, self.n, len(self.classes)), np.int64)
        for c, mine in enumerate(self.boxes):
            sure = mine.counted & (mine.confidence >= self.confidence)
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
        weights = self.images.weights
        kept, hits = (weights @ part for part in self.counts())
        wanted = weights @ self.positives
        found = {
            "map50_95": float(mean_known(ap.mean(1)[None])[0]),
            "map50": float(mean_known(ap[None, :, 0])[0]),
            "confidence": self.confidence,
            "nonfinite": float(self.nonfinite),
            **_rates(float(hits.sum()), float(kept.sum()), float(wanted.sum())),
        }
        for c, name in enumerate(self.classes):
            rates = _rates(float(hits[c]), float(kept[c]), float(wanted[c]))
            rates |= {"map50": float(ap[c, 0]), "map50_95": float(ap[c].mean())}
            found |= {f"{key}/{name}": value for key, value in rates.items()}
        return found

    def _of(self, size: int) -> NDArray[np.bool_]:
        """(g,) which labelled objects are of this size; on a limit of both."""
        edges = (0.0, self.size_limits[0] ** 2, self.size_limits[1] ** 2, 1e10)
        return np.asarray((self.found.label_area >= edges[size]) & (self.found.label_area <= edges[size + 1]))


def score_detections(
    truths: Sequence[Truth],
    predictions: Sequence[Prediction],
    classes: Sequence[str],
    confidence: float | None = None,
    kind: Kind = Kind.DETECT,
    size_limits: tuple[float, float] = SIZE_LIMITS,
) -> DetectionScores:
    """Match every image and choose the operating confidence: the given one, else that of the best pooled F1."""
    pairs = zip(truths, predictions, strict=True)
    found = collect([match(truth, prediction, kind, size_limits) for truth, prediction in pairs], len(classes))
    broken = np.array([not prediction.finite for prediction in predictions], bool)
    return assemble(classes, Images.of(truths), found, broken, confidence, kind=kind, size_limits=size_limits)


def assemble(
    classes: Sequence[str],
    images: Images,
    found: Found,
    broken: NDArray[np.bool_],
    confidence: float | None,
    **known: Any,
) -> DetectionScores:
    """The scores of matched boxes, at the given operating confidence or that of the best pooled F1.

    `known` are the `kind` and `size_limits` that they were matched with.
    """
    boxes = found.by_class(len(classes))
    positives = found.positives(len(images), len(classes))
    best = best_confidence(boxes, float(images.weights @ positives.sum(1)), images.weights)
    return DetectionScores(
        classes=tuple(classes),
        images=images,
        found=found,
        boxes=boxes,
        positives=positives,
        confidence=best if confidence is None else confidence,
        broken=broken,
        **known,
    )


def best_confidence(boxes: Sequence[ClassBoxes], positives: float, weights: Real | None = None) -> float:
    """The confidence at which F1 over all boxes at IoU 0.5 is highest; 0 when nothing was found."""
    confidence = np.concatenate([mine.confidence for mine in boxes]) if boxes else np.zeros(0, np.float32)
    hit = np.concatenate([mine.hits[0] for mine in boxes]) if boxes else np.zeros(0, bool)
    if not hit.any():
        return 0.0
    image, counted = (np.concatenate([part(mine) for mine in boxes]) for part in (_image, _counted))
    order = np.argsort(-confidence, kind="stable")
    each = counted[order] * (np.ones(len(order)) if weights is None else weights[image[order]])
    f1 = 2 * np.cumsum(each * hit[order]) / (np.cumsum(each) + positives)
    sure = confidence[order]
    last = np.r_[sure[1:] != sure[:-1], True]  # boxes of one confidence are kept or dropped together
    return float(sure[int(np.where(last, f1, -1.0).argmax())])


def precision_recall(scores: DetectionScores, label: int) -> tuple[Samples, Samples]:
    """Recall and precision (d,) of one class at IoU 0.5, surest box first; empty without a box or an object."""
    mine, weights = scores.boxes[label], scores.images.weights
    positives = float(weights @ scores.positives[:, label])
    if not positives:
        return np.zeros(0), np.zeros(0)
    each = weights[mine.image] * mine.counted
    found = np.cumsum(each * mine.hits[0])
    return found / positives, found / np.maximum(np.cumsum(each), 1e-300)


def _image(boxes: ClassBoxes) -> Ints:
    return boxes.image


def _counted(boxes: ClassBoxes) -> NDArray[np.bool_]:
    return boxes.counted


def _rates(hits: float, kept: float, positives: float) -> dict[str, float]:
    """Precision, recall and F1; 0 where nothing could be counted, as scikit-learn does."""
    total = kept + positives
    return {
        "precision": hits / kept if kept else 0.0,
        "recall": hits / positives if positives else 0.0,
        "f1": 2 * hits / total if total else 0.0,
    }
