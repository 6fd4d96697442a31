"""Does a camera still stand where it stood: by the direction of all edges, and by where light and movement are.

Single images say little, because what passes below a camera differs from image to image. What all of them have in
common does not: the middle picture (the median of every place) shows what is fixed, the places where something
moves show where the products run, and the directions of all edges together turn with the camera.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from tasks.camera.frames import Floats, Frames
from tasks.domain.tables import LUMA_SIDE, ORIENTATIONS

REACH = 6
"""Cells by which a picture is shifted at most: a fifth of its side."""
SMOOTH = 1.5
"""Cells over which places are averaged where single cells are too noisy."""
TURNS = np.deg2rad(np.arange(-30, 30.25, 0.5))
ORDERS = (2, 4)
"""Edges run both ways, so directions repeat after 180 degrees; frames and bars also after 90."""
MIN_AGREEMENT, MIN_DIRECTION = 0.9, 0.6
"""How well turned directions must agree, and how much of their strength must be left, to speak of a turn."""
MIN_FIT = 0.5
"""A shifted picture that fits worse than this is another picture, not a shifted one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stance:
    """`turn` in degrees (0 when directions do not simply turn); `gain` is how much better the shifted reference fits
    than the unshifted one (a correlation, 0..2), `across` and `down` by how much it is shifted, as shares of the side.
    """

    turn: float
    gain: float
    across: float
    down: float


def stance(reference: Frames, current: Frames) -> Stance:
    """How far the camera has turned and shifted between two sets of its images."""
    gain, across, down = _shift(_fixed(reference), _fixed(current))
    return Stance(turn=turn(reference, current), gain=gain, across=across / LUMA_SIDE, down=down / LUMA_SIDE)


def turn(reference: Frames, current: Frames) -> float:
    """Degrees by which the directions of all edges have turned; 0 when they changed otherwise than by turning.

    Source: phase of circular moments; Mardia & Jupp, Directional Statistics (2000), chapter 2.
    """
    before, after = _moments(reference.orientation.mean(axis=0)), _moments(current.orientation.mean(axis=0))
    kept = np.abs(after) / np.maximum(np.abs(before), 1e-9)
    whole = float(np.sum(np.abs(before) * np.abs(after)))
    if kept.max() < MIN_DIRECTION or whole < 1e-4:
        return 0.0
    turned = np.exp(-1j * np.outer(TURNS, ORDERS))
    agreement = (turned * (after * before.conj())[None, :]).real.sum(axis=1) / whole
    best = int(np.argmax(agreement))
    return float(np.rad2deg(TURNS[best])) if agreement[best] >= MIN_AGREEMENT else 0.0


def _moments(shares: Floats) -> NDArray[np.complex128]:
    angles = np.deg2rad((np.arange(ORIENTATIONS) + 0.5) * 180 / ORIENTATIONS)
    return np.array([(shares * np.exp(1j * order * angles)).sum() for order in ORDERS])


def _fixed(frames: Frames) -> tuple[Floats, ...]:
    """What stays: the median picture, the same smoothed, and where things move, smoothed; light taken out."""
    light = np.maximum(np.median(frames.luma, axis=(1, 2), keepdims=True), 1.0)
    luma = frames.luma / light
    middle, moving = np.median(luma, axis=0), np.log(luma.std(axis=0) + 0.02)
    return middle, gaussian_filter(middle, SMOOTH), gaussian_filter(moving, SMOOTH)


def _shift(reference: tuple[Floats, ...], current: tuple[Floats, ...]) -> tuple[float, int, int]:
    """The best of all shifts: every second one first, then those around the best of these."""
    coarse, near = range(-REACH, REACH + 1, 2), (-1, 0, 1)
    fits = {(x, y): _fit(reference, current, x, y) for y in coarse for x in coarse}
    x0, y0 = _best(fits)
    fits |= {(x0 + x, y0 + y): _fit(reference, current, x0 + x, y0 + y) for y in near for x in near}
    across, down = _best(fits)
    best = fits[across, down]
    return (best - fits[0, 0], across, down) if best >= MIN_FIT else (0.0, 0, 0)


def _best(fits: Mapping[tuple[int, int], float]) -> tuple[int, int]:
    return max(fits, key=lambda step: (fits[step], -abs(step[0]) - abs(step[1])))


def _fit(reference: tuple[Floats, ...], current: tuple[Floats, ...], across: int, down: int) -> float:
    """Mean correlation of the maps where the shifted reference and the current picture overlap."""
    y, x = _overlap(down), _overlap(across)
    there, here = _overlap(-down), _overlap(-across)
    pairs = zip(reference, current, strict=True)
    return float(np.mean([_correlation(after[y, x], before[there, here]) for before, after in pairs]))


def _overlap(step: int) -> slice:
    return slice(max(0, step), LUMA_SIDE + min(0, step))


def _correlation(one: Floats, other: Floats) -> float:
    first, second = one - one.mean(), other - other.mean()
    scale = float(np.sqrt((first * first).sum() * (second * second).sum()))
    return float((first * second).sum()) / scale if scale > 1e-9 else 0.0
