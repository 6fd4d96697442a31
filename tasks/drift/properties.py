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
from tasks.drift.decoding import Picture, Pixels, decoded, halved, picture_of

SIDE = 320
"""Pixels of the longer side for light, and of the centre crop for focus and noise."""
DARK, BRIGHT = 5, 250
LEVELS = 256
_OPPONENT = np.array([[0, -1, 1], [-1, 0.5, 0.5]], dtype=np.float32)
"""Red minus green, and yellow minus blue, from blue, green and red."""

Counts = NDArray[np.float64]


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
    colour_map: bytes | None = None

    def row(self) -> dict[str, Any]:
        """The properties as columns of a `profiles` row."""
        return asdict(self)


def of_file(path: Path) -> Properties:
    """The properties of an image file, turned as its EXIF says; all nan when it is no picture."""
    picture = decoded(path.read_bytes())
    return Properties() if picture is None else of_picture(picture)


def of_image(image: Pixels) -> Properties:
    """The properties of a (h, w, 3) uint8 BGR picture of any size from 1 x 1."""
    return of_picture(picture_of(image))


def of_picture(picture: Picture) -> Properties:
    """The properties of a decoded picture.

    Focus and noise are measured on a centre crop at the original resolution, because shrinking hides blur; light on
    the picture shrunk to 320 pixels, places and directions on it halved. Brightness is the mean, contrast the
    standard deviation of luma.
    """
    small = _shrunk(picture.luma)
    counts = histogram(small)
    places = halved(small, maps.SIDE)
    edges = maps.gradients(places)
    crop = _centre(picture.luma)
    across, down = _gradients(places)
    brightness = float(counts @ np.arange(LEVELS))
    octaves = maps.octaves(crop)
    return Properties(
        brightness=brightness,
        contrast=math.sqrt(float(counts @ (np.arange(LEVELS) - brightness) ** 2)),
        dark_fraction=float(counts[:DARK].sum()),
        bright_fraction=float(counts[BRIGHT + 1 :].sum()),
        sharpness=octaves[0],
        noise=noise(crop),
        entropy=entropy(counts),
        gradient_x=across,
        gradient_y=down,
        colourfulness=0.0 if picture.colour is None else colourfulness(picture.colour),
        dhash=dhash(places),
        luma_map=maps.luma_map(places),
        detail_map=maps.detail_map(edges),
        orientation=maps.orientation(edges),
        octaves=octaves,
        colour_map=None if picture.colour is None else maps.colour_map(halved(picture.colour, maps.COLOURS)),
    )


def histogram(luma: Pixels) -> Counts:
    """The share of each of the 256 grey levels, (256,)."""
    counts: Counts = cv2.calcHist([luma], [0], None, [LEVELS], [0, LEVELS]).ravel().astype(np.float64)
    return counts / luma.size


def noise(luma: Pixels) -> float:
    """Standard deviation of the noise of (h, w) luma, in grey levels; 0 for pictures under 3 pixels.

    Source: Immerkær, Fast noise variance estimation, CVIU 64 (1996); its mask is the second difference across of
    the second difference down.
    """
    if min(luma.shape) < 3:
        return 0.0
    response = cv2.Sobel(luma, cv2.CV_16S, 2, 2, ksize=3)[1:-1, 1:-1]
    return float(cv2.norm(response, cv2.NORM_L1) / response.size * math.sqrt(math.pi / 2) / 6)


def entropy(shares: Counts) -> float:
    """Shannon entropy of a luma histogram in 64 bins, in bits: 0 (one grey) to 6."""
    share = shares.reshape(64, -1).sum(axis=1)
    share = share[share > 0]
    return float(-(share * np.log2(share)).sum()) + 0.0


def colourfulness(image: Pixels) -> float:
    """How colourful a BGR picture is: 0 for grey, about 100 for very colourful.

    Source: Hasler & Süsstrunk, Measuring colourfulness in natural images, SPIE 5007 (2003).
    """
    middle, spread = cv2.meanStdDev(cv2.transform(image.astype(np.float32), _OPPONENT))
    return math.hypot(*spread.ravel().tolist()) + 0.3 * math.hypot(*middle.ravel().tolist())


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
    across = _mean(luma[:, -half_x:]) - _mean(luma[:, :half_x])
    return across, _mean(luma[-half_y:]) - _mean(luma[:half_y])


def _mean(luma: Pixels) -> float:
    return float(cv2.mean(luma)[0])


def _shrunk(luma: Pixels) -> Pixels:
    luma = halved(luma, 2 * SIDE)
    scale = SIDE / max(luma.shape)
    if scale >= 1:
        return luma
    height, width = (max(1, round(each * scale)) for each in luma.shape)
    return np.asarray(cv2.resize(luma, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _centre(luma: Pixels) -> Pixels:
    height, width = luma.shape
    top, left = max(0, (height - SIDE) // 2), max(0, (width - SIDE) // 2)
    return luma[top : top + SIDE, left : left + SIDE]
