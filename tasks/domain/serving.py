"""How fast and how reliably the model was served in one window: plain figures, and their form as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

SERVING = "serving"
"""Name of these figures among the artifacts of a judged window."""

STEPS = ("preprocess", "inference", "postprocess", "total")
"""What a latency is of; `total` is the sum of the steps that a record states, and inference must be one of them."""

LEVELS = (0.5, 0.95, 0.99)
"""Quantiles that are kept of every latency."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Milliseconds over `n` answers: quantiles in the order of `LEVELS`, within 0.5 %; `largest` is exact."""

    n: int
    quantiles: tuple[float, float, float]
    largest: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """One group: `where` is `all`, `runtime=…`, `camera=…` or `runtime=…, camera=…`.

    `requests` and `failed` are records; `error_rate` (0..1) and `per_second` count each as often as it stands for.
    """

    where: str
    requests: int
    failed: int
    error_rate: float
    per_second: float
    latency: Mapping[str, Latency] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tallies:
    """Answers and bad ones of every promise, in slices of `seconds` from `start` on: (slice, answers, bad)."""

    start: datetime
    seconds: int
    counts: Mapping[str, tuple[tuple[int, float, float], ...]] = field(default_factory=dict)

    def within(self, promise: str, start: datetime, end: datetime) -> tuple[float, float]:
        """Answers and bad ones of all slices that begin in [start, end)."""
        step = timedelta(seconds=self.seconds)
        found = [row for row in self.counts.get(promise, ()) if start <= self.start + row[0] * step < end]
        return sum(row[1] for row in found), sum(row[2] for row in found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """All of a window. `groups` begin with `all`; `per_hour` are images by UTC hour; `reasons` the usual errors.

    `busiest` is the most images a second that any minute had. `untold` counts groups that are not shown.
    """

    groups: tuple[Served, ...]
    per_hour: tuple[tuple[datetime, float], ...]
    busiest: float
    reasons: Mapping[str, int]
    tallies: Tallies
    untold: int = 0

    @property
    def whole(self) -> Served:
        """The group of all records."""
        return self.groups[0]


def figures_json(figures: Figures) -> dict[str, Any]:
    """The figures as JSON values, numbers with as many digits as they have a meaning."""
    return {
        "groups": [_served_json(group) for group in figures.groups],
        "per_hour": [[hour.isoformat(), round(count, 1)] for hour, count in figures.per_hour],
        "busiest": round(figures.busiest, 3),
        "reasons": dict(figures.reasons),
        "tallies": {
            "start": figures.tallies.start.isoformat(),
            "seconds": figures.tallies.seconds,
            "counts": {name: [list(row) for row in rows] for name, rows in figures.tallies.counts.items()},
        },
        "untold": figures.untold,
    }


def figures_of(data: Mapping[str, Any]) -> Figures:
    """The inverse of `figures_json`."""
    return Figures(
        groups=tuple(_served(group) for group in data["groups"]),
        per_hour=tuple((datetime.fromisoformat(hour), float(count)) for hour, count in data["per_hour"]),
        busiest=float(data["busiest"]),
        reasons={str(name): int(count) for name, count in data["reasons"].items()},
        tallies=Tallies(
            start=datetime.fromisoformat(data["tallies"]["start"]),
            seconds=int(data["tallies"]["seconds"]),
            counts={name: _rows(rows) for name, rows in data["tallies"]["counts"].items()},
        ),
        untold=int(data["untold"]),
    )


def figures_kept(artifacts: Mapping[str, str]) -> Figures | None:
    """The figures among the artifacts of a judged window; None when it was judged before there were any."""
    text = artifacts.get(SERVING, "")
    return figures_of(json.loads(text)) if text.startswith("{") else None


def _served_json(group: Served) -> dict[str, Any]:
    return {
        "where": group.where,
        "requests": group.requests,
        "failed": group.failed,
        "error_rate": round(group.error_rate, 6),
        "per_second": round(group.per_second, 4),
        "latency_ms": {
            step: {
                "n": found.n,
                **{f"p{round(100 * q)}": round(v, 4) for q, v in zip(LEVELS, found.quantiles, strict=True)},
                "max": round(found.largest, 4),
            }
            for step, found in group.latency.items()
        },
    }


def _served(data: Mapping[str, Any]) -> Served:
    return Served(
        where=data["where"],
        requests=data["requests"],
        failed=data["failed"],
        error_rate=data["error_rate"],
        per_second=data["per_second"],
        latency={
            step: Latency(n=row["n"], quantiles=(row["p50"], row["p95"], row["p99"]), largest=row["max"])
            for step, row in data["latency_ms"].items()
        },
    )


def _rows(rows: Sequence[Sequence[float]]) -> tuple[tuple[int, float, float], ...]:
    return tuple((int(place), float(answers), float(bad)) for place, answers, bad in rows)
