"""Which label of an image counts: the newest one; the older ones stay in the bucket and can be read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import numpy as np

from tasks.domain.contract_labels import LabelRecord, Meaning
from tasks.domain.model import Kind
from tasks.domain.scoring.matching import assigned, box_iou

SAME_BOX = 0.5
"""Two people who mark one object draw boxes that overlap at least so much."""

Sourced = tuple[str, LabelRecord]
"""A label with its source, `<key of the file>#<row>`."""


class Place(StrEnum):
    """What became of one label."""

    COUNTS = "counts"  # the truth of its image
    SUPERSEDED = "superseded"  # a later label of the same image counts
    PARTIAL = "partial"  # evidence about an answer, not a truth
    UNRESOLVED = "unresolved"  # "as shown", and nobody knows what was shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """Labels of one image, given at one moment, that say different things; one counts until somebody settles it."""

    image_id: str
    labelled_at: datetime
    annotators: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """Every label in its place; `places` is in the order of the labels that were given.

    `truths` holds one label per image, in order of ids; `partial` the newest verdict of every image that has only such.
    """

    truths: list[LabelRecord]
    partial: list[LabelRecord]
    places: list[Place]
    conflicts: list[Conflict]


def settle(labels: Sequence[Sourced]) -> Settled:
    """One truth per image: the latest `labelled_at`, of equal ones the later source; never a mean of two.

    A verdict that corrects nothing is no truth: it neither supersedes a label nor becomes one.
    """
    groups: dict[str, list[int]] = {}
    for row, (_, label) in enumerate(labels):
        groups.setdefault(label.name, []).append(row)
    places = [_WITHOUT.get(label.meaning, Place.SUPERSEDED) for _, label in labels]
    truths, partial, conflicts = [], [], []
    for name in sorted(groups):
        full = [row for row in groups[name] if labels[row][1].meaning is Meaning.FULL]
        if full:
            best = max(full, key=lambda row: (labels[row][1].labelled_at, _order(labels[row][0])))
            places[best] = Place.COUNTS
            truths.append(labels[best][1])
            conflicts += _conflict(name, [labels[row][1] for row in full])
            continue
        told = [labels[row] for row in groups[name] if places[row] is Place.PARTIAL]
        if told:
            partial.append(max(told, key=lambda each: (each[1].labelled_at, _order(each[0])))[1])
    return Settled(truths=truths, partial=partial, places=places, conflicts=conflicts)


_WITHOUT = {Meaning.PARTIAL: Place.PARTIAL, Meaning.SHOWN: Place.UNRESOLVED}


def newest(labels: Iterable[Sourced]) -> list[LabelRecord]:
    """One label per image, in order of ids, as far as they can be truths; what was shown need not be known yet."""
    best: dict[str, tuple[datetime, tuple[str, int], LabelRecord]] = {}
    for source, label in labels:
        if label.meaning is Meaning.PARTIAL:
            continue
        offered = (label.labelled_at, _order(source), label)
        if label.name not in best or offered[:2] > best[label.name][:2]:
            best[label.name] = offered
    return [best[name][2] for name in sorted(best)]


def _order(source: str) -> tuple[str, int]:
    """File and row of a source, so that row 10 comes after row 9; a file that is one label has no row.

    >>> _order("m/labels/a.jsonl#10") > _order("m/labels/a.jsonl#9"), _order("m/labels/a.json")
    (True, ('m/labels/a.json', 0))
    """
    key, _, row = source.rpartition("#")
    return (key, int(row)) if row.isascii() and row.isdigit() else (source, 0)


def same(first: LabelRecord, second: LabelRecord) -> bool:
    """Whether two labels say the same: the same classes, in boxes that overlap by at least `SAME_BOX`."""
    if sorted(o.class_id for o in first.objects) != sorted(o.class_id for o in second.objects):
        return False
    if first.kind is Kind.CLASSIFY or second.kind is Kind.CLASSIFY:
        return True
    return all(
        bool((assigned(box_iou(_boxes(first, each), _boxes(second, each)), SAME_BOX) >= 0).all())
        for each in {o.class_id for o in first.objects}
    )


def _boxes(label: LabelRecord, class_id: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    found = [o.box or (0, 0, 0, 0) for o in label.objects if o.class_id == class_id]
    return np.array(found, np.float32).reshape(-1, 4)


def _conflict(name: str, full: Sequence[LabelRecord]) -> list[Conflict]:
    """At the newest moment only: what was said before is settled by what was said after it."""
    at = max(label.labelled_at for label in full)
    last = [label for label in full if label.labelled_at == at]
    if all(same(last[0], label) for label in last[1:]):
        return []
    return [Conflict(image_id=name, labelled_at=at, annotators=tuple(sorted({label.annotator for label in last})))]
