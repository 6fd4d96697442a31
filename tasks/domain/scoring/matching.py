"""Which predicted box is which labelled object, as COCO decides it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.domain.prediction import Floats, Ints, Prediction
from tasks.domain.scoring.truth import Truth

IOUS: NDArray[np.float64] = np.linspace(0.5, 0.95, 10)
"""The overlaps at which a box counts as found."""

MAX_PER_CLASS = 100
"""Boxes kept per image and class, the surest first (COCO's maxDets)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Matches:
    """The boxes of one image after matching, surest first within a class.

    `classes` (d,), `confidences` (d,), `hits` (10, d): found an object of its class at each of `IOUS`.
    `positives` (c,) counts the labelled objects per class.
    """

    classes: Ints
    confidences: Floats
    hits: NDArray[np.bool_]
    positives: Ints


def box_iou(first: Floats, second: Floats) -> NDArray[np.float64]:
    """(n, m) intersection over union of (n, 4) and (m, 4) boxes; boxes without area overlap nothing (0)."""
    a, b = first.astype(np.float64)[:, None], second.astype(np.float64)[None]
    side = np.clip(np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2]), 0, None)
    shared = side.prod(-1)
    union = (a[..., 2:] - a[..., :2]).prod(-1) + (b[..., 2:] - b[..., :2]).prod(-1) - shared
    overlap = np.zeros(shared.shape)
    np.divide(shared, union, out=overlap, where=union > 0)
    return overlap


def greedy(overlap: NDArray[np.float64], ious: NDArray[np.float64] = IOUS) -> NDArray[np.bool_]:
    """(t, d): each box in turn, surest first, takes the free object it overlaps most, if by the required iou.

    `overlap` is (d, g). Of equally good objects the last one is taken, as COCO does.
    """
    hits = np.zeros((len(ious), overlap.shape[0]), dtype=bool)
    for row, required in enumerate(ious):
        hits[row] = assigned(overlap, float(required)) >= 0
    return hits


def assigned(overlap: NDArray[np.float64], required: float) -> Ints:
    """(d,): which object each box takes in `greedy` at this iou, -1 for none; `overlap` is (d, g)."""
    takes = np.full(overlap.shape[0], -1, np.int64)
    if not overlap.size:
        return takes
    free = np.ones(overlap.shape[1], dtype=bool)
    for box in np.flatnonzero(overlap.max(1) >= required):
        candidates = np.where(free, overlap[box], -1.0)
        best = len(candidates) - 1 - int(candidates[::-1].argmax())
        if candidates[best] >= required:
            takes[box], free[best] = best, False
    return takes


def match(truth: Truth, prediction: Prediction, n_classes: int) -> Matches:
    """Match one image; an answer with NaN or infinity is treated as no answer at all.

    Source: Lin et al., Microsoft COCO (2014); evaluation code of pycocotools (area "all", maxDets 100).
    """
    boxes, classes, confidences = prediction.boxes, prediction.classes, prediction.confidences
    if not prediction.finite:
        boxes, classes, confidences = boxes[:0], classes[:0], confidences[:0]
    kept: list[Ints] = []
    hits: list[NDArray[np.bool_]] = []
    for label in np.unique(classes):
        mine = np.flatnonzero(classes == label)
        mine = mine[np.argsort(-confidences[mine], kind="stable")][:MAX_PER_CLASS]
        kept.append(mine)
        hits.append(greedy(box_iou(boxes[mine], truth.boxes[truth.classes == label])))
    order = np.concatenate(kept) if kept else np.zeros(0, np.int64)
    return Matches(
        classes=classes[order],
        confidences=confidences[order],
        hits=np.concatenate(hits, 1) if hits else np.zeros((len(IOUS), 0), bool),
        positives=np.bincount(truth.classes, minlength=n_classes).astype(np.int64)[:n_classes],
    )
