"""What a confidence is worth: the chance that a box of this class, size and confidence finds an object (IoU 0.5).

A model's confidence is a number of its own making. Held against labels it becomes a chance, by a curve that only rises
(isotonic regression), for every class and size that has boxes enough; the others share one.

Sources: Zadrozny and Elkan, Transforming classifier scores into accurate multiclass probability estimates (2002);
Kuzucu et al., On calibration of object detectors (ECCV 2024).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

from tasks.domain.prediction import Floats, Prediction
from tasks.domain.scoring.matching import assigned, box_iou
from tasks.domain.scoring.truth import Truth

Numbers = NDArray[np.float64]

LEAST = 200
"""Boxes that a curve needs; a class or size with fewer shares the curve of all."""

SIZES = ("small", "large")
"""Below and above the class's usual box: small objects are lost first."""

POINTS = 60
"""Points of a curve that are kept."""

IOU = 0.5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Curve:
    """A rising curve: `confidence` (k,) to `chance` (k,), straight lines between, flat beyond."""

    confidence: Numbers
    chance: Numbers

    def __call__(self, confidence: NDArray[Any]) -> Numbers:
        """The chance that each confidence is worth, of the same shape."""
        return np.asarray(np.interp(confidence, self.confidence, self.chance), np.float64)


def curve(confidence: NDArray[Any], hit: NDArray[np.bool_]) -> Curve:
    """The rising curve that fits best; one miss and one hit are added to all, so that no chance is exactly 0 or 1.

    >>> round(float(curve(np.linspace(0, 1, 400), np.linspace(0, 1, 400) > 0.5)(np.array([0.9]))[0]), 2)
    1.0
    """
    order = np.argsort(confidence, kind="stable")
    x, y = np.asarray(confidence, np.float64)[order], hit[order].astype(np.float64)
    rising = np.asarray(isotonic_regression(y).x, np.float64)
    keep = np.unique(np.linspace(0, len(x) - 1, min(POINTS, len(x))).round().astype(int))
    edge = np.flatnonzero(np.diff(rising) > 0)
    if len(edge) <= POINTS:  # all steps: both sides of each
        keep = np.unique(np.concatenate([edge, edge + 1, [0, len(x) - 1]])).astype(int)
    shrunk = (rising * len(x) + 1) / (len(x) + 2)
    return Curve(confidence=x[keep], chance=shrunk[keep])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Belief:
    """The curves of one version, fitted on `boxes` boxes of labelled images.

    `by_part` maps `class/size` to a curve, `all` is for everything else. `middles` (c,) is the square root of the usual
    area of each class's boxes in pixels, nan where none was seen. `recall` is the share of labelled objects that any
    box finds. `error` is the mean distance of confidence to chance before (D-ECE), 0..1. `whole`: each answer is one
    class for a whole picture.
    """

    all: Curve
    middles: Numbers
    recall: float
    error: float
    boxes: int
    whole: bool = False
    by_part: Mapping[str, Curve] = field(default_factory=dict)

    def of(self, answer: Prediction) -> Numbers:
        """(d,) the chance of each box to find an object."""
        found = self.all(answer.confidences)
        for name in {part_name(c, s) for c, s in zip(answer.classes.tolist(), self.sizes(answer), strict=True)}:
            if name in self.by_part:
                mine = np.array(
                    [part_name(c, s) == name for c, s in zip(answer.classes, self.sizes(answer), strict=True)]
                )
                found[mine] = self.by_part[name](answer.confidences[mine])
        return found

    def sizes(self, answer: Prediction) -> list[str]:
        """The size of each box beside what is usual for its class."""
        middle = np.array([self.middles[c] if c < len(self.middles) else np.nan for c in answer.classes.tolist()])
        return [SIZES[int(side > usual)] for side, usual in zip(side_of(answer.boxes), middle, strict=True)]


def part_name(class_id: int, size: str) -> str:
    """`class/size`: the key of a curve."""
    return f"{class_id}/{size}"


def side_of(boxes: Floats) -> Numbers:
    """(n,) square root of the area of each box, in pixels."""
    sides = np.clip(boxes[:, 2:] - boxes[:, :2], 0, None).astype(np.float64)
    return np.asarray(np.sqrt(sides.prod(1)) if len(boxes) else np.zeros(0))


def hits_of(truth: Truth, answer: Prediction) -> NDArray[np.bool_]:
    """(d,) whether each box takes a labelled object of its class at IoU 0.5, the surest box first."""
    found = np.zeros(len(answer.classes), bool)
    for label in np.unique(answer.classes):
        mine = np.flatnonzero(answer.classes == label)
        mine = mine[np.argsort(-answer.confidences[mine], kind="stable")]
        takes = assigned(box_iou(answer.boxes[mine], truth.boxes[truth.classes == label]), IOU)
        found[mine] = takes >= 0
    return found


def believe(truths: Sequence[Truth], answers: Sequence[Prediction], classes: int, whole: bool = False) -> Belief | None:
    """Curves from labelled images; None with fewer than `LEAST` boxes (half of it: whole pictures) or no object."""
    hits = [hits_of(truth, answer) for truth, answer in zip(truths, answers, strict=True)]
    hit = np.concatenate([np.zeros(0, bool), *hits])
    objects = sum(len(truth.classes) for truth in truths)
    if len(hit) < (LEAST // 2 if whole else LEAST) or not objects:
        return None
    confidence = np.concatenate([answer.confidences for answer in answers])
    label = np.concatenate([answer.classes for answer in answers])
    side = np.concatenate([side_of(answer.boxes) for answer in answers])
    usual = np.array(
        [np.median(side[(label == c) & hit]) if (hit & (label == c)).any() else np.nan for c in range(classes)]
    )
    size = side > usual[np.clip(label, 0, classes - 1)]
    parts = {}
    for c in range(classes):
        for large, name in enumerate(SIZES):
            mine = (label == c) & (size == bool(large))
            if mine.sum() >= LEAST and hit[mine].any():
                parts[part_name(c, name)] = curve(confidence[mine], hit[mine])
    return Belief(
        all=curve(confidence, hit),
        middles=usual,
        recall=float(hit.sum()) / objects,
        error=calibration_error(confidence, hit),
        boxes=len(hit),
        whole=whole,
        by_part=parts,
    )


def calibration_error(chance: NDArray[Any], hit: NDArray[np.bool_], bins: int = 10) -> float:
    """D-ECE: mean distance of the stated chance to the share that hits, over bins of equal width; nan without a box.

    >>> calibration_error(np.array([0.5, 0.5]), np.array([True, False]))
    0.0
    """
    if not len(chance):
        return float("nan")
    place = np.minimum((np.asarray(chance, np.float64) * bins).astype(int), bins - 1)
    apart = [
        abs(float(chance[place == b].mean()) - float(hit[place == b].mean())) * (place == b).sum()
        for b in np.unique(place)
    ]
    return float(sum(apart)) / len(chance)
