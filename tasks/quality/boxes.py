"""Boxes as arrays of corners: what reaches over the edge of its image, and what is there twice."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

SAME = 0.95
"""IoU from which two boxes of one class in one image are the same box, drawn or answered twice."""

NEIGHBOURS = 8
"""How many boxes further, in order of their left edge, a twin is looked for: the work stays linear in the boxes."""

Corners = NDArray[np.float64]
"""`(n, 4)`: x1, y1, x2, y2 in pixels; nan where there is no box."""


def corners_of(boxes: pa.Array) -> Corners:
    """Corners of a list column; nan in rows that have no box, or not four numbers."""
    corners = np.full((len(boxes), 4), np.nan)
    whole = pc.fill_null(pc.equal(pc.list_value_length(boxes), 4), False)
    corners[np.asarray(whole, dtype=bool)] = numbers(boxes.filter(whole).flatten()).reshape(-1, 4)
    return corners


def numbers(column: pa.Array) -> NDArray[np.float64]:
    """The column as float64, nan for null."""
    values: NDArray[np.float64] = np.asarray(
        pc.fill_null(column.cast(pa.float64()), float("nan")).to_numpy(zero_copy_only=False)
    )
    return values


def overhang(corners: Corners, width: NDArray[np.float64], height: NDArray[np.float64]) -> NDArray[np.float64]:
    """Pixels `(n,)` by which a box reaches over the edge of its image, negative inside; nan without box or size."""
    edges = np.stack([-corners[:, 0], -corners[:, 1], corners[:, 2] - width, corners[:, 3] - height], axis=1)
    furthest: NDArray[np.float64] = edges.max(axis=1) if len(edges) else np.empty(0)
    return furthest


def twins(image: NDArray[np.int64], class_id: NDArray[np.float64], corners: Corners) -> NDArray[np.float64]:
    """1 where the same image has the same class in the same place again, else 0; the first of two counts 0.

    >>> box = [[1.0, 1.0, 9.0, 9.0]]
    >>> twins(np.array([0, 0, 1]), np.zeros(3), np.array(box * 3)).tolist()
    [0.0, 1.0, 0.0]
    """
    order = np.lexsort((corners[:, 0], class_id, image))
    image, class_id, corners = image[order], class_id[order], corners[order]
    again = np.zeros(len(order), dtype=bool)
    for step in range(1, min(NEIGHBOURS, len(order) - 1) + 1):
        alike = (image[step:] == image[:-step]) & (class_id[step:] == class_id[:-step])
        again[step:] |= alike & (iou(corners[step:], corners[:-step]) >= SAME)
    found = np.zeros(len(order))
    found[order] = again
    return found


def iou(left: Corners, right: Corners) -> NDArray[np.float64]:
    """Intersection over union of pairs `(n, 4)`; 0 where a box has no area or is missing."""
    low, high = np.maximum(left[:, :2], right[:, :2]), np.minimum(left[:, 2:], right[:, 2:])
    shared = np.clip(high - low, 0.0, None).prod(axis=1)
    areas = [np.clip(each[:, 2:] - each[:, :2], 0.0, None).prod(axis=1) for each in (left, right)]
    union = areas[0] + areas[1] - shared
    overlap = np.zeros(len(union))
    np.divide(shared, union, out=overlap, where=union > 0)
    return overlap
