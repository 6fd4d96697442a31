"""What goes wrong, what it costs, and who is taken for whom; at the operating confidence and IoU 0.5.

Errors are those of TIDE (see `matching.Error`). What one costs is what mAP50 and F1 would gain if every error of its
kind were mended and nothing else changed: a box of the wrong class or place hits its object unless a surer one does,
a box that stands on nothing or on an object that is taken goes away, and a missed object is no longer asked for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.domain.prediction import Ints
from tasks.domain.scoring.curves import exact, mean_known
from tasks.domain.scoring.detection import DetectionScores
from tasks.domain.scoring.matching import Error

Flags = NDArray[np.bool_]
Real = NDArray[np.float64]

MENDED = (Error.CLASS, Error.LOCALISATION)
"""Errors whose box would be right if it were mended; a box of any other error would go away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """How many errors of one kind there are (weighted), and what mAP50 and F1 would gain without them."""

    error: Error
    count: float
    map50: float
    f1: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Kept:
    """Boxes at the operating confidence, surest first: `target` (d,) is the row of the object each is about."""

    image: Ints
    label: Ints
    hit: Flags
    error: Ints
    target: Ints
    wanted: Flags


def missed(scored: DetectionScores) -> Flags:
    """(g,) labelled objects that no kept box found, nor pointed at with a wrong class or place."""
    kept = _kept(scored)
    near = kept.hit | np.isin(kept.error, MENDED)
    touched = np.zeros(len(scored.found.label_image), bool)
    touched[kept.target[near & (kept.target >= 0)]] = True
    return ~touched & ~scored.found.unseen


def costs(scored: DetectionScores) -> list[Cost]:
    """One entry per kind of error, `Error.MISS` last; gains are nan without a labelled object."""
    kept, weights = _kept(scored), scored.images.weights
    before = _quality(scored, kept)
    found = []
    for error in Error:
        if error is Error.NONE:
            continue
        mine = kept.error == error
        gone = missed(scored) if error is Error.MISS else None
        count = weights[scored.found.label_image[gone]].sum() if gone is not None else weights[kept.image[mine]].sum()
        after = _quality(scored, _without(kept, error, scored, gone))
        found.append(
            Cost(error=error, count=float(count), map50=after[0] - before[0], f1=after[1] - before[1]),
        )
    return found


def confusion(scored: DetectionScores) -> Real:
    """(c + 1, c + 1) weighted counts, rows the answer, columns the truth, last the background: ultralytics' layout.

    A hit is a box and its object; a box of the wrong class takes the object that it lies on unless a box of the right
    class or a surer one has it; other boxes are answers about background, objects that are left are seen as such.
    """
    kept, found, weights = _kept(scored), scored.found, scored.images.weights
    size = len(scored.classes)
    pairs = kept.hit | (kept.error == Error.CLASS)
    owner = np.full(len(found.label_image), -1)
    for chosen in (kept.error == Error.CLASS, kept.hit):  # later assignments win: surer ones, and hits over all
        rows = np.flatnonzero(chosen)[::-1]
        owner[kept.target[rows]] = rows
    taken = pairs & (kept.target >= 0)
    taken[taken] = owner[kept.target[taken]] == np.flatnonzero(taken)
    column = np.full(len(kept.label), size)
    column[taken] = found.label_class[kept.target[taken]]
    matrix = np.zeros((size + 1, size + 1))
    left = (owner < 0) & ~found.unseen
    rows = np.concatenate([kept.label, np.full(int(left.sum()), size)]).astype(np.int64)
    columns = np.concatenate([column, found.label_class[left]]).astype(np.int64)
    each = np.concatenate([weights[kept.image], weights[found.label_image[left]]])
    np.add.at(matrix, (rows, columns), each)
    return matrix


def _kept(scored: DetectionScores) -> _Kept:
    found = scored.found
    order = np.argsort(-found.confidence, kind="stable")
    order = order[found.confidence[order] >= scored.confidence]
    target = found.pointed(scored.n)[order]
    hit = (found.hits[order] & 1).astype(bool)
    wanted = ~found.unseen[target] if len(found.unseen) else np.ones(len(order), bool)
    real = hit | (target < 0) | wanted
    order, target, hit = order[real], target[real], hit[real]
    return _Kept(
        image=found.image[order],
        label=found.label[order],
        hit=hit,
        error=np.where(hit, int(Error.NONE), found.error[order]).astype(np.int64),
        target=target,
        wanted=~found.unseen,
    )


def _without(kept: _Kept, error: Error, scored: DetectionScores, gone: Flags | None) -> _Kept:
    """The kept boxes as if there were no such error."""
    if gone is not None:
        return _picked(kept, np.ones(len(kept.image), bool), kept.label, kept.hit, kept.wanted & ~gone)
    mine = kept.error == error
    if error not in MENDED:
        return _picked(kept, ~mine, kept.label, kept.hit, kept.wanted)
    label = np.where(mine, scored.found.label_class[kept.target], kept.label) if mine.any() else kept.label
    claim = kept.hit | mine
    first = np.zeros(len(claim), bool)
    first[_first(np.where(claim, kept.target, -1))] = True
    stays = ~claim | first  # of two boxes that would be right about one object the surer one stays
    return _picked(kept, stays, label, claim, kept.wanted)


def _first(target: Ints) -> Ints:
    """Places at which an object is named for the first time."""
    names, at = np.unique(target, return_index=True)
    return np.asarray(at[names >= 0], np.int64)


def _picked(kept: _Kept, stays: Flags, label: Ints, hit: Flags, wanted: Flags) -> _Kept:
    return _Kept(
        image=kept.image[stays],
        label=label[stays],
        hit=hit[stays],
        error=kept.error[stays],
        target=kept.target[stays],
        wanted=wanted,
    )


def _quality(scored: DetectionScores, kept: _Kept) -> tuple[float, float]:
    """mAP50 and pooled F1 of boxes."""
    found, weights, n = scored.found, scored.images.weights, scored.n
    values = []
    for c in range(len(scored.classes)):
        mine = kept.label == c
        objects = found.label_image[kept.wanted & (found.label_class == c)]
        positives = np.bincount(objects, minlength=n).astype(np.float64)
        values.append(exact(kept.image[mine], kept.hit[None, mine], None, positives, weights[None])[0, 0])
    hits, boxes = weights[kept.image[kept.hit]].sum(), weights[kept.image].sum()
    total = boxes + weights[found.label_image[kept.wanted]].sum()
    return float(mean_known(np.array(values)[None])[0]), float(2 * hits / total) if total else float("nan")
