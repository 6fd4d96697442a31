"""Measurable properties of one picture that need no model: light, focus, noise, colour, and a hash for its scene."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.drift import maps

PROFILER_VERSION = "2"
"""Changes whenever a number below is computed in another way: profiles of another version are never mixed."""

SIDE = 320
"""Pixels of the longer side for light and colour, and of the centre crop for focus and noise."""
DARK, BRIGHT = 5, 250
_IMMERKAER = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], dtype=np.float64)

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class Properties:
    """The numbers of one picture; luma is 0..255, fractions are 0..1, nan where there is no picture."""

    brightness: float = math.nan
    contrast: float = math.nan
    dark_fraction: float = math.nan
    bright_fraction: float = math.nan
    sharpness: float = math.nan
    noise: float = math.nan
    entropy: float = math.nan
    gradient_x: float = math.nan
    gradient_y: float = math.nan
    colourfulness: float = math.nan
    dhash: str = ""
    luma_map: bytes | None = None
    detail_map: bytes | None = None
    orientation: list[float] | None = None
    octaves: list[float] | None = None

    def row(self) -> dict[str, Any]:
        """The properties as columns of a `profiles` row."""
        return asdict(self)


def of_file(path: Path) -> Properties:
    """The properties of an image file, decoded once and turned as its EXIF says; all nan when it is no picture."""
    data = np.frombuffer(path.read_bytes(), dtype=np.uint8)
    if not len(data):
        return Properties()
    try:
        image = cv2.imdecode(data, cv2.IMREAD_COLOR)
    except cv2.error:
        return Properties()
    return Properties() if image is None else of_image(image)


def of_image(image: Pixels) -> Properties:
    """The properties of a (h, w, 3) uint8 BGR picture of any size from 1 × 1.

    Focus and noise are measured on a centre crop at the original resolution, because shrinking hides blur; the
    rest on the picture shrunk to 320 pixels. Brightness is the mean, contrast the standard deviation of luma.
    """
    small = _shrunk(image)
    luma = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY)
    crop = cv2.cvtColor(_centre(image), cv2.COLOR_BGR2GRAY).astype(np.float64)
    across, down = _gradients(luma)
    edges = maps.gradients(luma)
    return Properties(
        brightness=float(luma.mean()),
        contrast=float(luma.std()),
        dark_fraction=float((luma < DARK).mean()),
        bright_fraction=float((luma > BRIGHT).mean()),
        sharpness=sharpness(crop),
        noise=noise(crop),
        entropy=entropy(luma),
        gradient_x=across,
        gradient_y=down,
        colourfulness=colourfulness(small),
        dhash=dhash(luma),
        luma_map=maps.luma_map(luma),
        detail_map=maps.detail_map(edges),
        orientation=maps.orientation(edges),
        octaves=maps.octaves(crop),
    )


def sharpness(luma: NDArray[np.float64]) -> float:
    """Natural logarithm of the variance of the Laplacian of (h, w) luma; about -6.9 for a picture without detail.

    Source: Pech-Pacheco et al., Diatom autofocusing in brightfield microscopy, ICPR 2000.
    """
    return math.log(float(cv2.Laplacian(luma, cv2.CV_64F).var()) + 1e-3)


def noise(luma: NDArray[np.float64]) -> float:
    """Standard deviation of the noise of (h, w) luma, in grey levels; 0 for pictures under 3 pixels.

    Source: Immerkær, Fast noise variance estimation, CVIU 64 (1996).
    """
    if min(luma.shape) < 3:
        return 0.0
    response = cv2.filter2D(luma, cv2.CV_64F, _IMMERKAER)[1:-1, 1:-1]
    return float(np.abs(response).mean() * math.sqrt(math.pi / 2) / 6)


def entropy(luma: Pixels) -> float:
    """Shannon entropy of the 64-bin luma histogram, in bits: 0 (one grey) to 6."""
    counts = np.bincount(luma.ravel() // 4, minlength=64)
    share = counts[counts > 0] / luma.size
    return float(-(share * np.log2(share)).sum()) + 0.0


def colourfulness(image: Pixels) -> float:
    """How colourful a BGR picture is: 0 for grey, about 100 for very colourful.

    Source: Hasler & Süsstrunk, Measuring colourfulness in natural images, SPIE 5007 (2003).
    """
    blue, green, red = (image[..., channel].astype(np.float64) for channel in range(3))
    red_green, yellow_blue = red - green, (red + green) / 2 - blue
    spread = math.hypot(float(red_green.std()), float(yellow_blue.std()))
    return spread + 0.3 * math.hypot(float(red_green.mean()), float(yellow_blue.mean()))


def dhash(luma: Pixels) -> str:
    """The 64-bit difference hash of a picture as 16 hex digits: is each cell of a 8 × 8 grid darker than the next?

    Near-duplicates differ in a few bits, whatever the light. Source: Krawetz, "Kind of like that" (2013).
    """
    grid = cv2.resize(luma, (9, 8), interpolation=cv2.INTER_AREA)
    bits = (grid[:, 1:] > grid[:, :-1]).ravel()
    return np.packbits(bits).tobytes().hex()


def _gradients(luma: Pixels) -> tuple[float, float]:
    """Mean luma of the right half minus the left, and of the lower half minus the upper."""
    height, width = luma.shape
    half_x, half_y = max(1, width // 2), max(1, height // 2)
    across = float(luma[:, -half_x:].mean() - luma[:, :half_x].mean())
    return across, float(luma[-half_y:].mean() - luma[:half_y].mean())


def _shrunk(image: Pixels) -> Pixels:
    height, width = image.shape[:2]
    scale = SIDE / max(height, width)
    if scale >= 1:
        return image
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    shrunk: Pixels = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return shrunk


def _centre(image: Pixels) -> Pixels:
    height, width = image.shape[:2]
    top, left = max(0, (height - SIDE) // 2), max(0, (width - SIDE) // 2)
    return image[top : top + SIDE, left : left + SIDE]
