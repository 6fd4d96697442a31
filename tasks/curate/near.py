"""The same scene twice: a training image that shows what a test image shows makes the test worthless."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

SIDE = 32
"""Side of the thumbnails that are compared: noise and compression average out, a new object does not."""

PEAK = 8
"""The one most different spot may differ by so many times the mean limit: a small new object is a new scene."""

Thumbnails = NDArray[np.float32]


def thumbnails(paths: list[Path]) -> Thumbnails:
    """(n, 1024) grey levels 0..255; an image that cannot be decoded is all nan and so is nobody's duplicate."""
    return np.stack([_thumbnail(path) for path in paths]) if paths else np.zeros((0, SIDE * SIDE), np.float32)


def duplicated(candidates: Thumbnails, tested: Thumbnails, levels: float) -> NDArray[np.bool_]:
    """(n,): which candidates show the scene of any tested image.

    Two images are one scene when their thumbnails differ by less than `levels` on average and by less than
    `PEAK` times that anywhere. `levels` 0 finds nothing.
    """
    found = np.zeros(len(candidates), dtype=bool)
    if levels <= 0 or not len(tested) or not len(candidates):
        return found
    order = np.argsort(tested.mean(1))
    ranked, means = tested[order], tested.mean(1)[order]
    for row, image in enumerate(candidates):
        mean = image.mean()  # the means of two images differ by no more than the images do on average
        near = ranked[np.searchsorted(means, mean - levels) : np.searchsorted(means, mean + levels, side="right")]
        apart = np.abs(near - image)
        found[row] = bool(((apart.mean(1) < levels) & (apart.max(1, initial=0.0) < PEAK * levels)).any())
    return found


def _thumbnail(path: Path) -> Thumbnails:
    image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if image is None:
        return np.full(SIDE * SIDE, np.nan, np.float32)
    small = cv2.resize(np.asarray(image), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return np.asarray(small, dtype=np.float32).reshape(-1)
