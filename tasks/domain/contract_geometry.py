"""Where a box may lie: inside its image, give or take one per cent that is clipped."""

from __future__ import annotations

from collections.abc import Sequence

TOLERANCE = 0.01
"""Share of a side by which a box may stick out and is clipped; farther out, it belongs to another image."""

MIN_SIDE = 0.01
"""Pixels: a thinner box has no area once it is stored as float32."""

BoxValues = tuple[float, float, float, float]


def clipped(box: Sequence[float], width: int, height: int) -> BoxValues | None:
    """The box inside `[0, width] x [0, height]`; None when it is inside out, without area, or too far outside.

    >>> clipped((-0.5, 0, 50, 60), 100, 100)
    (0.0, 0.0, 50.0, 60.0)
    >>> clipped((10, 10, 10, 20), 100, 100) is None
    True
    """
    x1, y1, x2, y2 = box
    if x1 < -TOLERANCE * width or y1 < -TOLERANCE * height:
        return None
    if x2 > width * (1 + TOLERANCE) or y2 > height * (1 + TOLERANCE):
        return None
    inside = (max(float(x1), 0.0), max(float(y1), 0.0), min(float(x2), float(width)), min(float(y2), float(height)))
    if inside[2] - inside[0] < MIN_SIDE or inside[3] - inside[1] < MIN_SIDE:
        return None
    return inside


def near(points: Sequence[float], width: int, height: int) -> bool:
    """Whether all of x, y, x, y, … lie within one image size of the image (corners and joints may leave it)."""
    xs, ys = points[::2], points[1::2]
    return all(-width <= x <= 2 * width for x in xs) and all(-height <= y <= 2 * height for y in ys)


def enclosing(corners: Sequence[float]) -> BoxValues:
    """The upright box around x, y, x, y, …"""
    xs, ys = corners[::2], corners[1::2]
    return (float(min(xs)), float(min(ys)), float(max(xs)), float(max(ys)))
