"""What the business says, as rows with a small line of earlier values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tasks.domain.kpi import Business, Kpi, Refusal
from tasks.domain.wording import measure, moment, one_line

WIDTH, HEIGHT, EDGE = 140, 30, 3
"""Pixels of the small line, and what is left free around it."""

ROWS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class KpiLine:
    """One number in words; `points` are the corners of its trend ("" for a single value), `dot` is the newest."""

    name: str
    where: str
    value: str
    span: str
    change: str
    gained: bool | None
    limit: str
    look: str
    points: str
    dot: tuple[float, float] | None
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KpiTable:
    """All numbers, how many are not shown, and what was refused."""

    rows: tuple[KpiLine, ...]
    left_out: int
    refused: tuple[Refusal, ...]
    refusals: int


def kpi_table(business: Business) -> KpiTable | None:
    """None where nobody counts anything."""
    if not business.kpis and not business.refusals:
        return None
    return KpiTable(
        rows=tuple(_line(kpi) for kpi in business.kpis[:ROWS]),
        left_out=max(0, len(business.kpis) - ROWS),
        refused=business.refused,
        refusals=business.refusals,
    )


def corners(values: Sequence[float], width: float, height: float, edge: float) -> list[tuple[float, float]]:
    """Places of a line through the values, the oldest on the left; a level line lies in the middle."""
    low, high = min(values), max(values)
    span = high - low
    step = (width - 2 * edge) / max(len(values) - 1, 1)
    place = [(value - low) / span if span > 0 else 0.5 for value in values]
    return [
        (round(edge + at * step, 1), round(height - edge - p * (height - 2 * edge), 1)) for at, p in enumerate(place)
    ]


def _line(kpi: Kpi) -> KpiLine:
    gain = kpi.gain
    places = corners(kpi.trend, WIDTH, HEIGHT, EDGE) if len(kpi.trend) > 1 else []
    mean = f", mean of {kpi.rows}" if kpi.rows > 1 else ""
    return KpiLine(
        name=one_line(kpi.name, 80),
        where=one_line(f"camera {kpi.camera}", 80) if kpi.camera else "all",
        value=measure(kpi.value, one_line(kpi.unit, 40)),
        span=f"{moment(kpi.start)} to {moment(kpi.end)}{mean}",
        change=_change(kpi),
        gained=None if gain is None or math.isclose(gain, 0, abs_tol=1e-12) else gain > 0,
        limit="" if kpi.limit is None else f"{'at most' if kpi.better == 'lower' else 'at least'} {measure(kpi.limit)}",
        look=kpi.outcome.value if kpi.outcome else "",
        points=" ".join(f"{x},{y}" for x, y in places),
        dot=places[-1] if places else None,
        source=one_line(kpi.source, 120),
    )


def _change(kpi: Kpi) -> str:
    if len(kpi.trend) < 2:
        return "no earlier value"
    change = kpi.trend[-1] - kpi.trend[-2]
    if math.isclose(change, 0, abs_tol=1e-12):
        return "as before"
    return f"{change:+.4g} ({'better' if (kpi.gain or 0) > 0 else 'worse'})"
