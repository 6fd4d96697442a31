"""The map of what the model sees: near each other is what looks alike to it; then and now on the same map."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.domain.errors import EvergreenError
from tasks.domain.wording import moment, one_line
from tasks.report.gallery import Cache
from tasks.report.strangers import Stranger
from tasks.report.thumbnail import Picture, thumbnail

WIDTH, HEIGHT = 1000, 400
"""Size of the map of points."""

COLUMNS, ROWS = 8, 5
"""Cells of a map of pictures; each shows the image nearest to its middle."""

PANEL = (496, 310)
"""Size of a map of pictures."""

SIDE = 62
BYTES = 3_000
"""Pixels and bytes of a small picture at most."""

EDGE = 1.0
"""Percentage of the points at either end that may lie outside the frame; they are drawn on it."""

BORDER = np.array([0.012, 0.03])
"""Share of width and height that stays free at the frame, so that a numbered point is seen whole."""

Row = Mapping[str, Any]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    """One image of a side; `number` is that of the gallery of strangers, 0 for the others; `beyond` as there."""

    x: float
    y: float
    hint: str
    number: int = 0
    beyond: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Small:
    """A small picture at its place."""

    x: float
    y: float
    picture: Picture


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddingMap:
    """Points of both sides, numbered ones last, and both sides as small pictures."""

    reference: tuple[Dot, ...]
    window: tuple[Dot, ...]
    numbered: tuple[Dot, ...] = ()
    as_it_was: tuple[Small, ...] = ()
    as_it_is: tuple[Small, ...] = ()


def embedding_map(rows: Sequence[Row], known: Sequence[Stranger], cache: Cache) -> EmbeddingMap | None:
    """The map of a `strange` table's rows; None when either side has no place on it."""
    placed = [row for row in rows if row["x"] is not None and row["y"] is not None]
    placed = [row for row in placed if np.isfinite([row["x"], row["y"]]).all()]
    sides = [[row for row in placed if row["side"] == side] for side in ("reference", "window")]
    if not all(sides):
        return None
    low, high = _frame(np.array([[row["x"], row["y"]] for row in placed]))
    before, after = (_scaled(side, low, high) for side in sides)
    numbered = {stranger.image_id: stranger for stranger in known}
    dots = [_dot(row, place, numbered.get(row["image_id"])) for row, place in zip(sides[1], after, strict=True)]
    return EmbeddingMap(
        reference=tuple(_dot(row, place, None) for row, place in zip(sides[0], before, strict=True)),
        window=tuple(dot for dot in dots if not dot.number),
        numbered=tuple(sorted((dot for dot in dots if dot.number), key=lambda dot: -dot.number)),
        as_it_was=tuple(_small(sides[0], before, cache)),
        as_it_is=tuple(_small(sides[1], after, cache)),
    )


def _frame(places: Floats) -> tuple[Floats, Floats]:
    """The corners of what is drawn: nearly all points, with a margin."""
    low, high = np.percentile(places, [EDGE, 100 - EDGE], axis=0)
    margin = np.maximum(0.08 * (high - low), 1e-6)
    return low - margin, high + margin


def _scaled(side: Sequence[Row], low: Floats, high: Floats) -> Floats:
    """Places 0..1 from the upper left corner, (n, 2)."""
    share = (np.array([[row["x"], row["y"]] for row in side]) - low) / (high - low)
    inside: Floats = np.clip(share, BORDER, 1 - BORDER)
    inside[:, 1] = 1 - inside[:, 1]
    return inside


def _dot(row: Row, place: Floats, known: Stranger | None) -> Dot:
    hint = f"{one_line(row['camera'], 60)}, {moment(row['captured_at'])}"
    x, y = round(float(place[0]) * WIDTH, 1), round(float(place[1]) * HEIGHT, 1)
    if known is None:
        return Dot(x=x, y=y, hint=hint)
    return Dot(x=x, y=y, hint=f"{hint}: {known.times} ×", number=known.number, beyond=known.beyond)


def _small(side: Sequence[Row], places: Floats, cache: Cache) -> Iterator[Small]:
    """For every cell that has an image, the one nearest to its middle; none where that is gone."""
    grid = places * [COLUMNS, ROWS]
    cell = np.minimum(grid.astype(int), [COLUMNS - 1, ROWS - 1])
    apart = ((grid - cell - 0.5) ** 2).sum(axis=1)
    wide, high = PANEL[0] / COLUMNS, PANEL[1] / ROWS
    for column, line in sorted({(int(x), int(y)) for x, y in cell}):
        inside = np.flatnonzero((cell == [column, line]).all(axis=1))
        row = side[int(inside[apart[inside].argmin()])]
        try:
            picture = thumbnail(cache.fetch(row["key"], row["sha256"]), "", SIDE, limit=BYTES)
        except EvergreenError:  # gone or changed since: its place stays empty
            continue
        yield Small(x=round(column * wide, 1), y=round(line * high, 1), picture=picture)
