"""How much an answer and a label are the same thing: one overlap per kind, 0..1, for every pair of an image.

detect compares boxes, segment outlines, obb turned boxes as Gaussians, pose keypoints. Everything that is built on an
overlap (matching, average precision, errors) is the same for all of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray

from tasks.domain.errors import ContractError
from tasks.domain.model import Kind
from tasks.domain.prediction import Floats, Prediction
from tasks.domain.scoring.outlines import area, clipped, fill, shared
from tasks.domain.scoring.truth import Truth

Overlaps = NDArray[np.float64]
"""(d, g): every answered thing against every labelled one."""

COCO_SIGMAS: Overlaps = np.array([26, 25, 25, 35, 35, 79, 79, 72, 72, 62, 62, 107, 107, 87, 87, 89, 89]) / 1000
"""How far people differ about each of COCO's 17 keypoints, in parts of an object's size."""

POSE_AREA = 0.53
"""Share of a labelled box that its object fills, where only the box is known (as ultralytics assumes for pose)."""

TINY = 1e-7

RASTER = 1024
"""Cells along the longer side of two outlines together, at most; larger pairs are drawn a half, a quarter … as large.

A pixel is a cell up to that size, as in pycocotools. Each pair has a scale of its own: a tank that fills a large
picture makes the screws beside it no coarser.
"""


KEPT = 16
"""Drawings of one answered outline that are kept while it is held against every labelled one: a scale each."""


def overlap(kind: Kind, truth: Truth, prediction: Prediction) -> Overlaps:
    """(d, g) overlap of every answer with every label of one image; a shape that is missing counts as its box.

    Raises:
        ContractError: a label has another number of keypoints than the answer, so that it says nothing of it.
    """
    if kind is Kind.POSE and truth.keypoints is not None and prediction.keypoints is not None:
        _same_keypoints(truth, prediction.keypoints)
        return keypoint_similarity(prediction.keypoints, truth.keypoints, truth.boxes, areas(kind, truth))
    if kind is Kind.OBB and truth.corners is not None and prediction.corners is not None:
        return gaussian_iou(prediction.corners, truth.corners)
    if kind is Kind.SEGMENT and truth.polygons and prediction.polygons:
        return outline_iou(prediction.polygons, truth.polygons)
    return box_iou(prediction.boxes, truth.boxes)


def _same_keypoints(truth: Truth, answers: Floats) -> None:
    """Numpy would take one keypoint for the same as each of seventeen."""
    labels = truth.keypoints
    if labels is not None and len(labels) and len(answers) and labels.shape[1] != answers.shape[1]:
        raise ContractError(
            f"image {truth.image_id}: its labels have {labels.shape[1]} keypoints an object, the model answers "
            f"{answers.shape[1]}: label the model's own keypoints, in its order, or delete the label"
        )


def areas(kind: Kind, thing: Truth | Prediction) -> NDArray[np.float64]:
    """(n,) pixels that each labelled or answered thing covers; the size buckets go by it."""
    sides = thing.boxes[:, 2:].astype(np.float64) - thing.boxes[:, :2]
    boxed = np.asarray(np.clip(sides, 0, None).prod(1), np.float64)
    if kind is Kind.SEGMENT and thing.polygons:
        return np.array([area(each) for each in thing.polygons], np.float64).reshape(-1)
    if kind is Kind.OBB and thing.corners is not None:
        return np.array([area(each) for each in thing.corners], np.float64).reshape(-1)
    return boxed * POSE_AREA if kind is Kind.POSE and isinstance(thing, Truth) else boxed


def box_iou(first: Floats, second: Floats) -> Overlaps:
    """(n, m) intersection over union of (n, 4) and (m, 4) boxes; boxes without area overlap nothing (0)."""
    a, b = first.astype(np.float64)[:, None], second.astype(np.float64)[None]
    wide = np.minimum(a[..., 2], b[..., 2]) - np.maximum(a[..., 0], b[..., 0])
    high = np.minimum(a[..., 3], b[..., 3]) - np.maximum(a[..., 1], b[..., 1])
    both = np.clip(wide, 0, None) * np.clip(high, 0, None)
    union = _box_area(a) + _box_area(b) - both
    found = np.zeros(both.shape)
    np.divide(both, union, out=found, where=union > 0)
    return found


def _box_area(boxes: Overlaps) -> Overlaps:
    return np.asarray((boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1]))


def outline_iou(first: Sequence[Floats], second: Sequence[Floats], raster: int = RASTER) -> Overlaps:
    """(n, m) overlap of outlines (k, 2) in pixels, two that meet drawn on at most `raster` cells a side.

    An outline of fewer than three points covers nothing. Outlines that cross themselves are filled by even and odd.
    """
    ours = lru_cache(maxsize=KEPT)(lambda row, scale: fill(first[row], scale))
    theirs = cache(lambda column, scale: fill(second[column], scale))
    found = np.zeros((len(first), len(second)))
    one, other = _bounds(first)[:, None], _bounds(second)[None]
    meeting = (np.minimum(one[..., 2:], other[..., 2:]) > np.maximum(one[..., :2], other[..., :2])).all(-1)
    sides = (np.maximum(one[..., 2:], other[..., 2:]) - np.minimum(one[..., :2], other[..., :2])).max(-1, initial=1.0)
    for row, column in np.argwhere(meeting).tolist():
        scale = min(1.0, 2.0 ** math.floor(math.log2(raster / sides[row, column])))
        mine, its = ours(row, scale), theirs(column, scale)
        both = shared(mine, its)
        found[row, column] = both / (mine.cells + its.cells - both) if both else 0.0
    return found


def _bounds(outlines: Sequence[Floats]) -> Overlaps:
    """(n, 4) left, top, right, bottom of each outline; one of fewer than three points meets nothing."""
    nothing = np.array([np.inf, np.inf, -np.inf, -np.inf])
    found = [np.r_[each.min(0), each.max(0)] if len(each) > 2 else nothing for each in outlines]
    return np.array(found, np.float64).reshape(-1, 4)


def turned_iou(first: Floats, second: Floats) -> Overlaps:
    """(n, m) intersection over union of turned boxes given by their corners (n, 4, 2) in order around the box.

    This is the exact overlap, as DOTA scores it; `gaussian_iou` is what ultralytics and so our scores compare by.
    """
    ours, theirs = first.astype(np.float64), second.astype(np.float64)
    found = np.zeros((len(ours), len(theirs)))
    if not found.size:
        return found
    low, high = np.maximum(ours.min(1)[:, None], theirs.min(1)), np.minimum(ours.max(1)[:, None], theirs.max(1))
    near = np.asarray((high > low).all(-1))
    sizes = [[area(each) for each in side] for side in (ours, theirs)]
    for row, column in np.argwhere(near):
        both = area(clipped(ours[row], theirs[column]))
        union = sizes[0][row] + sizes[1][column] - both
        found[row, column] = both / union if union > 0 else 0.0
    return found


def gaussian_iou(first: Floats, second: Floats) -> Overlaps:
    """(n, m) ProbIoU of turned boxes given by their corners (n, 4, 2) in order around the box: 1 - Hellinger distance.

    Each box is taken for a Gaussian of its middle and spread. `yolo val` scores oriented boxes by it, and so do we: a
    score that is called mAP must be the one that people know from training. Nearly square boxes that are turned
    against each other overlap almost wholly in it.

    Source: Llerena et al., Gaussian Bounding Boxes and Probabilistic Intersection-over-Union for Object Detection
    (2021); the small numbers are those of ultralytics' `batch_probiou`.
    """
    (x1, y1), (a1, b1, c1) = _gaussians(first[:, None])
    (x2, y2), (a2, b2, c2) = _gaussians(second[None])
    a, b, c = a1 + a2, b1 + b2, c1 + c2
    whole = a * b - c**2
    apart = (a * (y1 - y2) ** 2 + b * (x1 - x2) ** 2) / (whole + TINY) / 4
    apart += c * (x2 - x1) * (y1 - y2) / (whole + TINY) / 2
    each = np.clip(a1 * b1 - c1**2, 0, None) * np.clip(a2 * b2 - c2**2, 0, None)
    apart += np.log(whole / (4 * np.sqrt(each) + TINY) + TINY) / 2
    return np.asarray(1 - np.sqrt(1 - np.exp(-np.clip(apart, TINY, 100)) + TINY))


def _gaussians(corners: Floats) -> tuple[tuple[Overlaps, Overlaps], tuple[Overlaps, Overlaps, Overlaps]]:
    """Middle (x, y) and covariance (xx, yy, xy) of boxes (..., 4, 2): a side of length s has the variance s² / 12."""
    points = corners.astype(np.float64)
    middle = points.mean(-2)
    sides = np.stack([points[..., 1, :] - points[..., 0, :], points[..., 2, :] - points[..., 1, :]])
    spread = [(sides[..., i] * sides[..., j]).sum(0) / 12 for i, j in ((0, 0), (1, 1), (0, 1))]
    return (middle[..., 0], middle[..., 1]), (spread[0], spread[1], spread[2])


def sigmas(keypoints: int) -> Overlaps:
    """(k,) tolerance per keypoint: COCO's for 17 of them, else the same for all (as ultralytics chooses)."""
    return COCO_SIGMAS if keypoints == len(COCO_SIGMAS) else np.full(keypoints, 1 / max(keypoints, 1))


def keypoint_similarity(answers: Floats, labels: Floats, boxes: Floats, sizes: NDArray[np.float64]) -> Overlaps:
    """(d, g) object keypoint similarity of keypoints (d, k, 3) with labelled ones (g, k, 3): x, y, visible (> 0).

    `boxes` (g, 4) and `sizes` (g,) are of the labelled objects. Of an object without a visible keypoint only the
    surroundings count, as in pycocotools.

    Source: Ronchi and Perona, Benchmarking and Error Diagnosis in Multi-Instance Pose Estimation (2017).
    """
    if not len(answers) or not len(labels):
        return np.zeros((len(answers), len(labels)))
    a, b = answers.astype(np.float64)[:, None], labels.astype(np.float64)[None]
    seen = np.asarray(b[..., 2] > 0)
    off = a[..., :2] - b[..., :2]
    hidden = np.asarray(~seen.any(-1))
    sides = (boxes[:, 2:] - boxes[:, :2]).astype(np.float64)
    low, high = (boxes[:, :2] - sides)[None, :, None], (boxes[:, :2] + 2 * sides)[None, :, None]
    away = np.clip(low - a[..., :2], 0, None) + np.clip(a[..., :2] - high, 0, None)
    off = np.where(hidden[..., None, None], away, off)
    spread = (2 * sigmas(labels.shape[1])) ** 2
    error = (off**2).sum(-1) / spread / (sizes[None, :, None] + np.spacing(1)) / 2
    counted = np.where(hidden[..., None], True, seen)
    return np.asarray((np.exp(-error) * counted).sum(-1) / counted.sum(-1))
