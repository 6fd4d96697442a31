"""Which pictures a page shows: a few of every camera, as they were in health and as they are now, with boxes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.report.boxed import Boxed, answered, boxed, said
from tasks.report.gallery import Cache
from tasks.report.window_page import CameraPictures

SHOWN = 3
"""Pictures of a camera, then and now."""

CAMERAS = 12
"""Cameras with pictures on one page."""

BYTES = 28_000
"""Most bytes of a picture: with all of them and their boxes a page stays below 5 MB."""

SAMPLED = 24
"""Rows of a camera that pictures are picked from: a window may have a million."""

ROWS = 2_000
"""Rows of all cameras together that are looked at, whatever strangers call their cameras."""

Row = Mapping[str, Any]


def sampled(table: pa.Table, suspects: Sequence[str] = ()) -> pa.Table:
    """At most `SAMPLED` rows of every camera, evenly over the rows, `suspects` first; bounded for any table."""
    return table.take(pa.array(places([table], suspects), pa.int64()))


def places(pieces: Iterable[pa.Table], suspects: Sequence[str] = ()) -> list[int]:
    """The rows that `sampled` takes of a table that comes in pieces with a column `camera`; null is left out."""
    known: dict[str | None, int] = {None: -1}
    parts = [np.zeros(0, np.int32)]
    for piece in pieces:
        cameras = piece["camera"].to_pylist()
        parts.append(np.array([known.setdefault(name, len(known) - 1) for name in cameras], np.int32))
    codes, names = np.concatenate(parts), [name for name in known if name is not None]
    order = np.argsort(codes, kind="stable")
    starts = np.searchsorted(codes[order], np.arange(len(names) + 1))
    chosen: list[int] = []
    first = {*suspects}
    for code in sorted(range(len(names)), key=lambda code: names[code] not in first):
        rows = order[starts[code] : starts[code + 1]]
        count = min(len(rows), SAMPLED, ROWS - len(chosen))
        if not count:
            break
        chosen += rows[(2 * np.arange(count) + 1) * len(rows) // max(2 * count, 1)].tolist()
    return sorted(chosen)


def with_answers(rows: pa.Table, answers: pa.Table | None) -> list[Row]:
    """The rows, each with its `detections` by image id; null where the model was not asked."""
    found: dict[str, Any] = {}
    if answers is not None:
        own = answers.filter(pc.is_in(answers["image_id"], value_set=rows["image_id"].combine_chunks()))
        found = dict(zip(own["image_id"].to_pylist(), own["detections"].to_pylist(), strict=True))
    return [{**row, "detections": found.get(row["image_id"])} for row in rows.to_pylist()]


def per_camera(
    current: Sequence[Row],
    reference: Sequence[Row],
    cache: Cache,
    suspects: Sequence[str] = (),
    classes: Sequence[str] = (),
) -> tuple[CameraPictures, ...]:
    """Up to `CAMERAS` cameras with `SHOWN` pictures each of now and then, spread evenly over the rows.

    `suspects`, the cameras that the verdict names, come first: of many cameras those must have pictures. What was is
    shown at the time of day of what is, where rows tell when they were taken.
    """
    known = sorted({str(row["camera"]) for row in current} | {*suspects} & {str(row["camera"]) for row in reference})
    place = {camera: at for at, camera in reversed(list(enumerate(suspects)))}
    cameras = sorted(known, key=lambda camera: place.get(camera, len(suspects)))
    found = []
    for camera in cameras[:CAMERAS]:
        now = _spread([row for row in current if row["camera"] == camera])
        before = _same_time([row for row in reference if row["camera"] == camera], now)
        found.append(
            CameraPictures(
                camera=camera,
                reference=_pictures(before, cache, classes),
                current=_pictures(now, cache, classes),
            )
        )
    return tuple(found)


def _spread(rows: Sequence[Row]) -> list[Row]:
    count = min(SHOWN, len(rows))
    return [rows[(2 * place + 1) * len(rows) // (2 * count)] for place in range(count)]


def _same_time(rows: Sequence[Row], now: Sequence[Row]) -> list[Row]:
    """For each of the present pictures the one nearest to it by the time of day; spread evenly where nobody knows."""
    timed = [row for row in rows if row.get("captured_at") is not None]
    wanted = [row for row in now if row.get("captured_at") is not None]
    if not wanted or len(timed) < SHOWN:
        return _spread(rows)
    found: list[Row] = []
    for row in wanted:
        nearest = min(timed, key=lambda other: _apart(other["captured_at"], row["captured_at"]))
        timed.remove(nearest)
        found.append(nearest)
    return found


def _apart(first: datetime, second: datetime) -> int:
    """Minutes between two times of day, across midnight where that is shorter."""
    minutes = [60 * at.astimezone(UTC).hour + at.astimezone(UTC).minute for at in (first, second)]
    gap = abs(minutes[0] - minutes[1])
    return min(gap, 1440 - gap)


def _pictures(rows: Sequence[Row], cache: Cache, classes: Sequence[str]) -> tuple[Boxed, ...]:
    found = (_picture(row, cache, classes) for row in rows)
    return tuple(each for each in found if each is not None)


def _picture(row: Row, cache: Cache, classes: Sequence[str]) -> Boxed | None:
    detections = row.get("detections")
    marks = answered(detections, classes)
    words = str(row["key"]).rsplit("/", 1)[-1]
    if detections is not None:
        words = f"{words}: {said(marks)}"
    looks = [("answer", mark) for mark in reversed(marks)]
    return boxed(str(row["key"]), str(row["sha256"] or ""), looks, words, cache, BYTES)
