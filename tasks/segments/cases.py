"""Images to look at for each finding: its worst ones, and beside them others that went well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tasks.domain.contrast import Corners, Mark, Photo
from tasks.domain.prediction import Prediction
from tasks.domain.scoring.truth import Truth
from tasks.domain.weak import Case
from tasks.segments.candidates import Mask
from tasks.segments.facts import Facts

WORST, BEST = 3, 3
MARKS = 30
"""Boxes of one image, the surest."""


def chosen(known: Facts, inside: Mask) -> tuple[list[str], list[str]]:
    """Ids of the worst images inside and of the best outside, each from a session of its own as far as there are."""
    order = np.argsort(known.scores, kind="stable")
    worst = [at for at in order.tolist() if inside[at]]
    best = [at for at in order[::-1].tolist() if not inside[at]]
    return _spread(known, worst, WORST), _spread(known, best, BEST)


def _spread(known: Facts, places: Sequence[int], count: int) -> list[str]:
    first: dict[int, int] = {}
    for at in places:
        first.setdefault(int(known.sessions[at]), at)
    ordered = [*first.values(), *(at for at in places if at not in set(first.values()))]
    return [known.image_ids[at] for at in ordered[:count]]


def case(
    photo: Photo, truth: Truth, prediction: Prediction | None, score: float, classes: Sequence[str], confidence: float
) -> Case:
    """One image as it is shown; for classify marks have no box."""
    boxed = prediction is None or prediction.probabilities is None
    said = tuple(
        Mark(label=_label(int(c), classes), box=_corners(box) if boxed else None)
        for c, box in zip(truth.classes, truth.boxes, strict=True)
    )
    return Case(photo=photo, score=score, truth=said[:MARKS], answer=_answer(prediction, classes, confidence))


def _answer(prediction: Prediction | None, classes: Sequence[str], confidence: float) -> tuple[Mark, ...]:
    if prediction is None or not prediction.finite:
        return ()
    if prediction.probabilities is not None:
        guess = int(prediction.probabilities.argmax())
        return (Mark(label=_label(guess, classes), confidence=float(prediction.probabilities[guess])),)
    sure = np.flatnonzero(prediction.confidences >= confidence)[:MARKS]
    return tuple(
        Mark(
            label=_label(int(prediction.classes[at]), classes),
            box=_corners(prediction.boxes[at]),
            confidence=float(prediction.confidences[at]),
        )
        for at in sure.tolist()
    )


def _label(class_id: int, classes: Sequence[str]) -> str:
    return classes[class_id] if 0 <= class_id < len(classes) else f"#{class_id}"


def _corners(box: np.ndarray[tuple[int], np.dtype[np.float32]]) -> Corners:
    return float(box[0]), float(box[1]), float(box[2]), float(box[3])


def by_id(cases: Sequence[Case]) -> Mapping[str, Case]:
    """The cases by the id of their image."""
    return {each.photo.image_id: each for each in cases}
