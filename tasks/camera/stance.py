"""Does a camera still stand where it stood: by what is fixed in its pictures, and by the direction of all edges.

Single images say little, because what passes below a camera differs from image to image. What all of them have in
common does not: the middle picture (the median of every place) shows what is fixed, the places where something
moves show where the products run, and the directions of all edges together turn with the camera. How much each of
the three is worth differs from camera to camera, so it is learnt from the reference: by how well one half of it
foretells the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from tasks.camera.frames import Floats, Frames
from tasks.camera.registration import STANDS, Move, correlation, registered
from tasks.domain.tables import LUMA_SIDE, ORIENTATIONS

REACH = 6
"""Cells by which a picture is shifted at most: a fifth of its side."""
SMOOTH = 1.5
"""Cells over which places are averaged where single cells are too noisy."""
ANGLES, ZOOMS = (0, 5, -5, 10, -10, 15, -15), (0.68, 0.82, 1.0, 1.22, 1.46)
WARPS = (*((angle, zoom) for angle in ANGLES for zoom in ZOOMS), (90, 1.0), (180, 1.0), (270, 1.0))
"""Turns in degrees and enlargements that are tried: near ones together, and a camera that was put up anew."""
TURNS = np.deg2rad(np.arange(-30, 30.25, 0.5))
ORDERS = (2, 4)
"""Edges run both ways, so directions repeat after 180 degrees; frames and bars also after 90."""
MIN_AGREEMENT, MIN_DIRECTION = 0.9, 0.6
"""How well turned directions must agree, and how much of their strength must be left, to speak of a turn."""
MIN_FIT, GOOD_FIT = 0.5, 0.7
"""A picture that fits worse than this, or than this part of what a healthy one does, is another one, and not moved."""
CRISP = 0.85
"""Correlation of the middle pictures of two halves of a reference from which there is something fixed to go by."""
STEP, BESIDE = 3, 0.85
"""A shift by so many cells must cost the middle picture so much of its fit: an even glow fits everywhere."""
ASLANT = 0.1
"""ln of light, from one side of the picture to the other, from which it is another light."""
EXPLAINED = 0.4
"""Part of what is missing from a healthy fit that the move must bring back."""
TOLD, LEAST = 3.0, 0.01
"""Times what a healthy fit falls short of 1, and the least loss of fit by a turn, from which the fixed picture can tell
whether there was one: then it must.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stance:
    """`turn` in degrees (0 when directions do not simply turn). `gain` is how much better the moved reference fits
    than the unmoved one (a correlation, 0..2), for a turn by `angle`, an enlargement by `zoom` and a shift by
    `across` and `down`, shares of the side; `told` says that turns and enlargements could be told at all. `move` is
    what lays the fixed picture of now over that of before, where there is one.
    """

    turn: float = 0.0
    gain: float = 0.0
    angle: float = 0.0
    zoom: float = 1.0
    across: float = 0.0
    down: float = 0.0
    told: bool = False
    move: Move = STANDS


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fixed:
    """What stays in a set of images, as maps (32, 32): the middle picture, and where things move."""

    maps: tuple[NDArray[np.float32], ...]

    def fits(self, other: _Fixed, weights: Floats, angle: float, zoom: float) -> Floats:
        """(13, 13) how well the inner part of these maps, turned and enlarged, fits the others at every shift."""
        side, inner = (LUMA_SIDE, LUMA_SIDE), slice(REACH, LUMA_SIDE - REACH)
        warp = cv2.getRotationMatrix2D(((LUMA_SIDE - 1) / 2, (LUMA_SIDE - 1) / 2), angle, zoom)
        found = np.zeros((2 * REACH + 1, 2 * REACH + 1))
        for weight, here, there in zip(weights, self.maps, other.maps, strict=True):
            moved = cv2.warpAffine(here, warp, side, borderMode=cv2.BORDER_REPLICATE)[inner, inner]
            fit = np.nan_to_num(cv2.matchTemplate(there, moved, cv2.TM_CCOEFF_NORMED), posinf=0.0, neginf=0.0)
            found += weight * np.clip(fit, -1, 1)
        return found


def stance(reference: Frames, current: Frames) -> Stance:
    """How far the camera has turned, come nearer and shifted between two sets of its images."""
    before, after, (weights, usual) = _fixed(reference), _fixed(current), _worth(reference)
    best = _shift(before, after if usual else _fixed(_evened(reference, current)), weights, usual)
    if usual:
        best = max(best, _warp(before, after, weights, usual), key=lambda found: found.gain)
    turned = turn(reference, current)
    starts = ((best.angle, best.zoom, best.across, best.down), (-turned, 1.0, 0.0, 0.0))
    move = registered(before.maps[0], after.maps[0], starts) if usual else STANDS
    missed = usual * (1 - float(before.fits(before, weights, turned, 1.0)[REACH, REACH])) if turned else 0.0
    if usual and missed >= max(TOLD * (1 - usual), LEAST) and best.gain < EXPLAINED * missed:
        turned = 0.0
    return Stance(
        turn=turned,
        gain=best.gain,
        angle=best.angle,
        zoom=best.zoom,
        across=best.across,
        down=best.down,
        told=usual > 0,
        move=move,
    )


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


def _fixed(frames: Frames) -> _Fixed:
    """The median picture, the same smoothed, and where things move, smoothed; light taken out."""
    light = np.maximum(np.median(frames.luma, axis=(1, 2), keepdims=True), 1.0)
    luma = frames.luma / light
    middle, moving = np.median(luma, axis=0), np.log(luma.std(axis=0) + 0.02)
    maps = (middle, gaussian_filter(middle, SMOOTH), gaussian_filter(moving, SMOOTH))
    return _Fixed(maps=tuple(each.astype(np.float32) for each in maps))


def _evened(reference: Frames, current: Frames) -> Frames:
    """The current images without what their light grew by across the picture, where that is plain.

    On an even belt a lamp that shines from another side looks like a glow that went there.
    """
    down, across = (each.ravel() / LUMA_SIDE - 0.5 for each in np.mgrid[0:LUMA_SIDE, 0:LUMA_SIDE])
    plane = np.stack([np.ones(down.size), down, across], axis=1)
    before, after = (np.median(each.luma, axis=0).ravel() for each in (reference, current))
    _, *slope = np.linalg.lstsq(plane, np.log((after + 1) / (before + 1)), rcond=None)[0]
    if np.hypot(*slope) < ASLANT:
        return current
    return replace(current, luma=current.luma * np.exp(-plane[:, 1:] @ slope).reshape(LUMA_SIDE, LUMA_SIDE))


def _worth(reference: Frames) -> tuple[Floats, float]:
    """Weights of the maps (sum 1), and how well a healthy picture fits: every second image against the others.

    Where not even the middle picture is always the same, or it is an even glow, all maps weigh alike and nothing is
    known of the fit (0): there is enough in them to see a shift, too little to tell turns and enlargements from chance.
    """
    places = np.arange(len(reference))
    one, other = _fixed(reference.take(places[::2])), _fixed(reference.take(places[1::2]))
    alike = np.array([max(correlation(a, b), 0.0) for a, b in zip(one.maps, other.maps, strict=True)])
    whole = _fixed(reference)
    beside = whole.fits(whole, np.eye(len(alike))[0], 0.0, 1.0)
    if alike[0] < CRISP or min(beside[REACH, REACH + STEP], beside[REACH + STEP, REACH]) > BESIDE:
        return np.full(len(alike), 1 / len(alike)), 0.0
    weights = alike / (1.05 - alike)
    weights = weights / max(float(weights.sum()), 1e-9)
    return weights, float((weights * alike).sum())


def _warp(before: _Fixed, after: _Fixed, weights: Floats, usual: float) -> Stance:
    """The best of all turns and enlargements, with a shift."""
    tried = {warp: before.fits(after, weights, *warp) for warp in WARPS}
    angle, zoom = max(tried, key=lambda warp: float(tried[warp].max()))
    found = tried[angle, zoom]
    down, across = np.unravel_index(int(np.argmax(found)), found.shape)
    gain = _gain(float(found.max()), float(tried[0, 1.0][REACH, REACH]), usual)
    return Stance(
        gain=gain,
        angle=angle,
        zoom=zoom,
        across=(int(across) - REACH) / LUMA_SIDE,
        down=(int(down) - REACH) / LUMA_SIDE,
    )


def _shift(before: _Fixed, after: _Fixed, weights: Floats, usual: float) -> Stance:
    """The best of all shifts, on the whole of the picture: every second one first, then those around the best."""
    coarse, near = range(-REACH, REACH + 1, 2), (-1, 0, 1)
    fits = {(x, y): _fit(before.maps, after.maps, weights, (x, y)) for y in coarse for x in coarse}
    x0, y0 = max(fits, key=lambda step: fits[step])
    fits |= {(x0 + x, y0 + y): _fit(before.maps, after.maps, weights, (x0 + x, y0 + y)) for y in near for x in near}
    across, down = max(fits, key=lambda step: (fits[step], -abs(step[0]) - abs(step[1])))
    gain = _gain(fits[across, down], fits[0, 0], usual)
    return Stance(gain=gain, across=across / LUMA_SIDE, down=down / LUMA_SIDE)


def _gain(best: float, unmoved: float, usual: float) -> float:
    """What a move brings; 0 when it does not bring back the picture as it was."""
    good = best >= max(MIN_FIT, GOOD_FIT * usual) and best - unmoved >= EXPLAINED * (usual - unmoved)
    return max(best - unmoved, 0.0) if good else 0.0


def _fit(
    reference: Sequence[NDArray[np.float32]],
    current: Sequence[NDArray[np.float32]],
    weights: Floats,
    step: tuple[int, int],
) -> float:
    """Weighted correlation of the maps where the shifted reference and the current picture overlap."""
    x, y, there, here = _overlap(step[0]), _overlap(step[1]), _overlap(-step[1]), _overlap(-step[0])
    pairs = zip(weights, reference, current, strict=True)
    return float(sum(weight * correlation(after[y, x], before[there, here]) for weight, before, after in pairs))


def _overlap(step: int) -> slice:
    return slice(max(0, step), LUMA_SIDE + min(0, step))
