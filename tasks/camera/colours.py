"""The colours of a camera: how much of their variety is left, and whether one tint lies over all of them.

A picture of one colour is a picture without colours: its red, green and blue follow from its brightness, whatever the
tone in which it is shown. A cast is the opposite: things differ in colour as they did, and all places, background and
products alike, have more or less of a colour than the light explains. Something coloured that passes changes the places
that it passes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.camera.frames import Floats, Frames
from tasks.camera.hours import expected, expected_colour

VARIED = 0.003
"""Variety of colours, per grey level, below which a camera has no other colours to lose than that of its light."""
BURNT, DARK = 235.0, 8.0
"""Grey levels of the brightest channel from which colours are cut off, and those added before a logarithm is taken."""
LEAST_LIT, LEAST_SPREAD = 0.25, 0.1
"""Share of places that must show a colour, and spread of ln light from which there is a curve of tones to speak of."""
STEEPEST = 3.0
"""Curves are not steeper or flatter than this."""
HALF = 0.5
"""A place that has this part of the common tint has it; of the images, so many must have colours."""
AGAINST = 0.8
"""Cosine from which a tint is against that of the picture."""
PALE = 0.3
"""Part of its usual colour that a picture has which is not grey."""
WEIGHTS = np.array([0.114, 0.587, 0.299])
"""Luma from blue, green and red."""
NAMES = (
    "red",
    "orange",
    "yellow",
    "green",
    "green",
    "turquoise",
    "turquoise",
    "blue",
    "blue",
    "violet",
    "purple",
    "pink",
)
"""Of hues, each 30 degrees wide, the first around 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """`red` and `blue` are by how much ln of these rose against green in most places, `alike` is the share of places
    that have at least half of it. nan where colours were not measured, or there are none to compare. `paler` says that
    it takes from the tint which the picture had.
    """

    red: float = math.nan
    blue: float = math.nan
    alike: float = math.nan
    paler: bool = False

    @property
    def tint(self) -> Floats:
        """(2,) red and blue."""
        return np.array([self.red, self.blue])


def kept(reference: Frames, current: Frames) -> float:
    """Share of its colour that a camera keeps at the hours at which it had any; nan when it never had."""
    usual = expected_colour(reference, current.hour)
    asked = np.isfinite(usual)
    return float(np.median(current.colour[asked] / usual[asked])) if asked.any() else math.nan


def differing(reference: Frames, current: Frames) -> float:
    """Share of the differences in colour between places that is left, at hours at which there were any; else nan."""
    usual = expected(variety(reference), reference.hour, current.hour, VARIED)
    found = variety(current) / usual
    return float(np.median(found[np.isfinite(found)])) if np.isfinite(found).any() else math.nan


def variety(frames: Frames) -> Floats:
    """(n,) how much the places of each picture differ in colour beyond what their brightness says, per grey level.

    Root mean square of red minus green and of yellow minus blue, without their best fit by a parabola of luma. Places
    that are burnt out say nothing. nan where colours were not measured.
    """
    places = frames.tint.reshape(len(frames), -1, 3)
    lit = (places.max(axis=2) < BURNT).astype(np.float64)
    blue, green, red = places.transpose(2, 0, 1)
    luma = places @ WEIGHTS / 255
    opponent = np.stack([red - green, (red + green) / 2 - blue], axis=2)
    curve = np.stack([np.ones_like(luma), luma, luma**2], axis=2) * lit[:, :, None]
    known = np.isfinite(places).all(axis=(1, 2)) & (lit.mean(axis=1) >= LEAST_LIT)
    found = np.full(len(frames), np.nan)
    inverse = np.linalg.pinv(curve[known])
    left = opponent[known] * lit[known][:, :, None]
    left -= curve[known] @ (inverse @ left)
    count = lit[known].sum(axis=1)
    mean = 255 * (luma[known] * lit[known]).sum(axis=1) / count
    found[known] = np.sqrt((left**2).sum(axis=(1, 2)) / count) / np.maximum(mean, 1.0)
    return found


def cast(reference: Frames, current: Frames) -> Cast:
    """The tint that lies over all places of the middle picture, at hours at which the camera always saw colours.

    More or less light, and another curve of tones, change red, green and blue together: what they changed luma by is
    expected of each of them.
    """
    usual = expected_colour(reference, current.hour)
    asked = np.isfinite(usual)
    seen = asked & (current.colour >= PALE * np.where(asked, usual, np.inf))
    if not seen.any() or seen.sum() < HALF * asked.sum() or not np.isfinite(reference.tint).all():
        return Cast()
    coloured = reference.colour >= PALE * float(np.median(usual[asked]))
    before, after = (np.median(each, axis=0).reshape(-1, 3) for each in (reference.tint[coloured], current.tint[seen]))
    lit = np.maximum(before, after).max(axis=1) < BURNT
    if lit.mean() < LEAST_LIT or not np.isfinite(after).all():
        return Cast()
    change = np.log(after[lit] + DARK) - _as_lit(before[lit], after[lit])
    tint = change[:, [2, 0]] - change[:, [1]]
    common = np.median(tint, axis=0)
    along = tint @ common >= HALF * float(common @ common)
    had = np.median(np.log(before[lit] + DARK)[:, [2, 0]] - np.log(before[lit] + DARK)[:, [1]], axis=0)
    paler = float(common @ had) <= -AGAINST * float(np.linalg.norm(common) * np.linalg.norm(had))
    return Cast(red=float(common[0]), blue=float(common[1]), alike=float(along.mean()), paler=paler)


def _as_lit(before: Floats, after: Floats) -> Floats:
    """(n, 3) ln of what each channel would be by the line that takes old luma to new luma."""
    was, now = (np.sort(np.log(places @ WEIGHTS + DARK)) for places in (before, after))
    slope = float(np.polyfit(was, now, 1)[0]) if was.std() >= LEAST_SPREAD else 1.0
    slope = float(np.clip(slope, 1 / STEEPEST, STEEPEST))
    return np.asarray(np.median(now) + slope * (np.log(before + DARK) - np.median(was)))


def size(tint: NDArray[np.float64]) -> float:
    """How strong a tint of (red, blue) against green is: the largest difference of two channels, ln."""
    return float(np.ptp([tint[0], 0.0, tint[1]]))


def hue(tint: NDArray[np.float64]) -> str:
    """The name of the colour of light that has so much more (red, blue) than green.

    >>> hue(np.array([0.5, -0.5])), hue(np.array([-0.4, -0.4])), hue(np.array([0.4, 0.4]))
    ('orange', 'green', 'purple')
    """
    red, blue = tint
    angle = math.degrees(math.atan2(math.sqrt(3) / 2 * (0.0 - blue), red - blue / 2))
    return NAMES[round(angle / 30) % len(NAMES)]
