"""Where objects are in the picture of a camera, as it was and as it is, for cameras where that changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tasks.domain.errors import EvergreenError
from tasks.domain.finding import Finding, Outcome
from tasks.domain.subjects import OBJECT_POSITION
from tasks.domain.wording import one_line
from tasks.report.gallery import Cache
from tasks.report.thumbnail import Picture, thumbnail

CELLS = 8
"""Along a side."""

CAMERAS = 6
"""Cameras with maps on one page, those that changed most."""

SIDE, BYTES = 300, 12_000
"""Pixels and bytes of the picture under a map at most."""

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One cell with objects: column and row from the upper left, `strength` 0..1, and its share in words."""

    column: int
    row: int
    strength: float
    hint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatMap:
    """The cells of one side over a picture of the camera, None when that is gone."""

    title: str
    images: int
    cells: tuple[Cell, ...]
    picture: Picture | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """One camera whose objects moved, in words and as two maps on the same scale."""

    camera: str
    note: str
    maps: tuple[HeatMap, HeatMap]


def moved(
    findings: Sequence[Finding],
    places: Sequence[Row],
    pictures: tuple[Sequence[Row], Sequence[Row]],
    cache: Cache,
) -> tuple[Moved, ...]:
    """The cameras where the location check is out of limits; `places` are rows of such a table.

    `pictures` are rows with key, sha256 and camera, of the reference and of the window.
    """
    guilty = [f for f in findings if f.subject == OBJECT_POSITION and f.outcome is Outcome.BREACH and f.camera]
    guilty.sort(key=lambda finding: -(finding.value or 0.0))
    known = {(row["camera"], row["side"]): row for row in places}
    found = []
    for finding in guilty[:CAMERAS]:
        before, after = (known.get((finding.camera, side)) for side in ("reference", "window"))
        if before is None or after is None:
            continue
        most = max(*before["grid"], *after["grid"], 1e-9)
        under = [_picture(finding.camera or "", rows, cache) for rows in pictures]
        found.append(
            Moved(
                camera=one_line(finding.camera or "", 100),
                note=one_line(finding.note.split(";")[0], 300),
                maps=(
                    _map("As it was (reference)", before, most, under[0]),
                    _map("In this window", after, most, under[1]),
                ),
            )
        )
    return tuple(found)


def _map(title: str, row: Row, most: float, picture: Picture | None) -> HeatMap:
    cells = tuple(
        Cell(
            column=place % CELLS,
            row=place // CELLS,
            strength=round(0.7 * (share / most) ** 0.7, 2),
            hint=f"{100 * share:.2g} % of the objects",
        )
        for place, share in enumerate(row["grid"][: CELLS * CELLS])
        if share > 0
    )
    return HeatMap(title=title, images=row["images"], cells=cells, picture=picture)


def _picture(camera: str, rows: Sequence[Row], cache: Cache) -> Picture | None:
    its_own = [row for row in rows if row["camera"] == camera]
    for row in its_own[len(its_own) // 2 :][:3]:
        try:
            return thumbnail(cache.fetch(str(row["key"]), str(row["sha256"])), camera, SIDE, limit=BYTES)
        except EvergreenError:  # gone or changed since: the next one will do
            continue
    return None
