"""Polygons: how large they are, what two of them share, and how they look on a grid."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Patch:
    """The filled cells of an outline: `mask` (h, w) whose first cell lies at column `left`, row `top` of the grid."""

    mask: NDArray[np.bool_]
    left: int
    top: int
    cells: int

    @property
    def bounds(self) -> tuple[int, int, int, int]:
        """Left, top, right, bottom in cells; right and bottom are outside."""
        return self.left, self.top, self.left + self.mask.shape[1], self.top + self.mask.shape[0]


def area(points: NDArray[np.floating]) -> float:
    """Area of a polygon (k, 2) in square pixels, whatever way round it goes; 0 below three points.

    >>> area(np.array([[0, 0], [4, 0], [4, 3]]))
    6.0
    """
    if len(points) < 3:
        return 0.0
    x, y = np.asarray(points, np.float64).T
    return float(abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2)


def clipped(subject: Points, window: Points) -> Points:
    """The part of a convex polygon (k, 2) that lies in another convex one; (0, 2) when nothing does.

    Source: Sutherland and Hodgman, Reentrant Polygon Clipping (1974).
    """
    x, y = window.T
    turn = float(x @ np.roll(y, -1) - y @ np.roll(x, -1))
    left = window if turn >= 0 else window[::-1]
    kept = subject
    for start, end in zip(left, np.roll(left, -1, axis=0), strict=True):
        if len(kept) == 0:
            break
        kept = _half(kept, start, end - start)
    return kept


def _half(points: Points, start: Points, along: Points) -> Points:
    """The part of a polygon to the left of a line."""
    side = along[0] * (points[:, 1] - start[1]) - along[1] * (points[:, 0] - start[0])
    found: list[Points] = []
    for here, there, now, then in zip(points, np.roll(points, -1, axis=0), side, np.roll(side, -1), strict=True):
        if now >= 0:
            found.append(here)
        if (now >= 0) != (then >= 0):
            found.append(here + (there - here) * (now / (now - then)))
    return np.array(found).reshape(-1, 2)


def fill(points: NDArray[np.floating], scale: float = 1.0) -> Patch:
    """The cells whose middle lies inside the outline (k, 2), after scaling; even-odd where it crosses itself."""
    if len(points) < 3:
        return Patch(mask=np.zeros((0, 0), bool), left=0, top=0, cells=0)
    at = np.asarray(points, np.float64) * scale
    left, top = (math.floor(each) for each in at.min(0))
    right, bottom = (math.ceil(each) for each in at.max(0))
    flips = np.zeros((max(bottom - top, 1), max(right - left, 1) + 1), np.int32)
    for here, there in zip(at, np.roll(at, -1, axis=0), strict=True):
        _cross(flips, here - (left, top), there - (left, top))
    mask = np.asarray(np.cumsum(flips, axis=1)[:, :-1] % 2 == 1)
    return Patch(mask=mask, left=left, top=top, cells=int(mask.sum()))


def _cross(flips: NDArray[np.int32], start: Points, end: Points) -> None:
    """Count in every row of cells where an edge is crossed by the line through the middles of the row."""
    (x, y), (x_end, y_end) = (start, end) if start[1] <= end[1] else (end, start)
    rows = np.arange(math.ceil(y - 0.5), math.ceil(y_end - 0.5))
    if not len(rows):
        return
    at = x + (rows + 0.5 - y) * (x_end - x) / (y_end - y)
    columns = np.clip(np.ceil(at - 0.5).astype(np.int64), 0, flips.shape[1] - 1)
    np.add.at(flips, (rows, columns), 1)


def shared(first: Patch, second: Patch) -> int:
    """How many cells two patches share."""
    left, top = max(first.left, second.left), max(first.top, second.top)
    right, bottom = min(first.bounds[2], second.bounds[2]), min(first.bounds[3], second.bounds[3])
    if right <= left or bottom <= top:
        return 0
    parts = [
        each.mask[top - each.top : bottom - each.top, left - each.left : right - each.left] for each in (first, second)
    ]
    return int((parts[0] & parts[1]).sum())
