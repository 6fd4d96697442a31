"""Where in the picture objects are found, image by image, and whether that changed on a camera.

Boxes of one image depend on each other, and so do images of one burst: the unit is the burst. Each gives one map of
8 x 8 cells that adds up to 1, so that images with many objects weigh no more than others.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SIDE = 8
"""Cells along a side of the picture."""

GAP = timedelta(seconds=5)
LONGEST = timedelta(minutes=1)
"""Images closer than this in time are one burst, which is cut after a minute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """One row a burst of one camera: shares of its objects in each cell (n, 64), and their mean centre (n, 2).

    Centres are x, y as shares of the picture's width and height. `images` counts those with at least one object.
    """

    grids: Floats
    centres: Floats
    images: int

    def __len__(self) -> int:
        return len(self.grids)

    def heat(self) -> Floats:
        """The mean map (64,), row by row from the top left; zeros without any."""
        return self.grids.mean(axis=0) if len(self) else np.zeros(SIDE * SIDE)


def places(table: pa.Table, confidence: float) -> dict[str, Places]:
    """Camera -> where its objects are, for a table of `references` rows (or a window's in that form).

    Images without an object of at least `confidence` have no place and are left out; so are boxes without a finite
    centre. Cameras without any are missing.
    """
    row, x, y = _centres(table, confidence)
    size = table.num_rows
    boxes = np.bincount(row, minlength=size).astype(np.float64)
    cell = np.minimum((y * SIDE).astype(int), SIDE - 1) * SIDE + np.minimum((x * SIDE).astype(int), SIDE - 1)
    grids = np.bincount(row * SIDE * SIDE + cell, minlength=size * SIDE * SIDE).reshape(size, SIDE * SIDE)
    sums = np.stack([np.bincount(row, weights=axis, minlength=size) for axis in (x, y)], axis=1)
    used = np.flatnonzero(boxes)
    cameras = np.asarray(table["camera"].to_pylist(), dtype=object)[used]
    moments = table["captured_at"].to_pylist()
    shares, centres = grids[used] / boxes[used, None], sums[used] / boxes[used, None]
    found = {}
    for camera in sorted(set(cameras.tolist())):
        its_own = np.flatnonzero(cameras == camera)
        burst = bursts([moments[place] for place in used[its_own].tolist()])
        found[camera] = Places(
            grids=_means(shares[its_own], burst), centres=_means(centres[its_own], burst), images=len(its_own)
        )
    return found


def bursts(moments: list[datetime]) -> NDArray[np.intp]:
    """The number of the burst that each image of one camera belongs to, (n,); any order of time.

    >>> start = datetime(2026, 11, 20)
    >>> bursts([start, start + timedelta(seconds=2), start + timedelta(hours=1)]).tolist()
    [0, 0, 1]
    """
    numbers = np.zeros(len(moments), np.intp)
    first = last = None
    number = -1
    for place in sorted(range(len(moments)), key=moments.__getitem__):
        moment = moments[place]
        if first is None or last is None or moment - last >= GAP or moment - first >= LONGEST:
            number, first = number + 1, moment
        last = moment
        numbers[place] = number
    return numbers


def _means(rows: Floats, group: NDArray[np.intp]) -> Floats:
    count = np.bincount(group)
    sums = np.stack([np.bincount(group, weights=column) for column in rows.T], axis=1)
    means: Floats = sums / count[:, None]
    return means


def _centres(table: pa.Table, confidence: float) -> tuple[NDArray[np.int64], Floats, Floats]:
    """Row, x and y (0..1) of every box that counts."""
    column = table["detections"].combine_chunks()
    row = np.asarray(pc.list_parent_indices(column), dtype=np.int64)
    flat = pc.list_flatten(column)
    boxes = pc.struct_field(flat, "box")
    corners = np.full((len(boxes), 4), np.nan)
    corners[np.asarray(pc.is_valid(boxes), dtype=bool)] = _numbers(boxes.drop_null().flatten()).reshape(-1, 4)
    x = (corners[:, 0] + corners[:, 2]) / 2 / _numbers(table["width"].combine_chunks())[row]
    y = (corners[:, 1] + corners[:, 3]) / 2 / _numbers(table["height"].combine_chunks())[row]
    good = np.isfinite(x) & np.isfinite(y) & (_numbers(pc.struct_field(flat, "confidence")) >= confidence)
    return row[good], np.clip(x[good], 0, 1), np.clip(y[good], 0, 1)


def _numbers(column: pa.Array) -> Floats:
    values: Floats = pc.fill_null(column.cast(pa.float64()), math.nan).to_numpy(zero_copy_only=False)
    return values
