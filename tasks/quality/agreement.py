"""Do labels and the model's own answers about the same images show that the labels are written in a wrong way?

A model that has become bad disagrees with its labels in many ways. Labels whose coordinates are swapped, or whose class
ids are counted from another number, disagree with it in one way, and agree with it as soon as that is undone. Only the
second is called a fault of the labels: a hard new product never is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.domain.finding import Finding, Outcome
from tasks.domain.scoring.matching import box_iou

OBJECTS = 20
"""Labelled objects with an answer beside them, below which nothing is said."""
OVERLAP = 0.5
"""IoU from which an answer is about a labelled object."""
UNDONE, AS_IT_IS = 0.6, 0.2
"""Share of objects that agree once the mistake is undone, and at most as they are, for a mistake to be called one."""
PER_CLASS = 8
"""Pairs of a class from which its usual answer is known."""

Boxes = NDArray[np.floating]
_MISTAKES: Mapping[str, Callable[[Boxes], Boxes]] = {
    "x and y are swapped": lambda b: b[:, [1, 0, 3, 2]],
    "the last two numbers are width and height": lambda b: np.hstack([b[:, :2], b[:, :2] + b[:, 2:]]),
    "boxes are given by centre, width and height": lambda b: np.hstack(
        [b[:, :2] - b[:, 2:] / 2, b[:, :2] + b[:, 2:] / 2]
    ),
    "coordinates are for an image of half the size": lambda b: b * 2,
    "coordinates are for an image of twice the size": lambda b: b / 2,
}
"""Ways to write boxes that are still boxes, each with what undoes it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Things:
    """Objects of one image: `classes` (n,), `boxes` (n, 4) in pixels; for classify one class and no box (zeros)."""

    classes: NDArray[np.int64]
    boxes: Boxes


Pairs = Sequence[tuple[Things, Things]]
"""Label and answer of the same image."""


def label_findings(pairs: Pairs, boxed: bool) -> tuple[Finding, ...]:
    """One finding about coordinates (where there are boxes) and one about class ids; inconclusive with too few."""
    told = [(label, answer) for label, answer in pairs if len(label.classes) and len(answer.classes)]
    count = sum(len(label.classes) for label, _ in told)
    coordinates = [_coordinates(told, count)] if boxed else []
    return (*coordinates, _class_ids(_matched(told, boxed), 2 if boxed else 3))


def _coordinates(told: Pairs, count: int) -> Finding:
    if count < OBJECTS:
        return _silent("coordinates", "label_objects.box", count)
    here = _found(told, lambda boxes: boxes)
    undone = {name: _found(told, change) for name, change in _MISTAKES.items()}
    name, best = max(undone.items(), key=lambda item: item[1])
    wrong = best >= UNDONE and here <= AS_IT_IS
    note = f"{name}: {here:.0%} of the boxes are where the model sees something, {best:.0%} once that is undone"
    return Finding(
        check="coordinates",
        subject="label_objects.box",
        outcome=Outcome.BREACH if wrong else Outcome.OK,
        value=here,
        limit=AS_IT_IS,
        unit="share",
        n=count,
        note=note if wrong else "",
    )


def _found(told: Pairs, change: Callable[[Boxes], Boxes]) -> float:
    """Share of labelled boxes, written differently, that an answer of any class overlaps."""
    hits = [
        (box_iou(change(label.boxes.astype(np.float64)), answer.boxes.astype(np.float64)).max(axis=1) >= OVERLAP)
        for label, answer in told
    ]
    return float(np.concatenate(hits).mean())


def _matched(told: Pairs, boxed: bool) -> list[tuple[int, int]]:
    """Class in the label and in the answer that overlaps it most; for classify of every image."""
    found: list[tuple[int, int]] = []
    for label, answer in told:
        if not boxed:
            found.append((int(label.classes[0]), int(answer.classes[0])))
            continue
        overlap = box_iou(label.boxes.astype(np.float64), answer.boxes.astype(np.float64))
        best = overlap.argmax(axis=1)
        hits = np.flatnonzero(overlap.max(axis=1) >= OVERLAP)
        found += [(int(label.classes[i]), int(answer.classes[best[i]])) for i in hits]
    return found


def _class_ids(matched: Sequence[tuple[int, int]], least: int) -> Finding:
    """Class ids are exchanged when every class that is labelled often has another one as its usual answer.

    `least` classes must: a classifier of two whose product was turned inside out exchanges them all by itself.
    """
    if len(matched) < OBJECTS:
        return _silent("class_ids", "label_objects.class_id", len(matched))
    usual = {}
    for label in {label for label, _ in matched}:
        answers = Counter(answer for given, answer in matched if given == label)
        if answers.total() >= PER_CLASS:
            usual[label] = answers.most_common(1)[0]
    same = sum(label == answer for label, answer in matched) / len(matched)
    explained = sum(count for _, count in usual.values()) / len(matched)
    apart = len({answer for answer, _ in usual.values()}) == len(usual) >= least
    moved = all(label != answer for label, (answer, _) in usual.items())
    wrong = apart and moved and same <= AS_IT_IS and explained >= UNDONE
    swaps = ", ".join(f"{label} means {answer}" for label, (answer, _) in sorted(usual.items())[:5])
    return Finding(
        check="class_ids",
        subject="label_objects.class_id",
        outcome=Outcome.BREACH if wrong else Outcome.OK,
        value=same,
        limit=AS_IT_IS,
        unit="share",
        n=len(matched),
        note=f"class ids look exchanged: {swaps}; {same:.0%} agree with the model" if wrong else "",
    )


def _silent(check: str, subject: str, count: int) -> Finding:
    note = f"{count} labelled objects have an answer of the model beside them, {OBJECTS - count} more needed"
    return Finding(check=check, subject=subject, outcome=Outcome.INCONCLUSIVE, n=count, note=note)
