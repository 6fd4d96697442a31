"""One picture beside the objects that a model boxes: its colours, and what stands out of its ground.

Colours are logarithms of the ratios blue to green and red to green, relative to the mean of the ground: a colour cast
moves both and cancels. Edges are looked for at the scale of the objects, and beside theirs: what blurs or fades a
picture does it to both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.domain.prediction import Prediction
from tasks.estimate.framed import is_framed
from tasks.estimate.inside import Objects, looked_into
from tasks.estimate.ladder import Image
from tasks.estimate.signs import HINT

Numbers = NDArray[np.float64]

LONG_SIDE, CELL = 256, 16
"""Pictures are measured at this size, those that are smaller at their own, in square cells of so many pixels."""

DARK = 8.0
"""Added to every channel (0..255): the colour of what is nearly black says nothing."""

GROUND = 0.1
"""Share of the picture that must be free of boxes for its ground to be known."""

OUTLINE = 7.0
"""Outlines are looked for at this fraction of the objects' side: rain and noise have none that is so coarse."""

STANDS_OUT, LIKE_OBJECTS = 3.0, 0.3
"""A thing has so many times the edges of its own picture's ground, and this share of an object's."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Measured:
    """One picture: `tone` (2,) how the objects differ from the ground in colour, mean `cells` (k, 3) blue, green,
    red 0..255 and which of them are `ground` (k,), `things` the share of the ground that looks like things, `rough` how
    strong the edges of the ground are beside those of the objects (log). Without objects to compare with `tone`,
    `things` and `rough` are nan. `objects` is what its boxes show inside.
    """

    tone: Numbers
    cells: Numbers
    ground: NDArray[np.bool_]
    things: float
    rough: float
    objects: Objects


def measured(image: Image, answer: Prediction, confidence: float) -> Measured | None:
    """Of one picture (h, w, 3) uint8 BGR with the boxes kept at this confidence; None where boxes hide the ground.

    A class of the whole picture has nothing beside it.
    """
    if is_framed(answer):
        return None
    height, width = image.shape[:2]
    scale = min(LONG_SIDE / max(height, width), 1.0)
    rows, columns = (max(round(side * scale / CELL), 1) for side in (height, width))
    small = cv2.resize(image, (columns * CELL, rows * CELL), interpolation=cv2.INTER_AREA).astype(np.float32)
    hinted = answer.boxes[answer.confidences >= HINT].astype(np.float64) * scale
    objects = answer.boxes[answer.confidences >= confidence].astype(np.float64) * scale
    sigma = _outline(objects if len(objects) else hinted)
    free = _free(small.shape[:2], hinted, 2 * sigma)
    if free.mean() < GROUND:
        return None
    cells = cv2.resize(small, (columns, rows), interpolation=cv2.INTER_AREA).astype(np.float64)
    shown = colours(cells, free)
    inside = [_crop(shown, box / CELL).mean((0, 1)) for box in objects]
    things, rough = _ground(small, objects, free, sigma)
    return Measured(
        tone=np.mean(inside, axis=0) if inside else np.full(2, np.nan),
        cells=cells.reshape(-1, 3),
        ground=free.ravel(),
        things=things,
        rough=rough,
        objects=looked_into(image, answer, confidence),
    )


def inside(shown: Sequence[Measured | None]) -> list[Objects | None]:
    """What the boxes of each picture show."""
    return [None if each is None else each.objects for each in shown]


def colours(cells: Numbers, ground: NDArray[np.bool_]) -> Numbers:
    """(..., 2) the colour of each cell (..., 3) relative to the mean of those that are ground."""
    logs = np.log(cells + DARK)
    found = np.stack([logs[..., 0] - logs[..., 1], logs[..., 2] - logs[..., 1]], -1)
    return np.asarray(found - found[ground].mean(0), np.float64)


def _outline(boxes: Numbers) -> float:
    """The blur at which outlines of objects like these are looked for, in pixels."""
    if not len(boxes):
        return CELL / 4
    side = np.sqrt(np.maximum((boxes[:, 2:] - boxes[:, :2]).prod(1), 1.0))
    return float(np.clip(np.median(side) / OUTLINE, 1.5, CELL))


def _free(shape: tuple[int, ...], boxes: Numbers, reach: float) -> NDArray[np.bool_]:
    """(rows, columns) the cells that no box comes near to."""
    near = np.zeros(shape, np.uint8)
    for left, top, right, bottom in boxes.tolist():
        rows = slice(max(int(top - reach), 0), max(int(bottom + reach) + 1, 0))
        near[rows, max(int(left - reach), 0) : max(int(right + reach) + 1, 0)] = 1
    return np.asarray(near.reshape(shape[0] // CELL, CELL, shape[1] // CELL, CELL).max((1, 3)) == 0, np.bool_)


def _crop(field: NDArray[np.generic], box: Numbers) -> NDArray[np.generic]:
    """The part of a field (rows, columns, ...) under a box, at least one cell."""
    rows, columns = field.shape[:2]
    left, top = min(max(int(box[0]), 0), columns - 1), min(max(int(box[1]), 0), rows - 1)
    return field[top : max(int(np.ceil(box[3])), top + 1), left : max(int(np.ceil(box[2])), left + 1)]


def _ground(
    picture: NDArray[np.float32], objects: Numbers, free: NDArray[np.bool_], sigma: float
) -> tuple[float, float]:
    """The share of the ground with outlines like those of the objects, and its edges beside theirs (log)."""
    if not len(objects):
        return float("nan"), float("nan")
    soft = cv2.GaussianBlur(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), (0, 0), sigma)
    edges = cv2.magnitude(cv2.Sobel(soft, cv2.CV_32F, 1, 0), cv2.Sobel(soft, cv2.CV_32F, 0, 1))
    theirs = float(np.median([np.quantile(_crop(edges, box).astype(np.float64), 0.8) for box in objects]))
    cells = np.sqrt((edges**2).reshape(free.shape[0], CELL, free.shape[1], CELL).mean((1, 3)))[free]
    limit = max(STANDS_OUT * float(np.median(cells)), LIKE_OBJECTS * theirs)
    return float((cells > limit).mean()), float(np.log((cells.mean() + 0.1) / (theirs + 0.1)))
