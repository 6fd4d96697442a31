"""From the bytes of an image file to what is measured: all grey pixels, and its colours at a reduced size.

Most of the time of a profile goes into decoding, and of that into pixels which nobody looks at: focus and noise
need every grey pixel, colour needs few. A JPEG keeps light and colour apart, so its grey pixels are decoded without
the colours, and the colours at an eighth, a quarter or half of the size; together that is quicker than all of it once.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]

COLOUR_SIDE = 160
"""Pixels that the longer side keeps at least where colours are reduced; under twice as many when they are."""
_REDUCED = {8: cv2.IMREAD_REDUCED_COLOR_8, 4: cv2.IMREAD_REDUCED_COLOR_4, 2: cv2.IMREAD_REDUCED_COLOR_2}
_PNG, _PNG_GREY = b"\x89PNG\r\n\x1a\n", (0, 4)
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """Luma (h, w) of every pixel, and (k, l, 3) BGR at a reduced size; None for a picture without colours."""

    luma: Pixels
    colour: Pixels | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What a JPEG's header says: its longer side, how many components, and whether one pass decodes it."""

    side: int
    components: int
    sequential: bool


def decoded(data: bytes) -> Picture | None:
    """The picture in these bytes, turned as its EXIF says; None when it is no picture."""
    frame = jpeg_frame(data)
    grey = frame.components == 1 if frame else data[:8] == _PNG and data[25:26] in {bytes([t]) for t in _PNG_GREY}
    if grey:
        luma = _pixels(data, cv2.IMREAD_GRAYSCALE)
        return None if luma is None else Picture(luma=luma, colour=None)
    times = next((n for n in _REDUCED if frame and frame.side >= n * COLOUR_SIDE), 1)
    if frame is None or times == 1 or not frame.sequential or frame.components != 3:
        image = _pixels(data, cv2.IMREAD_COLOR)
        return None if image is None else picture_of(image)
    luma, colour = _pixels(data, cv2.IMREAD_GRAYSCALE), _pixels(data, _REDUCED[times])
    return None if luma is None or colour is None else Picture(luma=luma, colour=halved(colour, 2 * COLOUR_SIDE))


def picture_of(image: Pixels) -> Picture:
    """What is measured of a (h, w, 3) BGR picture that is decoded already."""
    luma = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), dtype=np.uint8)
    return Picture(luma=luma, colour=halved(image, 2 * COLOUR_SIDE))


def halved(image: Pixels, below: int) -> Pixels:
    """The picture halved until its longer side is under `below` pixels: many times quicker than any other factor."""
    while max(image.shape[:2]) >= below and min(image.shape[:2]) > 1:
        height, width = (side // 2 for side in image.shape[:2])
        even = image[: 2 * height, : 2 * width]
        image = np.asarray(cv2.resize(even, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)
    return image


def jpeg_frame(data: bytes) -> Frame | None:
    """The frame header of a JPEG; None when these bytes are none, or are cut off before it.

    Source: ITU-T T.81, Digital compression and coding of continuous-tone still images (1992), annex B.
    """
    place = 2 if data[:2] == b"\xff\xd8" else len(data)
    while place + 9 < len(data) and data[place] == 0xFF:
        marker = data[place + 1]
        if marker in _FRAMES:
            height, width = (int.from_bytes(data[place + n : place + n + 2]) for n in (5, 7))
            return Frame(side=max(height, width), components=data[place + 9], sequential=marker in (0xC0, 0xC1))
        if marker == 0xFF:  # a byte of padding
            place += 1
        else:
            place += 2 if marker in _WITHOUT_LENGTH else 2 + int.from_bytes(data[place + 2 : place + 4])
    return None


def _pixels(data: bytes, how: int) -> Pixels | None:
    if not data:
        return None
    try:
        image = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), how)
    except cv2.error:
        return None
    return None if image is None else np.asarray(image, dtype=np.uint8)
