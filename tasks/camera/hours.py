"""Pictures of the same hours of the day: night is held against night, and infrared light against infrared light.

Many cameras switch to infrared light when it gets dark, so they have two faces, and both are healthy at their hours.
A window is held against what the reference shows at these hours, where it knows them; and of a window that holds both
faces only one is judged, that of the day where there is enough of it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tasks.camera.frames import Floats, Frames

WIDTHS = (1.5, 3.0)
"""Hours to either side that count as the same time of day; the wider ones when there are too few images."""
TWILIGHT = 2.0
"""Hours around a moment in which a camera may switch: the sun is not on time all year."""
SOME = 0.25
"""Share of the images around an hour that must be without colour to say that the camera has none then."""
COLOURED = 0.03
"""Colourfulness per grey level below which a picture has no colour to lose."""


def same_hours(reference: Frames, current: Frames, least: int) -> tuple[Frames, Frames]:
    """Reference and window cut down to the hours and the face they share, when at least `least` images are left.

    Of the reference twice as many must be left: what a camera's healthy time spans is told from parts of it.
    """
    current = _one_face(reference, current, least)
    for width in WIDTHS:
        near = _near(reference.hour, current.hour, width).any(axis=1)
        if near.sum() >= 2 * least:
            return reference.take(np.flatnonzero(near)), current
    return reference, current


def expected_colour(reference: Frames, hours: Floats) -> Floats:
    """(n,) the colour that the reference has around each of the hours, in most of its images; nan where it has none."""
    found = np.full(len(hours), np.nan)
    for place, near in enumerate(_near(reference.hour, hours, TWILIGHT).T):
        if near.any() and np.quantile(reference.colour[near], SOME) >= COLOURED:
            found[place] = np.median(reference.colour[near])
    return found


def _one_face(reference: Frames, current: Frames, least: int) -> Frames:
    coloured = np.isfinite(expected_colour(reference, current.hour))
    for face in (coloured, ~coloured):
        if face.sum() >= least:
            return current.take(np.flatnonzero(face))
    return current


def _near(these: Floats, those: Floats, width: float) -> NDArray[np.bool_]:
    """(n, m): which moments lie within so many hours of each other on the clock."""
    apart = np.abs(these[:, None] - those[None, :])
    return np.asarray(np.minimum(apart, 24 - apart) <= width)
