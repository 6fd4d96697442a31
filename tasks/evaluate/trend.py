"""How golden set, fresh set and windows went through versions and time, and which of these numbers compare."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from tasks.domain.evaluation import Evaluation
from tasks.domain.power import TREND
from tasks.domain.protocol import refusal
from tasks.domain.window import Window

SETS = ("golden", "recent", "window")


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One number of a trend. `compared` is false for what must not be read against its neighbours; `why` says why not.

    `version` is the registry's number or the beginning of the hash; `returned` the share of a window's usual labels.
    """

    dataset: str
    version: str
    at: datetime
    window: str
    metric: str
    value: float | None
    low: float | None
    high: float | None
    n: int
    returned: float | None
    compared: bool
    why: str


Kept = tuple[Evaluation, Window | None, datetime]
"""An evaluation, its window if it has one, and when it was saved."""


def points(kept: Iterable[Kept], names: dict[str, str], min_return: float, least: int = TREND) -> list[Point]:
    """The trend, oldest first; an evaluation that says the same as the one before it is one point.

    Args:
        kept: In any order.
        names: SHA-256 of a version -> what people call it.
        min_return: Share of its usual labels below which a window is immature.
        least: Labelled images below which no trend is drawn.
    """
    ordered = sorted(kept, key=lambda each: (each[1].start if each[1] else each[2], each[2]))
    found: list[Point] = []
    last: dict[str, Evaluation] = {}
    for evaluation, window, at in ordered:
        before = last.get(evaluation.dataset)
        if before is not None and window is None and _same(before, evaluation):
            continue
        why = _why(evaluation, before, window, min_return, least)
        last[evaluation.dataset] = evaluation
        found.append(_point(evaluation, window, at, names, why))
    return found


def points_json(found: Sequence[Point]) -> list[dict[str, Any]]:
    """The points as JSON values."""
    return [{**asdict(each), "at": each.at.isoformat()} for each in found]


def _same(before: Evaluation, now: Evaluation) -> bool:
    return (before.model_sha256, before.digest, before.protocol) == (now.model_sha256, now.digest, now.protocol)


def _why(now: Evaluation, before: Evaluation | None, window: Window | None, min_return: float, least: int) -> str:
    returned = now.metrics.get("returned")
    if window is not None and returned is not None and returned < min_return:
        return f"immature: {returned:.0%} of its usual labels are back, {min_return:.0%} are needed"
    if window is None and now.n < least:
        return f"{now.n} labelled images, a trend needs {least}"
    if window is None and before is not None and (refused := refusal(before, now)):
        return f"not comparable with the point before: {refused}"
    if now.dataset == "golden" and before is not None and before.digest != now.digest:
        return "another version of the golden set than the point before"
    return "" if now.n else "no labelled image"


def _point(now: Evaluation, window: Window | None, at: datetime, names: dict[str, str], why: str) -> Point:
    return Point(
        dataset=now.dataset,
        version=names.get(now.model_sha256, now.model_sha256[:12]),
        at=at,
        window=str(window) if window else "",
        metric=now.metric,
        value=_known(now.headline.value),
        low=_known(now.headline.low),
        high=_known(now.headline.high),
        n=now.n,
        returned=now.metrics.get("returned"),
        compared=not why,
        why=why,
    )


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None
