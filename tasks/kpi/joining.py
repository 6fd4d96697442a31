"""What each number is in a window: rows are joined by time, and held against their limit where there is one."""

from __future__ import annotations

from collections.abc import Sequence

from tasks.domain.finding import ALL, Finding, Outcome
from tasks.domain.kpi import Kpi, KpiRow, judged
from tasks.domain.subjects import KPI
from tasks.domain.window import Window
from tasks.domain.wording import measure
from tasks.kpi.rules import KpiLimit, KpiRules

TREND = 30
"""Values of a trend."""


def joined(rows: Sequence[tuple[str, KpiRow]], window: Window, rules: KpiRules) -> list[Kpi]:
    """One number for each series with a row that overlaps the window, in order of names; `rows` are (source, row)."""
    series: dict[tuple[str, str], list[tuple[str, KpiRow]]] = {}
    for source, row in rows:
        series.setdefault(row.series, []).append((source, row))
    found = (_of_series(sorted(each, key=lambda pair: pair[1].end), window, rules) for each in series.values())
    return sorted((each for each in found if each is not None), key=lambda kpi: (kpi.name, kpi.camera))


def kpi_findings(kpis: Sequence[Kpi], rules: KpiRules) -> list[Finding]:
    """One finding for each limit; without a value in the window it is open."""
    return [_finding(limit, kpis) for limit in rules.limits]


def _of_series(rows: Sequence[tuple[str, KpiRow]], window: Window, rules: KpiRules) -> Kpi | None:
    inside = [(source, row) for source, row in rows if row.start < window.end and row.end > window.start]
    if not inside:
        return None
    seconds = [(min(row.end, window.end) - max(row.start, window.start)).total_seconds() for _, row in inside]
    value = sum(row.value * share for (_, row), share in zip(inside, seconds, strict=True)) / sum(seconds)
    source, newest = inside[-1]
    earlier = [row.value for _, row in rows if row.end <= inside[0][1].start][-(TREND - 1) :]
    limit = next((each.limit for each in rules.limits if _about(each, newest.name, newest.camera)), None)
    return Kpi(
        name=newest.name,
        camera=newest.camera or "",
        value=value,
        unit=newest.unit,
        better=newest.better,
        start=inside[0][1].start,
        end=newest.end,
        rows=len(inside),
        trend=(*earlier, value),
        limit=limit,
        outcome=judged(value, limit, newest.better),
        source=source,
    )


def _finding(limit: KpiLimit, kpis: Sequence[Kpi]) -> Finding:
    mine = next((kpi for kpi in kpis if _about(limit, kpi.name, kpi.camera)), None)
    where = f"camera={limit.camera}" if limit.camera else ALL
    if mine is None or mine.outcome is None:
        note = f"no value of {limit.name!r} is about this window"
        return Finding(check=KPI, subject=limit.name, slice=where, outcome=Outcome.INCONCLUSIVE, note=note)
    side = "at most" if mine.better == "lower" else "at least"
    return Finding(
        check=KPI,
        subject=mine.name,
        slice=where,
        outcome=mine.outcome,
        value=mine.value,
        limit=limit.limit,
        unit=mine.unit,
        n=mine.rows,
        note=f"{measure(mine.value, mine.unit)}, good is {side} {measure(limit.limit, mine.unit)}",
    )


def _about(limit: KpiLimit, name: str, camera: str | None) -> bool:
    return (limit.name, limit.camera or "") == (name, camera or "")
