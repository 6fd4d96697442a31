"""The rules about labels as code; what they find stops a retraining."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tasks.domain.expectation import Expectation
from tasks.domain.finding import Finding, Outcome, Report
from tasks.domain.model import Kind
from tasks.quality.frames import Frames
from tasks.quality.labels import EARLIER, LABELS, OBJECTS, ROWS
from tasks.quality.rules import QualityRules
from tasks.quality.suite import BETWEEN, IN_SET, MEAN, UNIQUE, rule

CLOCK_HOURS = 5 / 60
"""Hours by which the clocks of camera and labelling tool may disagree."""

SHOWN = 3
"""Broken rules that a refusal names."""


def label_suite(frames: Frames, kind: Kind | None, classes: int | None, rules: QualityRules) -> tuple[Expectation, ...]:
    """The expectations about labels; `kind` and `classes` are the model's, None where nobody said.

    Optional parts (boxes, sizes, capture times, earlier labels) are asked about only where they exist.
    """
    found = [*_rows(rules), *_labels(frames, kind, rules)]
    if frames[OBJECTS].num_rows:
        found += _objects(frames, classes, rules)
    if frames[EARLIER].num_rows:
        found.append(rule("label_missing", MEAN, (EARLIER, "gone"), min_value=0, max_value=rules.max_missing_labels))
    return tuple(found)


def _rows(rules: QualityRules) -> Iterator[Expectation]:
    yield rule("refused_labels", MEAN, (ROWS, "refused"), min_value=0, max_value=rules.max_refused_labels)
    yield rule("new_class", MEAN, (ROWS, "new_class"), min_value=0, max_value=rules.max_refused_labels)


def _labels(frames: Frames, kind: Kind | None, rules: QualityRules) -> Iterator[Expectation]:
    yield rule("duplicates", UNIQUE, (LABELS, "image_id"))
    if kind is not None:
        yield rule("enum", IN_SET, (LABELS, "kind"), value_set=(kind.value,))
    yield rule("image_usable", MEAN, (LABELS, "unusable"), min_value=0, max_value=rules.max_unusable_labels)
    if _filled(frames, LABELS, "lag_hours"):
        yield rule(
            "labelled_after_capture", BETWEEN, (LABELS, "lag_hours"), rules.labels_mostly, min_value=-CLOCK_HOURS
        )


def _objects(frames: Frames, classes: int | None, rules: QualityRules) -> Iterator[Expectation]:
    highest = None if classes is None else classes - 1
    yield rule("class_known", BETWEEN, (OBJECTS, "class_id"), min_value=0, max_value=highest)
    if not np.any(frames[OBJECTS]["boxed"].to_numpy()):
        return
    most = _mostly(frames, OBJECTS, rules)
    yield rule("box_has_area", BETWEEN, (OBJECTS, "side"), most, min_value=rules.min_label_side_px)
    yield rule("box_once", BETWEEN, (OBJECTS, "twin"), most, max_value=0)
    if _filled(frames, OBJECTS, "overhang"):
        yield rule("box_inside_image", BETWEEN, (OBJECTS, "overhang"), most, max_value=rules.box_tolerance_px)


def _mostly(frames: Frames, table: str, rules: QualityRules) -> float:
    """The share that must be right; a single slip never stops a retraining."""
    rows: int = frames[table].num_rows
    return min(rules.labels_mostly, 1 - 1 / max(rows, 2))


def _filled(frames: Frames, table: str, column: str) -> bool:
    return bool(np.any(~np.isnan(frames[table][column].to_numpy())))


def too_few(count: int, rules: QualityRules) -> Finding:
    """What is said of so few labels that no share of them means anything."""
    note = f"{count} labels that the champion has not learnt from, {rules.min_labels - count} more needed"
    return Finding(
        check="volume",
        subject=LABELS,
        outcome=Outcome.INCONCLUSIVE,
        value=float(count),
        limit=float(rules.min_labels),
        unit="labels",
        n=count,
        note=note,
    )


def unfit(report: Report) -> str:
    """Why nothing may be trained on these labels, in a sentence; empty when nothing speaks against it."""
    broken = report.breaches()
    if not broken:
        return ""
    named = "; ".join(f"{each.check} of {each.subject}: {each.note}" for each in broken[:SHOWN])
    more = f"; and {len(broken) - SHOWN} more" if len(broken) > SHOWN else ""
    return f"the labels break their rules, nothing is trained on them ({named}{more})"
