"""What the found objects look like as a set: how many, how sure, how large, of which shape, and where.

Bad light, a dirty lens or noise take objects away and make a model unsure; they do not make objects larger, longer or
put them elsewhere. What does is another product or another camera position, and of that no confidence tells the truth.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tasks.domain.prediction import Prediction

Numbers = NDArray[np.float64]

CLASS_BOXES = 30
"""Boxes of a class that size and shape are compared from."""

RIM = 0.012
"""A box that comes so near to the edge of its picture (share of the side) is cut off by it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Average:
    """A mean with its standard error and the spread of single values."""

    mean: float
    error: float
    spread: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One set of `n` images: boxes kept per image, their confidence, centre (share of width and height), the share of
    them that the picture's edge cuts off, and by class the logarithm of their area (share of the picture), how far from
    square they are (absolute log of the aspect), and the share of all boxes that are of it.
    """

    n: int
    kept: Average
    confidence: Average
    x: Average
    y: Average
    cut: Average
    area: Mapping[str, Average] = field(default_factory=dict)
    shape: Mapping[str, Average] = field(default_factory=dict)
    mix: Mapping[str, Average] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """A difference between two looks and the standard error of it."""

    size: float
    error: float

    def beyond(self, allowed: float, errors: float) -> bool:
        """Whether it is larger than allowed by more than so many standard errors."""
        return abs(self.size) > allowed + errors * self.error


@dataclass(frozen=True, slots=True, kw_only=True)
class Shifts:
    """What changed from one look to another: `found` and `sure` as shares of before, places in spreads of before.

    `cut` is a difference of shares, `mix` the largest of any class.
    """

    found: Shift
    sure: Shift
    x: Shift
    y: Shift
    area: Shift
    shape: Shift
    cut: Shift
    mix: Shift


def look(answers: Sequence[Prediction], sizes: Sequence[tuple[int, int]], confidence: float) -> Look:
    """The look of answers kept at this confidence; `sizes` are width and height of the images in pixels."""
    kept = [np.flatnonzero(answer.confidences >= confidence) for answer in answers]
    counts = np.array([len(each) for each in kept], np.float64)
    image = np.repeat(np.arange(len(answers)), counts.astype(int))
    pairs = list(zip(answers, kept, strict=True))
    boxes = np.concatenate([np.zeros((0, 4)), *(a.boxes[k] for a, k in pairs)]).astype(np.float64)
    labels = np.concatenate([np.zeros(0, np.int64), *(a.classes[k] for a, k in pairs)])
    sure = np.concatenate([np.zeros(0), *(a.confidences[k] for a, k in pairs)])
    scale = np.array([[w, h, w, h] for w, h in sizes], np.float64).reshape(-1, 4)[image]
    share = boxes / np.maximum(scale, 1.0)
    sides = np.maximum(boxes[:, 2:] - boxes[:, :2], 1.0)
    parts = np.maximum(share[:, 2:] - share[:, :2], 1e-4)
    area, shape = np.log(parts.prod(1)), np.abs(np.log(sides[:, 1] / sides[:, 0]))
    names = [c for c in np.unique(labels) if (labels == c).sum() >= CLASS_BOXES]
    return Look(
        n=len(answers),
        kept=average(counts, np.arange(len(counts))),
        confidence=average(sure, image),
        x=average((share[:, 0] + share[:, 2]) / 2, image),
        y=average((share[:, 1] + share[:, 3]) / 2, image),
        cut=average(np.asarray(((share < RIM) | (share > 1 - RIM)).any(1), np.float64), image),
        area={str(c): average(area[labels == c], image[labels == c]) for c in names},
        shape={str(c): average(shape[labels == c], image[labels == c]) for c in names},
        mix={str(c): average((labels == c).astype(np.float64), image) for c in np.unique(labels)},
    )


def average(values: Numbers, groups: NDArray[np.intp]) -> Average:
    """Mean, standard error and spread of values that depend on each other within a group; nan without a value."""
    if not len(values):
        return Average(mean=math.nan, error=math.nan, spread=math.nan)
    mean = float(values.mean())
    sums = np.bincount(np.unique(groups, return_inverse=True)[1], weights=values - mean)
    return Average(mean=mean, error=float(np.sqrt((sums**2).sum())) / len(values), spread=float(values.std()))


def shifts(before: Look, after: Look) -> Shifts:
    """From one look to the other; what neither shows enough of has not changed (0), with no doubt about it."""
    return Shifts(
        found=_share(before.kept, after.kept),
        sure=_share(before.confidence, after.confidence),
        x=_moved(before.x, after.x),
        y=_moved(before.y, after.y),
        area=_by_class(before.area, after.area),
        shape=_by_class(before.shape, after.shape),
        cut=_difference(before.cut, after.cut, 1.0),
        mix=_mixed(before.mix, after.mix),
    )


def _difference(before: Average, after: Average, scale: float) -> Shift:
    size, error = after.mean - before.mean, math.hypot(after.error, before.error)
    known = math.isfinite(size) and math.isfinite(error) and scale > 0
    return Shift(size=size / scale, error=error / scale) if known else Shift(size=0.0, error=0.0)


def _share(before: Average, after: Average) -> Shift:
    return _difference(before, after, before.mean)


def _moved(before: Average, after: Average) -> Shift:
    return _difference(before, after, before.spread)


def _by_class(before: Mapping[str, Average], after: Mapping[str, Average]) -> Shift:
    """The mean shift over classes that both show: the mix of classes is another matter."""
    both = [_difference(before[name], after[name], 1.0) for name in before if name in after]
    if not both:
        return Shift(size=0.0, error=0.0)
    error = math.sqrt(sum(each.error**2 for each in both)) / len(both)
    return Shift(size=sum(each.size for each in both) / len(both), error=error)


def _mixed(before: Mapping[str, Average], after: Mapping[str, Average]) -> Shift:
    """The largest change of a class's share of all boxes; a class that one of them does not show has none of them."""
    none = Average(mean=0.0, error=0.0, spread=0.0)
    if not before or not after:
        return Shift(size=0.0, error=0.0)
    found = [_difference(before.get(name, none), after.get(name, none), 1.0) for name in {**before, **after}]
    return max(found, key=lambda each: abs(each.size))
