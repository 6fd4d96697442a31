"""Where in the picture there is light and detail, which way its edges run, and how fine its detail is.

Five small arrays per picture, from which the health of a camera is told: dirt and covers take detail from fixed
places, a knock turns the edges, a lens out of focus takes the finest detail first, a filter tints all places alike.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.domain.tables import COLOUR_SIDE, COLOUR_STEP, DETAIL_SIDE, DETAIL_STEP, LUMA_SIDE, OCTAVES, ORIENTATIONS

SIDE = 240
"""Places and directions are measured on a picture halved until its longer side is shorter: most noise is gone there."""
COLOURS = 200
"""Colours by place are measured on a picture halved until its longer side is shorter."""

Pixels = NDArray[np.uint8]
Gradients = tuple[NDArray[np.float32], NDArray[np.float32]]
"""Size of the change per pixel in grey levels, and its direction in degrees [0, 360)."""


def luma_map(luma: Pixels) -> bytes:
    """Mean luma of a 32 × 32 grid, row by row, one byte a cell."""
    return np.ascontiguousarray(cv2.resize(luma, (LUMA_SIDE, LUMA_SIDE), interpolation=cv2.INTER_AREA)).tobytes()


def colour_map(colour: Pixels) -> bytes:
    """Mean blue, green and red (h, w, 3) in an 8 × 8 grid, row by row, in steps of `COLOUR_STEP` of 16 bits each.

    Whether a picture has one colour only is told from less than the step between two grey levels.
    """
    cells = cv2.resize(colour.astype(np.float32), (COLOUR_SIDE, COLOUR_SIDE), interpolation=cv2.INTER_AREA)
    steps: NDArray[np.uint16] = np.rint(cells / COLOUR_STEP).astype("<u2")
    return steps.tobytes()


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
    place = (angle.ravel() * (ORIENTATIONS / 180)).astype(np.uint8)
    weight = np.bincount(place, weights=size.ravel(), minlength=3 * ORIENTATIONS)  # 360 degrees may round to one more
    turned: NDArray[np.float64] = weight[: 3 * ORIENTATIONS].reshape(3, ORIENTATIONS).sum(axis=0)
    return [float(share) for share in turned / (turned.sum() or 1.0)]


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
