"""How the model was served, as a small table: everything together, then runtimes and cameras, the slowest first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tasks.domain.serving import STEPS, Figures, Served
from tasks.domain.wording import measure, one_line

ROWS = 12
"""Rows of the table; the command has them all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingRow:
    """One group in words: `total` are P50, P95 and P99 of the whole answer, `steps` the P95 of each step, in ms."""

    where: str
    images: str
    speed: str
    failed: str
    total: tuple[str, str, str]
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingTable:
    """The table with what stands below it."""

    rows: tuple[ServingRow, ...]
    left_out: int
    notes: tuple[str, ...]


def serving_table(figures: Figures | None) -> ServingTable | None:
    """None where no record was counted."""
    if figures is None or not figures.whole.requests:
        return None
    groups = shown(figures.groups)
    return ServingTable(
        rows=tuple(_row(group) for group in groups),
        left_out=len(_telling(figures.groups)) - len(groups) + figures.untold,
        notes=tuple(_notes(figures)),
    )


def shown(groups: Sequence[Served], limit: int = ROWS) -> list[Served]:
    """`all`, then at most so many others: runtimes, cameras, pairs; among each the slowest first."""
    first, *rest = _telling(groups)
    rest.sort(key=lambda group: (_kind(group.where), -_slowness(group)))
    return [first, *rest[: limit - 1]]


def _telling(groups: Sequence[Served]) -> list[Served]:
    """Without a runtime or camera that is the only one: it says what `all` says."""
    kinds = [_kind(group.where) for group in groups]
    return [group for group, kind in zip(groups, kinds, strict=True) if not kind or kinds.count(kind) > 1]


def _kind(where: str) -> int:
    if where == "all":
        return 0
    return 3 if ", camera=" in where else 1 if where.startswith("runtime=") else 2


def _slowness(group: Served) -> float:
    return group.latency["total"].quantiles[1] if "total" in group.latency else 0.0


def _row(group: Served) -> ServingRow:
    total = group.latency.get("total")
    low, middle, high = total.quantiles if total else (None, None, None)
    share = f" ({group.error_rate:.2%})" if group.failed else ""
    return ServingRow(
        where=_where(group.where),
        images=f"{group.requests:,}",
        speed=measure(group.per_second),
        failed=f"{group.failed:,}{share}",
        total=(_ms(low), _ms(middle), _ms(high)),
        steps=tuple(_ms(group.latency[step].quantiles[1] if step in group.latency else None) for step in STEPS[:-1]),
    )


def _where(where: str) -> str:
    """The group in words.

    >>> _where("runtime=onnx, camera=line-1"), _where("camera=line-1")
    ('line-1 on onnx', 'camera line-1')
    """
    if _kind(where) == 3:
        runtime, _, camera = where.removeprefix("runtime=").partition(", camera=")
        return one_line(f"{camera} on {runtime}", 60)
    return one_line(where.replace("=", " ", 1), 60)


def _ms(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _notes(figures: Figures) -> Iterable[str]:
    yield f"Busiest minute: {measure(figures.busiest)} images a second."
    if len(figures.per_hour) > 1:
        hour, most = max(figures.per_hour, key=lambda each: each[1])
        quiet = sum(not count for _, count in figures.per_hour)
        yield f"Busiest hour: {most:,.0f} images from {hour:%Y-%m-%d %H:%M} UTC" + (
            f"; {quiet} of {len(figures.per_hour)} hours without any." if quiet else "."
        )
    if figures.reasons:
        yield "Errors: " + "; ".join(f"{count:,} × {one_line(name, 120)}" for name, count in figures.reasons.items())
    if "total" not in figures.whole.latency:
        yield "No record says how long its answer took (latency_ms)."
