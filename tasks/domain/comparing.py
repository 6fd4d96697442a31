"""An evaluation as flat tables with the same columns for every version, so that two can be read side by side."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tasks.domain.evaluation import Evaluation
from tasks.domain.portrait import Portrait

Value = str | float | int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A table by columns and rows; `name` is its file name without the suffix."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]


def sheets(evaluation: Evaluation, portrait: Portrait, version: str) -> tuple[Sheet, ...]:
    """Numbers, parts (class, camera, size), errors, confusion and worst images; empty tables are left out."""
    dataset = evaluation.dataset
    headline = (evaluation.metric, evaluation.headline.value, evaluation.headline.low, evaluation.headline.high)
    numbers = [headline, *((name, value, math.nan, math.nan) for name, value in sorted(evaluation.metrics.items()))]
    found = (
        Sheet(
            name="numbers",
            columns=("dataset", "number", "value", "low", "high", "version"),
            rows=tuple((dataset, row[0], *map(_known, row[1:]), version) for row in numbers),
        ),
        Sheet(
            name="parts",
            columns=("dataset", "kind", "name", evaluation.metric, "low", "high", "images", "objects", "version"),
            rows=tuple(
                (dataset, p.kind, p.name, p.value, p.low, p.high, p.n, p.objects, version) for p in portrait.parts
            ),
        ),
        Sheet(
            name="errors",
            columns=("dataset", "error", "count", "map50_gain", "f1_gain", "version"),
            rows=tuple((dataset, e.kind, e.count, e.map50, e.f1, version) for e in portrait.errors),
        ),
        Sheet(
            name="confusion",
            columns=("dataset", "truth", "answer", "count", "version"),
            rows=tuple(_confused(portrait, dataset, version)),
        ),
        Sheet(
            name="worst_images",
            columns=("dataset", "image", "camera", "score", "missed", "wrong", "version"),
            rows=tuple(_images(portrait, dataset, version)),
        ),
    )
    return tuple(sheet for sheet in found if sheet.rows)


def split_form(sheet: Sheet) -> Mapping[str, Sequence[object]]:
    """The table as MLflow stores tables: pandas' `split` orientation."""
    return {"columns": list(sheet.columns), "data": [list(row) for row in sheet.rows]}


def _confused(portrait: Portrait, dataset: str, version: str) -> list[tuple[Value, ...]]:
    matrix = portrait.confusion
    if matrix is None:
        return []
    return [
        (dataset, truth, answer, count, version)
        for truth, row in zip(matrix.names, matrix.rows, strict=True)
        for answer, count in zip(matrix.names, row, strict=True)
        if count
    ]


def _images(portrait: Portrait, dataset: str, version: str) -> list[tuple[Value, ...]]:
    shots = {shot.photo.image_id: shot for shot in (*portrait.misses, *portrait.phantoms)}
    return [
        (dataset, name, shot.photo.camera, shot.score, len(shot.missed), len(shot.wrong), version)
        for name, shot in shots.items()
    ]


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None
