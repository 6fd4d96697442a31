"""Corners of the small charts of the evaluation page; the templates draw them as SVG, so every point can be read."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tasks.domain.portrait import Confusion, Curve, Reliability
from tasks.domain.wording import moment, one_line

COLOURS = ("#1f6fb2", "#b3261e", "#2e7d4f", "#c99a2e", "#7b4fa3", "#008b8b", "#c2571a", "#5d6862", "#a3336b", "#46618a")
"""Colours of classes in turn; beyond them the line is dashed."""

PR_WIDTH, PR_HEIGHT = 440, 300
TREND_WIDTH, TREND_HEIGHT = 960, 240
TREND_POINTS = 60
"""Evaluations of a trend, the newest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a chart: its corners as SVG wants them, its colour, and what is said of it."""

    name: str
    words: str
    points: str
    colour: str
    dashed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One evaluation in a trend: its place, the ends of its interval (None without one), and what it says.

    `joined`: it compares with the one before.
    """

    x: float
    y: float
    low: float | None
    high: float | None
    hint: str
    joined: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """The evaluations on one set in order of time."""

    name: str
    look: str
    points: tuple[Point, ...]

    @property
    def lines(self) -> tuple[str, ...]:
        """The lines through those that compare."""
        parts: list[list[str]] = []
        for point in self.points:
            place = f"{point.x},{point.y}"
            if parts and point.joined:
                parts[-1].append(place)
            else:
                parts.append([place])
        return tuple(" ".join(part) for part in parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """All series in one picture; `marks` are the places (x, label) at which another version begins."""

    series: tuple[Series, ...]
    marks: tuple[tuple[float, str], ...]
    ticks: tuple[tuple[float, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One evaluation as a trend needs it; `low` and `high` are nan without an interval.

    `apart` says why it does not compare with the one before on this set, empty when it does.
    """

    at: datetime
    dataset: str
    version: str
    value: float
    low: float
    high: float
    n: int
    apart: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One cell of a confusion matrix: how dark (0..1), what stands in it, what it says."""

    row: int
    column: int
    strength: float
    good: bool
    text: str
    hint: str


def curve_lines(curves: Sequence[Curve]) -> tuple[Line, ...]:
    """Precision over recall; classes without an object or an answer have no line."""
    found = []
    for number, curve in enumerate(curve for curve in curves if curve.recall):
        places = [f"{round(r * PR_WIDTH, 1)},{round((1 - p) * PR_HEIGHT, 1)}" for r, p in _pairs(curve)]
        value = "" if curve.value is None else f" AP50 {curve.value:.3f}"
        found.append(
            Line(
                name=one_line(curve.name, 40),
                words=value.strip(),
                points=" ".join(places),
                colour=COLOURS[number % len(COLOURS)],
                dashed=number >= len(COLOURS),
            )
        )
    return tuple(found)


def _pairs(curve: Curve) -> list[tuple[float, float]]:
    return list(zip(curve.recall, curve.precision, strict=True))


def trend(measured: Sequence[Measured], names: Sequence[tuple[str, str]]) -> Trend | None:
    """The newest evaluations side by side in order of time; `names` are (dataset, what it is called). None if none."""
    called = dict(names)
    known = [each for each in measured if each.dataset in called and math.isfinite(each.value)]
    rows = sorted(known, key=lambda each: each.at)[-TREND_POINTS:]
    if not rows:
        return None
    ends = [value for row in rows for value in (row.value, row.low, row.high) if math.isfinite(value)]
    low, high = max(0.0, min(ends) - 0.05), min(1.0, max(ends) + 0.05)
    step = TREND_WIDTH / (len(rows) + 1)

    def height(value: float) -> float | None:
        return round((high - value) / (high - low) * TREND_HEIGHT, 1) if math.isfinite(value) else None

    def place(number: int) -> float:
        return round((number + 1) * step, 1)

    series = []
    for dataset, name in names:
        points = tuple(
            Point(
                x=place(at),
                y=height(row.value) or 0.0,
                low=height(row.low),
                high=height(row.high),
                hint=_hint(row, name),
                joined=not row.apart,
            )
            for at, row in enumerate(rows)
            if row.dataset == dataset
        )
        if points:
            series.append(Series(name=name, look=dataset, points=points))
    changes = [at for at in range(len(rows)) if at == 0 or rows[at].version != rows[at - 1].version]
    marks = tuple((place(at), one_line(rows[at].version, 12)) for at in changes)
    ticks = tuple(
        (height(low + part * (high - low)) or 0.0, f"{low + part * (high - low):.2f}") for part in (0, 0.5, 1)
    )
    return Trend(series=tuple(series), marks=marks, ticks=ticks)


def _hint(row: Measured, name: str) -> str:
    span = f" ({row.low:.3f} to {row.high:.3f})" if math.isfinite(row.low) else ""
    told = f"; not comparable with the one before: {row.apart}" if row.apart else ""
    return f"{name}, {one_line(row.version, 40)}: {row.value:.3f}{span}, {row.n} images, {moment(row.at)}{told}"


def cells(confusion: Confusion) -> tuple[Cell, ...]:
    """The matrix row by row; how dark a cell is says its share of its row."""
    found = []
    for row, counts in enumerate(confusion.rows):
        total = sum(counts)
        for column, count in enumerate(counts):
            share = count / total if total else 0.0
            names = [one_line(confusion.names[place], 40) for place in (row, column)]
            found.append(
                Cell(
                    row=row,
                    column=column,
                    strength=round(share, 3),
                    good=row == column,
                    text=f"{count:.0f}" if count else "",
                    hint=f"truth {names[0]}, answer {names[1]}: {count:g} ({share:.0%} of the row)",
                )
            )
    return tuple(found)


def dots(bins: Sequence[Reliability]) -> list[tuple[float, float, float, str]]:
    """Places (x, y) in a square of 280, radius, and words for each bin of a calibration plot."""
    most = max((each.count for each in bins), default=1.0)
    return [
        (
            round(280 * each.confidence, 1),
            round(280 * (1 - each.right), 1),
            round(3 + 9 * math.sqrt(each.count / most), 1),
            f"{each.count:.0f} answers about {each.confidence:.0%} sure: {each.right:.0%} are right",
        )
        for each in bins
    ]
