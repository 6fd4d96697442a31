"""The strangest images of a window, numbered, with what the model found in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tasks.domain.contrast import Corners
from tasks.domain.errors import EvergreenError
from tasks.domain.wording import moment, one_line
from tasks.report.boxed import answered, said
from tasks.report.gallery import Cache, Drawn, drawn, region
from tasks.report.thumbnail import Picture, shown_size, thumbnail

SHOWN = 12
"""Images at most."""

SIDE = 320
"""Pixels of the longer side of a picture."""

BYTES = 24_000
"""Most bytes of a picture."""

SHOWN_SIDE = 280
"""Pixels that text and lines in a picture are made for."""

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stranger:
    """One image. `times` is its distance as a multiple of its camera's limit; above 1 it is `beyond` what is usual.

    `picture` is None when the image is gone; `view` is x, y, width, height of what is shown of it.
    """

    number: int
    image_id: str
    where: str
    when: str
    times: float
    words: str
    picture: Picture | None
    view: Corners
    part: bool
    unit: float
    boxes: tuple[Drawn, ...] = ()

    @property
    def beyond(self) -> bool:
        """Whether it counts as strange."""
        return self.times > 1


def strangers(rows: Sequence[Row], classes: Sequence[str], cache: Cache) -> tuple[Stranger, ...]:
    """The strangest images of a `strange` table's rows, each with its picture from the cache."""
    return tuple(_stranger(place + 1, row, classes, cache) for place, row in enumerate(chosen(rows)))


def chosen(rows: Sequence[Row], limit: int = SHOWN) -> list[Row]:
    """The strangest images of the window; every session comes before any comes twice, for its frames look alike."""
    found = [row for row in rows if row["side"] == "window" and row["strangeness"] is not None]
    found.sort(key=lambda row: (-row["strangeness"], row["image_id"]))
    first: dict[str, Row] = {}
    for row in found:
        first.setdefault(row["session"] or row["image_id"], row)
    picked = list(first.values())[:limit]
    taken = {row["image_id"] for row in picked}
    picked += [row for row in found if row["image_id"] not in taken][: limit - len(picked)]
    return sorted(picked, key=lambda row: (-row["strangeness"], row["image_id"]))


def _stranger(number: int, row: Row, classes: Sequence[str], cache: Cache) -> Stranger:
    marks = answered(row["detections"], classes)
    picture, size = None, (row["width"] or SHOWN_SIDE, row["height"] or SHOWN_SIDE)
    view = (0.0, 0.0, float(size[0]), float(size[1]))
    try:
        path = cache.fetch(row["key"], row["sha256"])
        size = shown_size(path)
        view = region(size, [mark.box for mark in marks if mark.box is not None])
        picture = thumbnail(path, one_line(row["key"].rsplit("/", 1)[-1], 200), SIDE, view, BYTES)
    except EvergreenError:  # the image is gone or changed since: its place and time are told without it
        pass
    taken: datetime = row["captured_at"]
    return Stranger(
        number=number,
        image_id=row["image_id"],
        where=one_line(row["camera"], 100),
        when=moment(taken),
        times=round(row["strangeness"], 2),
        words=said(marks, row["detections"] is not None),
        picture=picture,
        view=view,
        part=view[2] < size[0],
        unit=max(view[2:]) / SHOWN_SIDE,
        boxes=drawn([("answer", mark) for mark in reversed(marks)], view, SHOWN_SIDE),
    )
