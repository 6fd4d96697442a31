"""What became of dark and bright alike: more or less light, another curve, or a veil over the whole picture.

Light that is multiplied keeps its contrast beside the light, a curve moves level and contrast together, a veil takes
contrast and leaves the level nearly where it was. All three show in the shares of grey levels, wherever they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tasks.camera.frames import Floats, Frames

SHARES = np.linspace(0.05, 0.95, 19)
"""Shares of the places of a picture whose grey levels are compared."""
WHITE = 256.0
LEAST_SPREAD = 0.05
"""Spread of ln grey levels from which there is a contrast to speak of."""
MOST_PLACES = 0.75


@dataclass(frozen=True, slots=True, kw_only=True)
class Tone:
    """`level` is ln of the exponent that brings the old median grey level to the new one (below 0: nearer to white).

    `slope` is the contrast of ln grey levels against the reference, 1 where there was none. `fade` is by how much the
    logarithm of detail fell in most places (below 0: in many it rose), coarse detail included.
    """

    level: float
    slope: float
    fade: float


def tone(reference: Frames, current: Frames) -> Tone:
    """The tone of the current images against the reference; both hold at least one image."""
    before, after = _levels(reference), _levels(current)
    middle = len(SHARES) // 2
    slope = float(np.polyfit(before, after, 1)[0]) if np.ptp(before) >= LEAST_SPREAD else 1.0
    coarse = np.median(reference.octaves, axis=0) - np.median(current.octaves, axis=0)
    return Tone(
        level=float(np.log(after[middle] / before[middle])),
        slope=slope,
        fade=min(_fade(reference, current), float(coarse.min()) / 2),
    )


def _levels(frames: Frames) -> Floats:
    """(19,) ln grey levels, 0 for white, below which these shares of a picture lie, on average over the pictures: what
    differs from picture to picture is no contrast, and a veil takes none of it.
    """
    each = np.quantile(frames.luma.reshape(len(frames), -1), SHARES, axis=1)
    return np.asarray(np.log((each + 1) / (WHITE + 1)).mean(axis=1), dtype=np.float64)


def _fade(reference: Frames, current: Frames) -> float:
    before, after = (np.expm1(np.median(frames.detail, axis=0)) + 0.1 for frames in (reference, current))
    fall: Floats = np.log(before / after)
    return float(np.quantile(fall, 1 - MOST_PLACES))
