"""One labelled set as the evaluation page draws it: numbers as words, curves as corners, images as pictures."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tasks.domain.change import change
from tasks.domain.evaluation import CARD_USE, Evaluation
from tasks.domain.finding import Outcome
from tasks.domain.notice import Fact
from tasks.domain.portrait import LEAST, ErrorShare, Part, Portrait, gap
from tasks.domain.protocol import refusal
from tasks.domain.wording import measure, one_line
from tasks.report.charts import Cell, Line, cells, curve_lines, dots
from tasks.report.gallery import Cache
from tasks.report.shots import ShownShot, shown_shots

SETS = (("recent", "fresh labels"), ("golden", "golden set"))
"""Datasets in the order of the page, and what they are called there."""

TELLING = 0.01
"""How far the worst part must lie below the whole to be called so."""

PARTS = 40
"""Rows of a table of parts; the worst ones."""

LAG, LABELLED = "label_lag_seconds", "labelled_fraction"
KINDS = {"class": "By class", "camera": "By camera", "size": "By size of the object"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One evaluation with what it was before (same version, other labels) and when it became champion."""

    evaluation: Evaluation
    portrait: Portrait = field(default_factory=Portrait)
    before: Evaluation | None = None
    baseline: Evaluation | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PartRow:
    """One row of a table of parts: the interval lies at `low` to `high` percent, the value `at`; None where unknown."""

    name: str
    n: int
    objects: int
    value: str
    span: str
    at: float | None
    low: float | None
    high: float | None
    worst: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SetView:
    """One labelled set as the template draws it."""

    name: str
    metric: str
    value: str
    span: str
    was: tuple[Fact, ...]
    outcome: Outcome | None
    facts: tuple[Fact, ...]
    gaps: tuple[Fact, ...]
    lines: tuple[Line, ...]
    matrix: tuple[Cell, ...]
    names: tuple[str, ...]
    errors: tuple[tuple[str, str, str, str, float], ...]
    reliability: tuple[tuple[float, float, float, str], ...]
    parts: tuple[tuple[str, tuple[PartRow, ...], int], ...]
    misses: tuple[ShownShot, ...]
    phantoms: tuple[ShownShot, ...]
    boxed: bool


def view(each: Measurement, cache: Cache) -> SetView:
    """The set as the template draws it."""
    known, seen = each.evaluation, each.portrait
    kinds = [(KINDS[kind], *_rows(seen.parts, kind, known.headline.value)) for kind in KINDS]
    return SetView(
        name=called(known.dataset),
        metric=known.metric.replace("map50_95", "mAP50-95"),
        value=value(known.headline.value),
        span=span(known),
        was=tuple(_was(each)),
        outcome=_outcome(each),
        facts=tuple(_facts(known, seen)),
        gaps=tuple(_worst(seen, known)),
        lines=curve_lines(seen.curves),
        matrix=cells(seen.confusion) if seen.confusion else (),
        names=seen.confusion.names if seen.confusion else (),
        errors=_errors(seen.errors),
        reliability=tuple(dots(seen.reliability)),
        parts=tuple((title, rows, left) for title, rows, left in kinds if rows),
        misses=shown_shots(seen.misses, cache),
        phantoms=shown_shots(seen.phantoms, cache),
        boxed=bool(seen.curves),
    )


def called(dataset: str) -> str:
    """What the set is called on pages."""
    return dict(SETS).get(dataset, dataset)


def value(number: float) -> str:
    """Three digits, or that it is not known."""
    return f"{number:.3f}" if math.isfinite(number) else "not known"


def span(known: Evaluation) -> str:
    """The 95 % interval of the headline."""
    low, high = known.headline.low, known.headline.high
    return f"{low:.3f} to {high:.3f}" if math.isfinite(low) and math.isfinite(high) else "no interval: too few sessions"


def _was(each: Measurement) -> list[Fact]:
    """What it was; numbers of another protocol are not compared, and that is said."""
    found = []
    for label, other in (("when it became champion", each.baseline), ("on the labels before", each.before)):
        if other is None:
            continue
        refused = refusal(each.evaluation, other)
        change = each.evaluation.headline.value - other.headline.value
        told = f" (not comparable: {refused})" if refused else f" ({change:+.3f})" if math.isfinite(change) else ""
        found.append(Fact(label=label, value=f"was {value(other.headline.value)}{told}"))
    return found


def _outcome(each: Measurement) -> Outcome | None:
    """Whether the whole interval of the change since it became champion lies on one side of 0; None between."""
    was = each.baseline
    if was is None or refusal(each.evaluation, was):
        return None
    moved = change(each.evaluation.headline, was.headline)
    if moved.high < 0:
        return Outcome.BREACH
    return Outcome.OK if moved.low >= 0 else None


def _facts(known: Evaluation, seen: Portrait) -> list[Fact]:
    found = [
        Fact(
            label="labelled images",
            value=f"{known.n:,} from {seen.sessions:,} sessions" if seen.sessions else f"{known.n:,}",
        )
    ]
    numbers: Mapping[str, float] = known.metrics
    if math.isfinite(numbers.get(LABELLED, math.nan)):
        found.append(Fact(label="of recent images have a label", value=f"{numbers[LABELLED]:.1%}"))
    if math.isfinite(numbers.get(LAG, math.nan)):
        found.append(Fact(label="from shutter to label (median)", value=measure(numbers[LAG] / 3600, "h")))
    for name, words in (
        ("map50", "mAP50"), ("map75", "mAP75"), ("precision", "precision"), ("recall", "recall"), ("f1", "F1"),
        ("balanced_accuracy", "balanced accuracy"), ("top5", "top-5"), ("d_ece", "calibration error"),
        ("ece", "calibration error"), ("confidence", "at confidence"),
    ):  # fmt: skip
        if math.isfinite(numbers.get(name, math.nan)):
            found.append(Fact(label=words, value=value(numbers[name])))
    if math.isfinite(numbers.get(CARD_USE, math.nan)):
        found.append(Fact(label="of the time the GPU was busy while it inferred", value=f"{numbers[CARD_USE]:.0%}"))
    return found


def _worst(seen: Portrait, known: Evaluation) -> list[Fact]:
    found = []
    for kind in ("class", "camera"):
        below = gap(seen, kind, known.headline.value, LEAST)
        if below is None or below < TELLING:
            continue
        parts = [each for each in seen.parts if each.kind == kind and each.n >= LEAST and each.value is not None]
        name = min(parts, key=lambda each: each.value or 0.0).name
        found.append(Fact(label=f"worst {kind}", value=f"{one_line(name, 60)}, {below:.3f} below the whole"))
    return found


def _errors(errors: Sequence[ErrorShare]) -> tuple[tuple[str, str, str, str, float], ...]:
    """Words, how many, what mAP50 and F1 would gain, and the length of the bar in percent; the costliest first."""
    most = max((each.count for each in errors), default=0.0) or 1.0
    rows = sorted(errors, key=lambda each: -(each.map50 or 0.0))
    return tuple(
        (
            ERRORS.get(each.kind, each.kind),
            f"{each.count:.0f}",
            _gain(each.map50),
            _gain(each.f1),
            100 * each.count / most,
        )
        for each in rows
    )


ERRORS = {
    "class": "right place, wrong class",
    "localisation": "right class, wrong place",
    "class_and_localisation": "wrong class and place",
    "duplicate": "second box for one object",
    "background": "nothing is there",
    "miss": "object not found",
}


def _gain(value: float | None) -> str:
    return "" if value is None else f"{max(value, 0.0):+.3f}"


def _rows(parts: Sequence[Part], kind: str, headline: float) -> tuple[tuple[PartRow, ...], int]:
    """The worst parts first, those without a number last; and how many are left out."""
    mine = sorted(
        (part for part in parts if part.kind == kind and part.objects),
        key=lambda part: (part.value is None, part.value or 0.0),
    )
    telling = [part for part in mine if part.n >= LEAST and part.value is not None]
    told = kind != "size" and len(telling) > 1 and headline - (telling[0].value or 0.0) >= TELLING
    worst = telling[0].name if told else None
    return tuple(_row(part, part.name == worst) for part in mine[:PARTS]), max(0, len(mine) - PARTS)


def _row(part: Part, worst: bool) -> PartRow:
    return PartRow(
        name=one_line(part.name, 80),
        n=part.n,
        objects=part.objects,
        value="not known" if part.value is None else f"{part.value:.3f}",
        span="" if part.low is None or part.high is None else f"{part.low:.3f} to {part.high:.3f}",
        at=_percent(part.value),
        low=_percent(part.low),
        high=_percent(part.high),
        worst=worst,
    )


def _percent(value: float | None) -> float | None:
    return None if value is None else round(100 * min(max(value, 0.0), 1.0), 1)
