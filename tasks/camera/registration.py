"""Has a fixed picture moved: the projective map that lays what is always seen now over what was always seen.

A stain, a shadow or another light changes a picture where it is. A camera that was moved, turned, tilted or zoomed
shows the same things elsewhere, and one map brings all of them back. So what counts is how much of the lost likeness
the map brings back: a move explains nearly all of it, nothing else much.

Source: enhanced correlation coefficient; Evangelidis & Psarakis, IEEE PAMI 30 (2008), as OpenCV has it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Map = NDArray[np.float32]
Start = tuple[float, float, float, float]
"""Turn (degrees), enlargement, and shift across and down (shares of the side) from which a map is searched."""

UNMOVED: Start = (0.0, 1.0, 0.0, 0.0)
STEPS = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 40, 1e-4)
SMOOTHING = 3
"""Cells over which both pictures are smoothed while they are laid over each other."""
OVERLAP, LIKE, WORTH = 0.4, 0.75, 0.03
"""Share of the picture that must still be seen, correlation from which it is the same picture, and what a map must
bring of it at least: things that stand a little aside today are no move.
"""
NEAR, FAR = 1.5 / 32, 12 / 32
"""Mean way of the four corners, in sides of the picture: less is no move, and of more nothing would be left to see."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """`explained` is the share of the lost likeness that the map brings back (0..1; 0: there is no such map), `gain`
    what correlation that is, `way` how far the corners of the picture go on average, in sides of the picture.
    """

    explained: float = 0.0
    gain: float = 0.0
    way: float = 0.0


STANDS = Move()


def registered(before: Map, after: Map, starts: Sequence[Start]) -> Move:
    """The move between two pictures (side, side) of what is fixed, searched from these starts and from none."""
    found = [move for start in dict.fromkeys((UNMOVED, *starts)) if (move := _laid(before, after, start)) is not None]
    return max(found, key=lambda move: move.explained, default=STANDS)


def _laid(before: Map, after: Map, start: Start) -> Move | None:
    """The move found from one start; None where none is found that can be one."""
    try:
        _, warp = cv2.findTransformECC(
            before, after, _warp(start, len(before)), cv2.MOTION_HOMOGRAPHY, STEPS, None, SMOOTHING
        )
    except cv2.error:  # it ran out of the picture, or there is nothing to go by
        return None
    seen = _over(np.ones_like(after), warp) > 0.99
    way = _way(warp, len(before))
    if seen.mean() < OVERLAP or not NEAR <= way <= FAR:
        return None
    laid, unmoved = (correlation(before[seen], each[seen]) for each in (_over(after, warp), after))
    gain = max(laid - unmoved, 0.0)
    same = laid >= LIKE and gain >= WORTH
    return Move(explained=gain / (1 - unmoved), gain=gain, way=way) if same else None


def _warp(start: Start, side: int) -> Map:
    angle, zoom, across, down = start
    turn = cv2.getRotationMatrix2D(((side - 1) / 2, (side - 1) / 2), angle, zoom)
    turn[:, 2] += (across * side, down * side)
    return np.vstack([turn, [0, 0, 1]]).astype(np.float32)


def _over(picture: Map, warp: Map) -> Map:
    side = (picture.shape[1], picture.shape[0])
    return np.asarray(cv2.warpPerspective(picture, warp, side, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP))


def _way(warp: Map, side: int) -> float:
    end = side - 1
    corners = np.array([[[0, 0]], [[end, 0]], [[0, end]], [[end, end]]], np.float32)
    return float(np.linalg.norm(cv2.perspectiveTransform(corners, warp) - corners, axis=2).mean()) / side


def correlation(one: Map, other: Map) -> float:
    """Pearson's correlation of two maps of one shape (-1..1); 0 where one of them is even."""
    first, second = one - one.mean(), other - other.mean()
    scale = float(np.sqrt((first * first).sum() * (second * second).sum()))
    return float((first * second).sum()) / scale if scale > 1e-9 else 0.0
