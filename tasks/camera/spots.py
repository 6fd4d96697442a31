"""Places that are another part of the picture in nearly all images, while the picture as a whole stayed what it was.

What sticks to a lens is the same in every scene: a place that it changes is darker, brighter, plainer or richer than
it used to be whatever passes. What is photographed passes, and changes a place in some images only, or all of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import label

from tasks.camera.frames import Floats, Frames
from tasks.domain.tables import DETAIL_SIDE, LUMA_SIDE

LEAST = (0.12, 0.15)
"""Least change of ln light, and of the logarithm of detail, of a place beside the rest of its picture."""
USUAL = (0.1, 0.9)
"""Shares of the reference between which a place is as it usually is."""
HALF = (0.25, 0.75)
"""Three quarters of the images must lie beyond three quarters of the reference, and that far from its middle."""
TOGETHER = 2
"""Places that hang together, at least: one alone may be a thing of the scene's."""
DARK = 4.0
"""Grey levels added before a logarithm is taken: in the dark one level is nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spots:
    """Shares of the picture: `apart` is another one in nearly all images, `calm` is as it was.

    `side` is the share of one side of the frame that is apart, of that with most.
    """

    apart: float
    calm: float
    side: float = 0.0


def spots(reference: Frames, current: Frames) -> Spots:
    """Where the current images differ from the reference throughout, beside what became of the whole picture."""
    apart, calm = np.zeros((DETAIL_SIDE, DETAIL_SIDE), bool), np.ones((DETAIL_SIDE, DETAIL_SIDE), bool)
    for before, after, least in zip(_beside(reference), _beside(current), LEAST, strict=True):
        low, high = np.quantile(before, USUAL, axis=0)
        change = np.median(after, axis=0) - np.median(before, axis=0)
        middle, (least_before, most_before) = np.median(before, axis=0), np.quantile(before, HALF, axis=0)
        least_after, most_after = np.quantile(after, HALF, axis=0)
        above = least_after >= np.maximum(most_before, middle + least)
        apart |= above | (most_after <= np.minimum(least_before, middle - least))
        calm &= np.abs(change) <= np.maximum((high - low) / 4, least)
    found = _together(apart)
    sides = (found[0], found[-1], found[:, 0], found[:, -1])
    return Spots(apart=float(found.mean()), calm=float(calm.mean()), side=max(float(each.mean()) for each in sides))


def _beside(frames: Frames) -> tuple[Floats, Floats]:
    """(n, 16, 16) ln light and detail of every place, beside the median place of its picture."""
    step = LUMA_SIDE // DETAIL_SIDE
    light = frames.luma.reshape(-1, DETAIL_SIDE, step, DETAIL_SIDE, step).mean(axis=(2, 4))
    both = (np.log(light + DARK), frames.detail)
    first, second = (each - np.median(each, axis=(1, 2), keepdims=True) for each in both)
    return first, second


def _together(places: NDArray[np.bool_]) -> NDArray[np.bool_]:
    numbers, _ = label(places, np.ones((3, 3)))
    large = np.flatnonzero(np.bincount(numbers.ravel()) >= TOGETHER)
    return np.asarray(np.isin(numbers, large[large > 0]), dtype=bool)
