"""What one picture shows inside the boxes of its objects, in numbers that light, lenses and sensors hardly move.

Every box is stretched to one size and compared with the ground right around it: what lies brighter than that ground,
and by how much of the object's own contrast. So more or less light, a veil or a steep curve change little. Objects may
lie in any direction: besides where in its box an object is bright, it is told how bright it is in rings around the
middle, and how many times that changes along a ring.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.domain.prediction import Prediction
from tasks.estimate.ladder import Image

Numbers = NDArray[np.float64]

BOX, RIM = 32, 8
"""A box becomes so many pixels a side, and the ground around it this many more on each side."""

MOST, SMALLEST = 12, 10.0
"""Boxes of a picture that are looked into, the surest first; those of fewer pixels a side show too little."""

FAINT, DARK = 6.0, 8.0
"""Contrast (0..255) below which there is nothing to compare with; added to channels before their ratios are taken."""

CELLS, RINGS, ANGLES, ORDERS = 4, 5, 32, 8
"""Cells a side, rings from the middle to the edge, places on a ring, and waves along it that are told apart."""

SIDE = BOX + 2 * RIM
_WITHIN = np.zeros((SIDE, SIDE), bool)
_WITHIN[RIM:-RIM, RIM:-RIM] = True


def _ring_places() -> NDArray[np.int64]:
    """(rings, 2, angles) flat places in a patch, two lines a ring."""
    reach = (np.arange(RINGS)[:, None] + np.array([0.25, 0.75])) / RINGS
    turn = np.arange(ANGLES) * (2 * np.pi / ANGLES)
    x, y = (np.rint(reach[:, :, None] * f(turn) * BOX / 2 + (SIDE - 1) / 2).astype(np.int64) for f in (np.cos, np.sin))
    return np.asarray(y * SIDE + x, np.int64)


_PLACES = _ring_places()

FEATURES = CELLS**2 + RINGS + (RINGS - 1) * ORDERS + 5 + 4 + 1
"""How many numbers a box has."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Objects:
    """What the boxes of one picture show: their `classes` (m,) and `numbers` (m, FEATURES)."""

    classes: NDArray[np.int64]
    numbers: Numbers


def looked_into(image: Image, answer: Prediction, confidence: float) -> Objects:
    """The boxes of a picture (h, w, 3) uint8 BGR that are kept at this confidence.

    Boxes that the picture's edge cuts off, that are small or as pale as their ground are left out.
    """
    kept = np.flatnonzero(answer.confidences >= confidence)
    kept = kept[np.argsort(-answer.confidences[kept], kind="stable")][:MOST]
    found = [(at, patch) for at in kept.tolist() if (patch := _patch(image, answer.boxes[at])) is not None]
    if not found:
        return Objects(classes=np.zeros(0, np.int64), numbers=np.zeros((0, FEATURES)))
    numbers, clear = _numbers(np.stack([patch for _, patch in found]))
    return Objects(classes=answer.classes[[at for at, _ in found]][clear], numbers=numbers[clear])


def _patch(image: Image, box: NDArray[np.float32]) -> NDArray[np.float32] | None:
    """(SIDE, SIDE, 3) the box and a rim of ground around it; None of a box that is small or cut off."""
    height, width = image.shape[:2]
    left, top, right, bottom = box.tolist()
    if min(right - left, bottom - top) < SMALLEST or min(left, top, width - right, height - bottom) < 1:
        return None
    x, y = (right - left) * RIM / BOX, (bottom - top) * RIM / BOX
    sides = [round(left - x), round(top - y), round(right + x), round(bottom + y)]
    over = [max(-sides[1], 0), max(sides[3] - height, 0), max(-sides[0], 0), max(sides[2] - width, 0)]
    crop = image[max(sides[1], 0) : sides[3], max(sides[0], 0) : sides[2]]
    if any(over):
        crop = cv2.copyMakeBorder(crop, over[0], over[1], over[2], over[3], cv2.BORDER_REPLICATE)
    way = cv2.INTER_AREA if crop.shape[0] > SIDE and crop.shape[1] > SIDE else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(crop, (SIDE, SIDE), interpolation=way), np.float32)


def _numbers(patches: NDArray[np.float32]) -> tuple[Numbers, NDArray[np.bool_]]:
    """(m, FEATURES) of patches (m, SIDE, SIDE, 3), and which of them stand out from their ground."""
    m = len(patches)
    grey = patches @ np.array([0.114, 0.587, 0.299], np.float32)
    lift = grey - np.median(grey[:, ~_WITHIN], axis=1)[:, None, None]
    contrast = np.sqrt((lift[:, RIM:-RIM, RIM:-RIM] ** 2).mean((1, 2)))
    shown = lift / np.maximum(contrast, FAINT)[:, None, None]
    soft = np.stack([cv2.GaussianBlur(each, (0, 0), 1.0) for each in shown])
    within = soft[:, RIM:-RIM, RIM:-RIM]
    fine = np.sqrt(((shown - soft)[:, RIM:-RIM, RIM:-RIM] ** 2).mean((1, 2)))
    cells = within.reshape(m, CELLS, BOX // CELLS, CELLS, BOX // CELLS).mean((2, 4)).reshape(m, -1)
    rings = soft.reshape(m, -1)[:, _PLACES].mean(2)
    waves = np.abs(np.fft.rfft(rings[:, 1:], axis=2))[:, :, 1 : ORDERS + 1] * (2 / ANGLES)
    parts = np.quantile(within.reshape(m, -1), (0.1, 0.25, 0.5, 0.75, 0.9), axis=1).T
    found = [cells, rings.mean(2), waves.reshape(m, -1), parts, _colours(patches), np.log(fine + 0.05)[:, None]]
    return np.concatenate(found, 1).astype(np.float64), contrast > FAINT


def _colours(patches: NDArray[np.float32]) -> Numbers:
    """(m, 4) mean and spread of blue and of red to green inside, beside those of the ground (log)."""
    logs = np.log(patches + DARK)
    found = np.stack([logs[..., 0] - logs[..., 1], logs[..., 2] - logs[..., 1]], -1)
    found = found - found[:, ~_WITHIN].mean(1)[:, None, None]
    within = found[:, RIM:-RIM, RIM:-RIM]
    return np.asarray(np.concatenate([within.mean((1, 2)), within.std((1, 2))], 1), np.float64)
