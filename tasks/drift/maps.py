"""Where in the picture there is light and detail, which way its edges run, and how fine its detail is.

Four small arrays per picture, from which the health of a camera is told: dirt and covers take detail from fixed
places, a knock turns the edges, a lens out of focus takes the finest detail first.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.domain.tables import DETAIL_SIDE, DETAIL_STEP, LUMA_SIDE, OCTAVES, ORIENTATIONS

SIDE = 160
"""Pixels of the longer side on which places and directions are measured: halving twice takes most of the noise."""

Pixels = NDArray[np.uint8]
Gradients = tuple[NDArray[np.float32], NDArray[np.float32]]
"""Size of the change per pixel in grey levels, and its direction in degrees [0, 360)."""


def fitted(luma: Pixels, side: int) -> Pixels:
    """(h, w) luma with its longer side at most `side`."""
    scale = side / max(luma.shape)
    if scale >= 1:
        return luma
    height, width = (max(1, round(each * scale)) for each in luma.shape)
    return np.asarray(cv2.resize(luma, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def shrunk(luma: Pixels) -> Pixels:
    """(h, w) luma at the size on which places and directions are measured."""
    return fitted(luma, SIDE)


def luma_map(luma: Pixels) -> bytes:
    """Mean luma of a 32 × 32 grid, row by row, one byte a cell."""
    return np.ascontiguousarray(cv2.resize(luma, (LUMA_SIDE, LUMA_SIDE), interpolation=cv2.INTER_AREA)).tobytes()


def gradients(luma: Pixels) -> Gradients:
    """Change of (h, w) luma per pixel, and its direction."""
    across = cv2.Sobel(luma, cv2.CV_32F, 1, 0, scale=1 / 8)
    down = cv2.Sobel(luma, cv2.CV_32F, 0, 1, scale=1 / 8)
    size, angle = cv2.cartToPolar(across, down, angleInDegrees=True)
    return np.asarray(size, dtype=np.float32), np.asarray(angle, dtype=np.float32)


def detail_map(found: Gradients) -> bytes:
    """Mean change per pixel in a 16 × 16 grid, as its logarithm: one byte a cell, ln(1 + change) / `DETAIL_STEP`."""
    cells = cv2.resize(found[0], (DETAIL_SIDE, DETAIL_SIDE), interpolation=cv2.INTER_AREA)
    steps: Pixels = np.clip(np.rint(np.log1p(cells) / DETAIL_STEP), 0, 255).astype(np.uint8)
    return steps.tobytes()


def orientation(found: Gradients) -> list[float]:
    """Which way edges run: shares of the total change in 36 bins of 5 degrees of [0, 180); all 0 without any edge."""
    size, angle = found
    width = 180 / ORIENTATIONS
    place = (angle.ravel() / width).astype(np.int64) % ORIENTATIONS
    weight = np.bincount(place, weights=size.ravel(), minlength=ORIENTATIONS)
    return [float(share) for share in weight / (weight.sum() or 1.0)]


def octaves(luma: Pixels) -> list[float]:
    """How much detail (h, w) luma has at each scale, the finest first: ln variance of the Laplacian, halved 3 times.

    A lens out of focus takes the finest octave first; failing light takes as much from all. The first one is
    sharpness; without any detail it is about -6.9. Sources: Pech-Pacheco et al., Diatom autofocusing in brightfield
    microscopy, ICPR 2000; Field, Relations between the statistics of natural images and the response properties of
    cortical cells, JOSA A 4 (1987).
    """
    found, level = [], luma.astype(np.float32)
    for _ in range(OCTAVES):
        found.append(math.log(_variance(cv2.Laplacian(level, cv2.CV_32F)) + 1e-3))
        level = cv2.pyrDown(level) if min(level.shape) > 1 else level
    return found


def _variance(values: NDArray[np.float32]) -> float:
    return float(max(0.0, cv2.norm(values, cv2.NORM_L2) ** 2 / values.size - cv2.mean(values)[0] ** 2))
