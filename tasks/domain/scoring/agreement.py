"""How much two models agree where nobody labelled anything: it bounds their difference, it proves no one right."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tasks.domain.prediction import Prediction
from tasks.domain.scoring.detection import DetectionScores
from tasks.domain.scoring.matching import box_iou, greedy
from tasks.domain.scoring.scored import Scored

IOU = np.array([0.5])


def agreement(
    first: Sequence[Prediction],
    second: Sequence[Prediction],
    confidences: tuple[float, float],
    chances: Sequence[float] | None = None,
) -> float | None:
    """Mean over images of how alike two answers are, 0..1; None without an image.

    `chances` (0..1] are those that the images were drawn with: the mean is then that of the images drawn from.

    classify: 1 when both name the same class. detect: F1 of the boxes at each model's own operating confidence,
    matched within a class at IoU 0.5; two empty answers agree.
    """
    if not first:
        return None
    each = [alike(a, b, confidences) for a, b in zip(first, second, strict=True)]
    return float(np.average(each, weights=None if chances is None else 1 / np.asarray(chances, np.float64)))


def alike(first: Prediction, second: Prediction, confidences: tuple[float, float]) -> float:
    """How alike two answers about one image are, 0..1; an answer with NaN agrees with nothing."""
    if not (first.finite and second.finite):
        return 0.0
    if first.probabilities is not None and second.probabilities is not None:
        return float(first.probabilities.argmax() == second.probabilities.argmax())
    ours, theirs = first.confidences >= confidences[0], second.confidences >= confidences[1]
    total = int(ours.sum() + theirs.sum())
    if not total:
        return 1.0
    shared = sum(
        int(
            greedy(
                box_iou(first.boxes[ours & (first.classes == c)], second.boxes[theirs & (second.classes == c)]), IOU
            ).sum()
        )
        for c in np.unique(first.classes[ours])
    )
    return 2 * shared / total


def operating(scored: Scored) -> float:
    """The confidence at which the version is used: of its best F1, or 0.25 where there was nothing to find."""
    found = scored.confidence if isinstance(scored, DetectionScores) else 0.0
    return found or 0.25
