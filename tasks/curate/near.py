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

GAIN, OFFSET = 0.03, 4
"""Light that may lie between two pictures of one scene: a share of the contrast, and so many times the mean limit."""

STRUCTURE = 4.0
"""Grey levels (standard deviation) from which a thumbnail shows something: plain surfaces differ by nothing but their
light, so that it is not taken off.
"""

Thumbnails = NDArray[np.float32]


def thumbnails(paths: list[Path]) -> Thumbnails:
    """(n, 1024) grey levels 0..255; an image that cannot be decoded is all nan and so is nobody's duplicate."""
    return np.stack([_thumbnail(path) for path in paths]) if paths else np.zeros((0, SIDE * SIDE), np.float32)


def duplicated(candidates: Thumbnails, tested: Thumbnails, levels: float) -> NDArray[np.bool_]:
    """(n,): which candidates show the scene of any tested image.

    Two images are one scene when their thumbnails differ by less than `levels` on average and by less than
    `PEAK` times that anywhere, as they are or under a little more or less light. `levels` 0 finds nothing.

    A picture that was moved, cut or mirrored is not found: parts that lie almost alike on one belt would be, too.
    """
    found = np.zeros(len(candidates), dtype=bool)
    if levels <= 0 or not len(tested) or not len(candidates):
        return found
    ranked = tested[np.argsort(tested.mean(1))]
    means = ranked.mean(1)
    centred = ranked - means[:, None]
    power = (centred**2).mean(1)
    for row, image in enumerate(candidates):
        mean, most = image.mean(), OFFSET * levels  # means differ by no more than the images do on average
        near = slice(np.searchsorted(means, mean - most), np.searchsorted(means, mean + most, side="right"))
        shows = power[near] >= STRUCTURE**2
        lit = _under_one_light(centred[near][shows], power[near][shows], image - mean)
        found[row] = any(
            bool(((apart.mean(1) < levels) & (apart.max(1, initial=0.0) < PEAK * levels)).any())
            for apart in (np.abs(ranked[near] - image), lit)
        )
    return found


def _under_one_light(tested: Thumbnails, power: Thumbnails, own: Thumbnails) -> Thumbnails:
    """(n, 1024) what is left between an image and those of (n, 1024), all of mean 0, when contrasts are made equal.

    `power` (n,) is the mean square of each; it is not 0.
    """
    gain = np.clip((tested @ own) / (len(own) * power), 1 - GAIN, 1 + GAIN)
    return np.asarray(np.abs(own - gain[:, None] * tested), dtype=np.float32)


def _thumbnail(path: Path) -> Thumbnails:
    image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if image is None:
        return np.full(SIDE * SIDE, np.nan, np.float32)
    small = cv2.resize(np.asarray(image), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return np.asarray(small, dtype=np.float32).reshape(-1)
