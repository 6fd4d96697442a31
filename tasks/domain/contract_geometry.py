"""Where a box may lie (inside its image, give or take one per cent that is clipped) and what shape has an inside."""

from __future__ import annotations

from collections.abc import Sequence

TOLERANCE = 0.01
"""Share of a side by which a box may stick out and is clipped; farther out, it belongs to another image."""

MIN_SIDE = 0.01
"""Pixels: a thinner box has no area once it is stored as float32."""

MIN_AREA = MIN_SIDE * MIN_SIDE
"""Square pixels: a shape below has none."""

LEEWAY = 0.05
"""Share of a side of the image by which a polygon may leave its box: masks are coarse, one cell is 24 pixels of 4K."""

SMALLEST_IMAGE = 8
"""Pixels: in a smaller picture a box of one pixel is a large one, and says nothing about how it was written."""

BoxValues = tuple[float, float, float, float]
Point = tuple[float, float]


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


def normalised(boxes: Sequence[BoxValues], width: int, height: int) -> bool:
    """Whether all boxes of an image look like shares of its sides instead of pixels: none leaves its first pixel.

    >>> normalised([(0.1, 0.2, 0.5, 0.6)], 640, 480), normalised([(0.1, 0.2, 0.5, 0.6), (10, 10, 50, 50)], 640, 480)
    (True, False)
    """
    if not boxes or min(width, height) <= SMALLEST_IMAGE:
        return False
    return all(-TOLERANCE <= number <= 1 + TOLERANCE for box in boxes for number in box)


def area(points: Sequence[float]) -> float:
    """Square pixels inside x, y, x, y, … (the shoelace formula); a bow-tie's halves count against each other."""
    xs, ys = points[::2], points[1::2]
    turns = zip(xs, ys, (*xs[1:], xs[0]), (*ys[1:], ys[0]), strict=True)
    return abs(sum(x * b - a * y for x, y, a, b in turns)) / 2


def crossing(corners: Sequence[float]) -> bool:
    """Whether a side of a quadrangle crosses the opposite one: its corners are not in order around it.

    >>> crossing((0, 0, 9, 9, 9, 0, 0, 9)), crossing((0, 0, 9, 0, 9, 9, 0, 9))
    (True, False)
    """
    a, b, c, d = ((corners[i], corners[i + 1]) for i in range(0, 8, 2))
    return _cross(a, b, c, d) or _cross(b, c, d, a)


def strays(polygon: Sequence[float], box: BoxValues, width: int, height: int) -> bool:
    """Whether a polygon cannot be about its box: beside it, or reaching out of it by more than the box's own size."""
    x1, y1, x2, y2 = enclosing(polygon)
    for low, high, start, end, side in ((x1, x2, box[0], box[2], width), (y1, y2, box[1], box[3], height)):
        slack = LEEWAY * side
        out = max(slack, end - start)
        if high < start - slack or low > end + slack or low < start - out or high > end + out:
            return True
    return False


def _cross(a: Point, b: Point, c: Point, d: Point) -> bool:
    """Whether the lines from a to b and from c to d cross, not only touch."""
    return _side(a, b, c) * _side(a, b, d) < 0 and _side(c, d, a) * _side(c, d, b) < 0


def _side(a: Point, b: Point, c: Point) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
