"""Time of day: a picture taken at night is held against pictures taken at night, where there are enough."""

from __future__ import annotations

import math
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Annotated

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pydantic import AfterValidator, Field

from tasks.domain.scenes import distinct
from tasks.domain.window import Window

HOUR = timedelta(hours=1)
ALL_DAY = 12
"""Hours on both sides that make a whole day."""


def _divides_a_day(hours: int) -> int:
    if 24 % hours:
        raise ValueError(f"{hours} hours do not divide a day: take 1, 2, 3, 4, 6, 8, 12 or 24")
    return hours


ContextHours = Annotated[int, Field(ge=1, le=24), AfterValidator(_divides_a_day)]
"""Length of a part of the day, in hours, as a rule asks for it."""


def microseconds(table: pa.Table) -> NDArray[np.int64]:
    """When each row was captured, in microseconds since 1970 (UTC), (n,)."""
    moments: NDArray[np.int64] = table["captured_at"].cast(pa.timestamp("us", "UTC")).cast(pa.int64()).to_numpy()
    return moments


def whole_hours(table: pa.Table) -> NDArray[np.int64]:
    """The hour in which each row was captured, counted since 1970 (UTC), (n,)."""
    return microseconds(table) // 3_600_000_000


def part_of_day(moment: datetime, hours: int) -> int:
    """The part of the day (UTC) that a moment lies in: 0 for the hours from midnight on; `hours` divide 24.

    >>> part_of_day(datetime(2026, 11, 20, 7, 30, tzinfo=UTC), 3)
    2
    """
    return moment.astimezone(UTC).hour // hours


def hours_around(window: Window, around: int) -> frozenset[int]:
    """The hours of the day (UTC, 0..23) that a window touches, and so many before and after it.

    >>> sorted(hours_around(Window.parse("2026-11-20T23:00:00Z/2026-11-21T01:00:00Z"), 1))
    [0, 1, 22, 23]
    """
    first = window.start.replace(minute=0, second=0, microsecond=0)
    length = min(math.ceil((window.end - first) / HOUR) + 2 * around, 24)
    return frozenset((first.hour - around + step) % 24 for step in range(length))


def same_hours(table: pa.Table, window: Window, around: int, bits: int, least: int) -> pa.Table:
    """The pictures of a reference that a window is to be held against: those of its own time of day.

    Each camera keeps those of the window's own hours when they show at least `least` distinct scenes, else those of
    one hour more on both sides, and so on up to `around` hours. A camera with too few even then keeps all of its
    pictures: a comparison with other hours is better than none.

    Args:
        table: Pictures with the columns `camera`, `captured_at` and `dhash`, in order of time.
        window: What is to be judged.
        around: How far the time of day may be away; 12 and more for no difference between day and night.
        bits: How far the hashes of one scene may differ; see `distinct`.
        least: Distinct scenes of a camera that are enough.
    """
    if around >= ALL_DAY:
        return table
    hours, cameras = pc.hour(table["captured_at"]), table["camera"]
    settled, kept = pa.array([], pa.string()), pa.array([False] * table.num_rows)
    for width in range(around + 1):
        fits = pc.is_in(hours, value_set=pa.array(sorted(hours_around(window, width)), pa.int64()))
        fits = pc.and_(fits, pc.invert(pc.is_in(cameras, value_set=settled)))
        enough = _plenty(table.filter(fits), bits, least)
        kept = pc.or_(kept, pc.and_(fits, pc.is_in(cameras, value_set=enough)))
        settled = pa.concat_arrays([settled, enough])
    return table.filter(pc.or_(kept, pc.invert(pc.is_in(cameras, value_set=settled))))


def _plenty(table: pa.Table, bits: int, least: int) -> pa.Array:
    """Cameras with enough distinct scenes."""
    cameras = table["camera"].to_pylist()
    new = distinct(cameras, table["dhash"].to_pylist(), bits).tolist()
    counts = Counter(camera for camera, first in zip(cameras, new, strict=True) if first)
    return pa.array([camera for camera, count in counts.items() if count >= least], pa.string())
