"""The quality rules as code: schema, nulls, ranges, uniqueness, volume, freshness, boxes, copies, latency."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pyarrow as pa

from tasks.domain.expectation import EXISTS as EXISTS
from tasks.domain.expectation import MEAN as MEAN
from tasks.domain.expectation import NOT_NULL as NOT_NULL
from tasks.domain.expectation import Expectation, Parameter, Severity
from tasks.domain.model import Kind
from tasks.quality.frames import DETECTIONS, IMAGES, OBJECTS, Frames
from tasks.quality.rules import QualityRules

BETWEEN = "ExpectColumnValuesToBeBetween"
UNIQUE = "ExpectColumnValuesToBeUnique"
IN_SET = "ExpectColumnValuesToBeInSet"
ROWS = "ExpectTableRowCountToBeBetween"
LOWEST = "ExpectColumnMinToBeBetween"

_REQUIRED = ("image_id", "camera", "kind", "model_version")
_SIDES = ("width", "height")  # no record lacks them; null stands for a request that failed, and is not asked about
_LARGEST = 100_000.0


def suite(frames: Frames, classes: int | None, rules: QualityRules) -> tuple[Expectation, ...]:
    """The expectations about a window's tables; the row count comes first and is never left out.

    Optional columns that nobody fills (latencies, sampling) and detections that do not exist are not asked
    about: there is nothing to keep. `classes` is how many classes the model knows, None when nobody said.
    """
    found = [_volume(rules), *_schema(), *_objects(rules), *_images(frames[IMAGES], rules)]
    if frames[DETECTIONS].num_rows:
        found += _detections(frames[DETECTIONS], classes, rules)
    return tuple(found)


def rule(name: str, native: str, where: tuple[str, str], mostly: float = 1.0, **parameters: Parameter) -> Expectation:
    """An expectation about a column of a table; `native` is great-expectations' own name of it."""
    table, column = where
    return Expectation(name=name, rule=native, table=table, column=column, mostly=mostly, parameters=parameters)


def _volume(rules: QualityRules) -> Expectation:
    limits: dict[str, Parameter] = {"min_value": rules.min_images, "max_value": rules.max_images}
    return Expectation(name="volume", rule=ROWS, table=IMAGES, parameters=limits)


def _schema() -> Iterator[Expectation]:
    for column in _REQUIRED:
        yield rule("schema", EXISTS, (IMAGES, column))
        yield rule("nulls", NOT_NULL, (IMAGES, column))
    yield rule("duplicates", UNIQUE, (IMAGES, "image_id"))
    yield rule("duplicates", UNIQUE, (OBJECTS, "key"))
    yield rule("duplicates", UNIQUE, (OBJECTS, "id"))
    yield rule("enum", IN_SET, (IMAGES, "kind"), value_set=tuple(kind.value for kind in Kind))
    for side in _SIDES:
        yield rule("schema", EXISTS, (IMAGES, side))
        yield rule("range", BETWEEN, (IMAGES, side), min_value=1, max_value=_LARGEST)


def share(name: str, where: tuple[str, str], most: float) -> Expectation:
    """An expectation about the mean of a column of 0 and 1: the rate behind it may be at most `most`."""
    return replace(rule(name, MEAN, where, min_value=0, max_value=most), beyond_chance=True)


def usual(name: str, where: tuple[str, str], mostly: float, **parameters: Parameter) -> Expectation:
    """An expectation about a range that most values keep: the rate of those that do not may be at most 1 - `mostly`."""
    return replace(rule(name, BETWEEN, where, mostly, **parameters), beyond_chance=True)


def _objects(rules: QualityRules) -> Iterator[Expectation]:
    yield share("quarantined_share", (OBJECTS, "quarantined"), rules.max_quarantined)
    yield share("size_differs_share", (OBJECTS, "size_differs"), rules.max_size_differs)
    yield share("camera_differs_share", (OBJECTS, "camera_differs"), rules.max_camera_differs)
    yield share("crossed_share", (OBJECTS, "crossed"), rules.max_crossed)
    yield share("unanswered_share", (OBJECTS, "unanswered"), rules.max_unanswered)


def _images(images: pa.Table, rules: QualityRules) -> Iterator[Expectation]:
    yield share("failed_share", (IMAGES, "failed"), rules.max_failed)
    yield rule("captured_in_window", BETWEEN, (IMAGES, "silence_hours"), min_value=0)
    yield Expectation(
        name="freshness",
        rule=LOWEST,
        table=IMAGES,
        column="silence_hours",
        parameters={"min_value": 0, "max_value": rules.max_silence_hours},
        severity=Severity.WARNING,
    )
    for column in ("preprocess_ms", "inference_ms", "postprocess_ms"):
        if _filled(images, column):
            yield usual("latency", (IMAGES, column), 0.99, min_value=0, max_value=rules.max_latency_ms)
    if _filled(images, "sampling_probability"):
        yield rule("range", BETWEEN, (IMAGES, "sampling_probability"), min_value=1e-12, max_value=1)


def _detections(detections: pa.Table, classes: int | None, rules: QualityRules) -> Iterator[Expectation]:
    yield rule("nulls", NOT_NULL, (DETECTIONS, "confidence"))
    yield rule("range", BETWEEN, (DETECTIONS, "confidence"), min_value=0, max_value=1)
    highest = None if classes is None else classes - 1
    yield rule("class_known", BETWEEN, (DETECTIONS, "class_id"), min_value=0, max_value=highest)
    if float(np.sum(detections["boxed"].to_numpy())) > 0:
        tolerance, most = rules.box_tolerance_px, rules.mostly
        yield usual("box_inside_image", (DETECTIONS, "overhang"), most, max_value=tolerance)
        yield usual("box_has_area", (DETECTIONS, "box_width"), most, min_value=1e-3)
        yield usual("box_has_area", (DETECTIONS, "box_height"), most, min_value=1e-3)
        yield usual("box_once", (DETECTIONS, "twin"), most, max_value=0)


def _filled(table: pa.Table, column: str) -> bool:
    return bool(table[column].null_count < table.num_rows)
