"""Does the exported file answer as the weights do? Two findings: what it costs in score, and how many answers differ.

An export changes numbers in the last digits (other kernels, fused layers), at lower precision more. Small changes of
confidence hardly move a score, so the score decides whether they matter; but a file that is broken for rare classes
may keep its score, so the answers themselves are held against each other too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from tasks.domain.finding import Finding, Outcome
from tasks.domain.prediction import Prediction
from tasks.domain.protocol import Format
from tasks.domain.scoring.detection import DetectionScores
from tasks.domain.scoring.intervals import DRAWS, MIN_SESSIONS, bounds, freedom, session_weights
from tasks.domain.scoring.matching import assigned, box_iou
from tasks.domain.scoring.scored import Scored
from tasks.domain.subjects import PARITY
from tasks.export.rules import ExportRules

IOU = 0.9
"""Overlap at which two boxes are the same box."""

CONFIDENCE = 0.05
"""How far two confidences may lie apart for the same answer."""

USUAL = 0.25
"""Operating confidence where a set shows none."""


def missing(form: Format, model: str) -> Finding:
    """Production runs a format that this version has no file of."""
    note = f"production runs {form.value}, this version has no such file: `evergreen export {model}`"
    return Finding(check=PARITY, subject=f"{form.value} file", outcome=Outcome.INCONCLUSIVE, note=note)


def score_kept(form: Format, weights: Scored, exported: Scored, rules: ExportRules) -> Finding:
    """Exported minus weights on the same labels, with its paired 95 % interval.

    A breach when the whole interval lies below -margin, or when an answer is not a number; ok when all of it lies
    above; else inconclusive.
    """
    value = float(exported.headline()[0] - weights.headline()[0])
    low = high = math.nan
    if len(set(weights.sessions)) >= MIN_SESSIONS:
        cameras = weights.images.cameras
        draws = session_weights(weights.sessions, DRAWS, rules.seed, cameras)
        apart = exported.headline(draws) - weights.headline(draws)
        low, high = bounds(value, apart, freedom(weights.sessions, cameras))
    outcome, note = _outcome((value, low, high), (weights, exported), rules)
    return Finding(
        check=PARITY,
        subject=f"{form.value} {weights.metric}",
        outcome=outcome,
        value=value if math.isfinite(value) else None,
        limit=-rules.margin,
        unit="difference",
        n=weights.n,
        note=note,
    )


def _outcome(span: tuple[float, float, float], both: tuple[Scored, Scored], rules: ExportRules) -> tuple[Outcome, str]:
    (value, low, high), (weights, exported) = span, both
    if exported.nonfinite > weights.nonfinite:
        return Outcome.BREACH, f"{exported.nonfinite} answers of the exported file hold NaN or infinity"
    if weights.n < rules.min_images:
        return Outcome.INCONCLUSIVE, f"{weights.n} labelled images, {rules.min_images - weights.n} more needed"
    if not math.isfinite(low):
        return Outcome.INCONCLUSIVE, "no interval: too few sessions, or nothing to find in them"
    before, after = float(weights.headline()[0]), float(exported.headline()[0])
    note = f"{after:.3f} against {before:.3f} of the .pt file: {value:+.4f} (95 %: {low:+.4f} to {high:+.4f})"
    if low > -rules.margin:
        return Outcome.OK, note
    return (Outcome.BREACH if high < -rules.margin else Outcome.INCONCLUSIVE), note


def answers_kept(
    form: Format, weights: Sequence[Prediction], exported: Sequence[Prediction], scored: Scored, rules: ExportRules
) -> Finding:
    """Share of answers at the operating confidence that both files give alike, 0..1 (`alike`)."""
    confidence = scored.confidence if isinstance(scored, DetectionScores) else 0.0
    same, total, apart = 0, 0, 0.0
    for first, second in zip(weights, exported, strict=True):
        one, all_, far = alike(first, second, confidence or USUAL)
        same, total, apart = same + one, total + all_, max(apart, far)
    share, n = same / total if total else None, len(weights)
    enough = share is not None and n >= rules.min_images
    reason = "" if enough else f"{n} images with {total} answers are too few"
    return Finding(
        check=PARITY,
        subject=f"{form.value} answers",
        outcome=(Outcome.OK if (share or 0.0) >= rules.boxes else Outcome.BREACH) if enough else Outcome.INCONCLUSIVE,
        value=share,
        limit=rules.boxes,
        unit="0..1",
        n=n,
        note=reason
        or f"{total - same} of {total} answers differ; confidences of the same boxes by {apart:.3f} at most",
    )


def alike(first: Prediction, second: Prediction, confidence: float) -> tuple[int, int, float]:
    """(answers alike, answers in all, largest distance of two confidences) of one image.

    classify: one answer, alike when the class is the same. detect: boxes that either file gives with at least
    `confidence`; alike when the other gives one of the same class at `IOU` with a confidence within `CONFIDENCE`.
    """
    if first.probabilities is not None and second.probabilities is not None:
        same = first.finite and second.finite and int(first.probabilities.argmax() == second.probabilities.argmax())
        return int(same), 1, float(np.abs(first.probabilities - second.probabilities).max()) if same else 0.0
    if not (first.finite and second.finite):
        return 0, max(len(first.boxes), len(second.boxes), 1), 0.0
    there, apart = _found_in(first, second, confidence)
    back, also = _found_in(second, first, confidence)
    total = int((first.confidences >= confidence).sum() + (second.confidences >= confidence).sum())
    return there + back, total, max(apart, also)


def _found_in(asked: Prediction, other: Prediction, confidence: float) -> tuple[int, float]:
    """How many of the asked boxes the other file gives too, and how far their confidences lie apart at most."""
    floor = confidence - CONFIDENCE
    found, apart = 0, 0.0
    for label in np.unique(asked.classes):
        mine = np.flatnonzero((asked.classes == label) & (asked.confidences >= confidence))
        theirs = np.flatnonzero((other.classes == label) & (other.confidences >= floor))
        takes = assigned(box_iou(asked.boxes[mine], other.boxes[theirs]), IOU)
        pairs = [(mine[at], theirs[to]) for at, to in enumerate(takes) if to >= 0]
        gaps = [abs(float(asked.confidences[a]) - float(other.confidences[b])) for a, b in pairs]
        near = [gap for gap in gaps if gap <= CONFIDENCE]
        found, apart = found + len(near), max([apart, *gaps])
    return found, apart
