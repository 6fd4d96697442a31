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
TWO = 0.9
"""Share of the variance of light that two lights explain when there are two."""
CLEAR = 0.4
"""From one half, the share of the images around an hour that must have one of two lights to say that it is the light.
"""
RARE = 0.1
"""Share of the images below which the rarer of two lights is none."""
APART = 0.4
"""How far two lights are apart at least: the natural logarithm of 1.5."""


def same_hours(reference: Frames, current: Frames, least: int) -> tuple[Frames, Frames]:
    """Reference and window cut down to the hours and the face they share, when at least `least` images are left.

    Of the reference twice as many must be left: what a camera's healthy time spans is told from parts of it.
    """
    current = _one_face(reference, current, least)
    for width in WIDTHS:
        near = _near(reference.hour, current.hour, width).any(axis=1)
        if near.sum() >= 2 * least:
            return _one_light(reference.take(np.flatnonzero(near)), current, least)
    return reference, current


def expected_colour(reference: Frames, hours: Floats) -> Floats:
    """(n,) the colour that the reference has around each of the hours, in most of its images; nan where it has none."""
    return expected(reference.colour, reference.hour, hours, COLOURED)


def expected(known: Floats, at: Floats, hours: Floats, least: float) -> Floats:
    """(n,) the median of what was known `at` the hours around each of `hours`; nan where it was often below `least`."""
    found = np.full(len(hours), np.nan)
    for place, near in enumerate(_near(at, hours, TWILIGHT).T):
        if near.any() and np.quantile(known[near], SOME) >= least:
            found[place] = np.median(known[near])
    return found


def _one_light(reference: Frames, current: Frames, least: int) -> tuple[Frames, Frames]:
    """Both cut down to one of two lights, where the reference knows two at this time of day: lamps go on at an hour.

    A window that holds both is judged by that of most of its images. Where the hour says which of the two it is,
    an image is of that one, whatever it looks like: a dark day is no night.
    """
    known, seen = _light(reference), _light(current)
    edge = _between(known)
    if edge is None or not len(seen):
        return reference, current
    near = _near(current.hour, reference.hour, WIDTHS[0])
    share = (near & (known >= edge)).sum(axis=1) / np.maximum(near.sum(axis=1), 1)
    clear = near.any(axis=1) & (np.abs(share - 0.5) >= CLEAR)
    lit = np.where(clear, share >= 0.5, seen >= edge)
    most = (lit[clear] if clear.sum() >= least else lit).mean() >= 0.5
    before, after = (np.flatnonzero(side == most) for side in (known >= edge, lit))
    if min(len(before), len(after)) < least:
        return reference, current
    return reference.take(before), current.take(after)


def _light(frames: Frames) -> Floats:
    """(n,) logarithm of each image's mean luma."""
    return np.asarray(np.log(frames.luma.mean(axis=(1, 2)) + 1.0))


def _between(light: Floats) -> float | None:
    """A value between two lights when images have one of two; None for one light, or one that changes little by little.

    Otsu's split (A threshold selection method from gray-level histograms, IEEE Trans. SMC 9, 1979) explains 64 % of the
    variance of a normal distribution and 75 % of a uniform one.
    """
    ordered = np.sort(light)
    first = np.arange(1, len(ordered))
    sums = np.cumsum(ordered)[:-1]
    low, high = sums / first, (ordered.sum() - sums) / (len(ordered) - first)
    share = first / len(ordered)
    explained = share * (1 - share) * (high - low) ** 2
    place = int(np.argmax(explained)) if len(first) else 0
    total = float(ordered.var()) if len(ordered) else 0.0
    few = not len(first) or min(share[place], 1 - share[place]) < RARE
    if few or explained[place] < TWO * total or high[place] - low[place] < APART:
        return None
    return float((low[place] + high[place]) / 2)


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
