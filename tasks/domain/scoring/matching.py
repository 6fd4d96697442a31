"""Which answered thing is which labelled object, as COCO decides it, and what is wrong with those that are none."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from tasks.domain.model import Kind
from tasks.domain.prediction import Ints, Prediction
from tasks.domain.scoring.overlaps import Overlaps, areas, overlap
from tasks.domain.scoring.overlaps import box_iou as box_iou
from tasks.domain.scoring.truth import Truth

Flags = NDArray[np.bool_]
Areas = NDArray[np.float64]

IOUS: NDArray[np.float64] = np.linspace(0.5, 0.95, 10)
"""The overlaps at which a box counts as found."""

MAX_PER_CLASS = 100
"""Boxes kept per image and class, the surest first (COCO's maxDets)."""

MAX_POSES = 20
"""The same for pose."""

SIZES = ("small", "medium", "large")

SIZE_LIMITS = (32.0, 96.0)
"""Sides in pixels of the squares up to whose area an object is small, and medium (COCO's)."""

BACKGROUND_IOU = 0.1
"""An overlap up to which a box stands on nothing (TIDE's)."""


class Error(IntEnum):
    """What is wrong with a box at IoU 0.5; a missed object is the one error that no box makes.

    Source: Bolya et al., TIDE: A General Toolbox for Identifying Object Detection Errors (2020); the order in which
    the definitions are asked is that of its published code.
    """

    NONE = 0
    CLASS = 1
    LOCALISATION = 2
    CLASS_AND_LOCALISATION = 3
    DUPLICATE = 4
    BACKGROUND = 5
    MISS = 6


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Matches:
    """One image after matching: d boxes, the classes in turn and the surest first in each, and g labelled objects.

    `hits` (10, d): the box found an object of its class at each of `IOUS`; `ignored` (10, d): it found
    one that nobody needs to find, and counts neither way. `size_hits` and `size_ignored`
    (3, 10, d) are the same with only the objects of one of `SIZES` asked for: what is of another size counts neither
    way. `error` (d,) is an `Error`, `object` (d,) the labelled object it is about, -1 for none.
    `labels` (g,), `label_areas` (g,) in square pixels, `unseen` (g,) marks objects that nobody needs to find
    (pose: without a visible keypoint).
    """

    classes: Ints
    confidences: NDArray[np.float32]
    hits: Flags
    ignored: Flags
    size_hits: Flags
    size_ignored: Flags
    error: Ints
    object: Ints
    labels: Ints
    label_areas: Areas
    unseen: Flags


def greedy(overlap: Overlaps, ious: NDArray[np.float64] = IOUS) -> Flags:
    """(t, d): each box in turn, surest first, takes the free object it overlaps most, if by the required iou.

    `overlap` is (d, g). Of equally good objects the last one is taken, as COCO does.
    """
    return np.asarray(takes(overlap, np.zeros((1, overlap.shape[1]), bool), ious)[0] >= 0)


def assigned(overlap: Overlaps, required: float) -> Ints:
    """(d,): which object each box takes in `greedy` at this iou, -1 for none; `overlap` is (d, g)."""
    return np.asarray(takes(overlap, np.zeros((1, overlap.shape[1]), bool), np.array([required]))[0, 0])


def takes(overlap: Overlaps, ignored: Flags, ious: NDArray[np.float64] = IOUS) -> Ints:
    """(s, t, d): the object that each box takes, in s settings that each ignore other objects (s, g), -1 for none.

    An ignored object is taken only where no other one is good enough.
    """
    found = np.full((len(ignored), len(ious), overlap.shape[0]), -1, np.int64)
    if not overlap.size:
        return found
    free = np.ones((len(ignored), len(ious), overlap.shape[1]), bool)
    lowest = ious.min()
    for box in np.flatnonzero(overlap.max(1) >= lowest):
        near = np.flatnonzero(overlap[box] >= lowest)[::-1]  # from behind: argmax then prefers the last of equals
        value = overlap[box, near]
        able = free[:, :, near] & (value >= ious[:, None])
        if len(near) == 1:
            best, got = np.zeros(able.shape[:2], np.int64), able[..., 0]
        else:
            best = np.where(able, value - 2.0 * ignored[:, None, near], -9.0).argmax(-1)
            got = np.take_along_axis(able, best[..., None], 2)[..., 0]
        found[:, :, box] = np.where(got, near[best], -1)
        setting, row = np.nonzero(got)
        free[setting, row, near[best[got]]] = False
    return found


def match(
    truth: Truth,
    prediction: Prediction,
    kind: Kind = Kind.DETECT,
    size_limits: tuple[float, float] = SIZE_LIMITS,
) -> Matches:
    """Match one image; an answer with NaN or infinity is treated as no answer at all.

    Source: Lin et al., Microsoft COCO (2014); evaluation code of pycocotools.
    """
    order = _kept(prediction, MAX_POSES if kind is Kind.POSE else MAX_PER_CLASS)
    classes = prediction.classes[order]
    every = overlap(kind, truth, prediction)[order] if len(order) else np.zeros((0, len(truth.classes)))
    same = np.where(classes[:, None] == truth.classes[None], every, -1.0)
    labelled, answered = areas(kind, truth), _answer_areas(kind, prediction)[order]
    unseen = _unseen(kind, truth)
    outside = np.stack([_outside(labelled, size, size_limits) for size in range(len(SIZES))])
    ignored = np.concatenate([unseen[None], outside | unseen])
    taken = takes(same, ignored)
    hits, dropped = _judged(taken, ignored)
    strange = np.stack([_outside(answered, size, size_limits) for size in range(len(SIZES))])
    dropped[1:] |= (taken[1:] < 0) & strange[:, None]
    error, about = _errors(every, same, taken[0, 0])
    return Matches(
        classes=classes,
        confidences=prediction.confidences[order],
        hits=hits[0],
        ignored=dropped[0],
        size_hits=hits[1:],
        size_ignored=dropped[1:],
        error=error,
        object=about,
        labels=truth.classes,
        label_areas=labelled,
        unseen=unseen,
    )


def _kept(prediction: Prediction, most: int) -> Ints:
    """The boxes in the order of class and falling confidence, at most so many of a class."""
    if not prediction.finite or not len(prediction.classes):
        return np.zeros(0, np.int64)
    order = np.lexsort((-prediction.confidences, prediction.classes))
    named = prediction.classes[order]
    first = np.flatnonzero(np.r_[True, named[1:] != named[:-1]])
    rank = np.arange(len(order)) - np.repeat(first, np.diff(np.r_[first, len(order)]))
    return np.asarray(order[rank < most], np.int64)


def _answer_areas(kind: Kind, prediction: Prediction) -> Areas:
    """COCO takes the size of an answered pose from the extent of its keypoints."""
    if kind is Kind.POSE and prediction.keypoints is not None and len(prediction.keypoints):
        return np.asarray(np.ptp(prediction.keypoints[..., :2].astype(np.float64), axis=1).prod(-1))
    return areas(kind, prediction)


def _unseen(kind: Kind, truth: Truth) -> Flags:
    if kind is Kind.POSE and truth.keypoints is not None:
        return np.asarray(~(truth.keypoints[..., 2] > 0).any(1))
    return np.zeros(len(truth.classes), bool)


def _outside(areas: Areas, size: int, limits: tuple[float, float]) -> Flags:
    """Who is not of this size; an object exactly on a limit is of both, as with COCO."""
    edges = (0.0, limits[0] ** 2, limits[1] ** 2, 1e10)
    return np.asarray((areas < edges[size]) | (areas > edges[size + 1]))


def _judged(taken: Ints, ignored: Flags) -> tuple[Flags, Flags]:
    """Two (s, t, d): took an object that counts, took one that does not."""
    if not ignored.shape[1]:
        return np.zeros(taken.shape, bool), np.zeros(taken.shape, bool)
    dropped = np.stack([row[np.maximum(chosen, 0)] for row, chosen in zip(ignored, taken, strict=True)]) & (taken >= 0)
    return (taken >= 0) & ~dropped, dropped


def _errors(every: Overlaps, same: Overlaps, taken: Ints) -> tuple[Ints, Ints]:
    """(d,) what is wrong with each box, and (d,) the object that it is about."""
    error, about = np.full(len(taken), int(Error.BACKGROUND)), np.full(len(taken), -1)
    if not every.size:
        return error, about
    other = np.where(same < 0, every, -1.0)
    mine, theirs, whole = same.max(1), other.max(1), every.max(1)
    floor = float(IOUS[0])
    rules = (
        (taken >= 0, Error.NONE, taken),
        ((mine >= BACKGROUND_IOU) & (mine <= floor), Error.LOCALISATION, same.argmax(1)),
        (theirs >= floor, Error.CLASS, other.argmax(1)),
        (mine >= floor, Error.DUPLICATE, same.argmax(1)),
        (whole > BACKGROUND_IOU, Error.CLASS_AND_LOCALISATION, other.argmax(1)),
    )
    for where, name, target in reversed(rules):
        error[where], about[where] = int(name), target[where]
    return error, about
