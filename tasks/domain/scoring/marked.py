"""The answer about one image as boxes that a person can look at, matched to its label as the score matches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from tasks.domain.contrast import Mark
from tasks.domain.prediction import Floats, Prediction
from tasks.domain.scoring.matching import assigned, box_iou
from tasks.domain.scoring.truth import Truth

Shown = TypeVar("Shown")

IOU = 0.5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Marked:
    """The boxes of one image, surest first; `hit` (d,): found an object, `found` (g,): the object was found."""

    said: tuple[Mark, ...]
    hit: NDArray[np.bool_]
    found: NDArray[np.bool_]


def mark(classes: Sequence[str], label: int, box: Floats | None, confidence: float | None = None) -> Mark:
    """One thing by the name of its class; `box` (4,) in pixels, None for classify."""
    name = classes[label] if 0 <= label < len(classes) else f"class {label}"
    corners = None if box is None else (float(box[0]), float(box[1]), float(box[2]), float(box[3]))
    return Mark(label=name, box=corners, confidence=None if confidence is None else float(confidence))


def boxes(classes: Sequence[str], truth: Truth, prediction: Prediction, least: float) -> Marked:
    """The finite answer's boxes from the confidence `least` on, matched to the labelled objects at IoU 0.5."""
    sure = np.flatnonzero(prediction.confidences >= least)
    sure = sure[np.argsort(-prediction.confidences[sure], kind="stable")]
    places, named = prediction.boxes[sure], prediction.classes[sure]
    hit, found = np.zeros(len(sure), bool), np.zeros(len(truth.classes), bool)
    for label in np.unique(truth.classes):
        mine, theirs = np.flatnonzero(named == label), np.flatnonzero(truth.classes == label)
        takes = assigned(box_iou(places[mine], truth.boxes[theirs]), IOU)
        hit[mine] = takes >= 0
        found[theirs[takes[takes >= 0]]] = True
    said = [
        mark(classes, int(c), box, prediction.confidences[i]) for i, c, box in zip(sure, named, places, strict=True)
    ]
    return Marked(said=tuple(said), hit=hit, found=found)


def in_turns(ordered: Sequence[Shown], session: Callable[[Shown], str]) -> list[Shown]:
    """The first of every session before the second of any, else as they were: frames of one session look alike."""
    seen: Counter[str] = Counter()
    turns = []
    for each in ordered:
        turns.append((seen[session(each)], each))
        seen[session(each)] += 1
    return [each for _, each in sorted(turns, key=lambda turn: turn[0])]
