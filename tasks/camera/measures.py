"""One camera now against itself when it was healthy, in a handful of numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.camera.frames import Floats, Frames
from tasks.camera.stance import Stance, stance
from tasks.domain.tables import DETAIL_SIDE

LOST = 0.3
"""Fall of the logarithm of detail from which a place has lost it: a quarter of what there was."""
STILL = 0.25
"""Share of its movement below which a place is blind: what passes is not seen there any more."""
CHANGED = 12.0
"""Grey levels by which a place is another one than before."""
DIM = -1.9
"""ln of light from which on less light excuses nothing further: below a sixth noise is all that moves."""
BARE = 0.1
"""Below the plainest image of the reference by so much (logarithm of detail), pictures show nothing."""
COLOURED = 0.03
"""Colourfulness per grey level below which a camera has no colour to lose."""
NO_MORE = 0.03
"""Rise of the logarithm of detail up to which a lens may have lost its focus: blur adds detail nowhere."""
WHITE = 225.0
"""Grey levels from which a place is burnt out."""
REPEATED = 1.0
"""Mean grey levels between two images that show the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """What is told apart.

    `light` is ln of the light against the reference where nothing passes, `burnt` the rise of the share of white
    pixels, `colour` the share of colour that is left (nan for a camera without colour). `blur` is by how much fine
    detail fell more than coarse detail (ln variance; 0 or less: not at all). `lost` and `gained` are shares of the
    picture with less and more detail than the rest of it, `blind` the share in which nothing moves any more and
    that looks different. `level` is the change of detail in most places, `depth` the fall in the lost ones.
    `repeats` is the share of images that show the same as the one before; `bare` says that pictures show nothing.
    """

    light: float
    burnt: float
    colour: float
    blur: float
    lost: float
    gained: float
    blind: float
    level: float
    depth: float
    repeats: float
    bare: bool
    stance: Stance


def measures(reference: Frames, current: Frames) -> Measures:
    """The numbers for one camera; both sides hold at least two images."""
    light = float(np.median(np.log((_middle(current) + 1) / (_middle(reference) + 1))))
    change = np.median(current.detail, axis=0) - np.median(reference.detail, axis=0)
    level = float(np.median(change))
    lost = (change <= min(level, 0.0) - LOST) & ~_burnt_out(current)
    plain = float(reference.detail.mean(axis=(1, 2)).min()) - BARE
    return Measures(
        light=light,
        burnt=float(np.median(current.burnt) - np.median(reference.burnt)),
        colour=_colour(reference, current),
        blur=_blur(reference, current, light) if level <= max(light, 0.0) + NO_MORE else 0.0,
        lost=float(lost.mean()),
        gained=float((change >= level + LOST).mean()),
        blind=_blind(reference, current, light, change),
        level=level,
        depth=float(-change[lost].mean()) if lost.any() else 0.0,
        repeats=repeats(current),
        bare=bool(np.median(current.detail.mean(axis=(1, 2))) < plain),
        stance=stance(reference, current),
    )


def repeats(frames: Frames) -> float:
    """Share of the images that show the same as the one before; 0 for a single image."""
    if len(frames) < 2:
        return 0.0
    steps = np.abs(np.diff(frames.luma, axis=0)).mean(axis=(1, 2))
    return float((steps <= REPEATED).mean())


def _middle(frames: Frames) -> Floats:
    return np.asarray(np.median(frames.luma, axis=0), dtype=np.float64)


def _colour(reference: Frames, current: Frames) -> float:
    before = float(np.median(reference.colour))
    return float(np.median(current.colour)) / before if before >= COLOURED else float("nan")


def _blur(reference: Frames, current: Frames, light: float) -> float:
    """A lens out of focus takes the finest octave most, the next one less; both must have fallen.

    What fell with the coarsest octave, or with the light, is contrast. A coarsest octave that rose is something new
    in the picture, and no measure of focus.
    """
    fall = np.median(reference.octaves, axis=0) - np.median(current.octaves, axis=0)
    contrast = max(float(fall[-1]), -2 * light)
    return float(min((fall[0] - contrast) / 2, fall[1] - contrast))


def _blind(reference: Frames, current: Frames, light: float, change: Floats) -> float:
    """Share of the places that do not move any more, light taken into account, and that also look different."""
    moved, moves = _cells(reference.luma.std(axis=0)), _cells(current.luma.std(axis=0))
    still = moves <= STILL * moved * np.exp(max(light, DIM))
    other = _cells(np.abs(_middle(current) - _middle(reference))) >= CHANGED
    return float((still & (other | (change <= -LOST)) & ~_burnt_out(current)).mean())


def _burnt_out(frames: Frames) -> NDArray[np.bool_]:
    """Places that are all but white: what they lost, they lost to the light."""
    return np.asarray(_cells(_middle(frames)) >= WHITE)


def _cells(places: Floats) -> Floats:
    step = len(places) // DETAIL_SIDE
    return np.asarray(places.reshape(DETAIL_SIDE, step, DETAIL_SIDE, step).mean(axis=(1, 3)), dtype=np.float64)
