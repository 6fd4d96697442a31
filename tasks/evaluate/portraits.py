"""Makes the portrait of an evaluation from its scores and the answers behind them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from tasks.domain.portrait import Confusion, Curve, ErrorShare, Part, Portrait, Reliability
from tasks.domain.scoring.calibration import Bins, bins_of
from tasks.domain.scoring.classification import ClassificationScores
from tasks.domain.scoring.details import reliability
from tasks.domain.scoring.detection import DetectionScores, precision_recall
from tasks.domain.scoring.intervals import interval, session_weights
from tasks.domain.scoring.matching import SIZES
from tasks.domain.scoring.scored import Scored
from tasks.domain.scoring.slices import slices
from tasks.domain.scoring.taxonomy import confusion, costs
from tasks.evaluate.shots import Labelled, worst

POINTS = 100
"""Corners of a curve."""

CLASSES = 80
"""Classes with a curve and a row of their own, those with the most objects."""

CAMERAS = 100
"""Cameras with a row of their own, those with the most images."""

CONFUSED = 30
"""Classes of a confusion matrix, those with the most objects."""

DRAWS = 300
"""Bootstrap draws of a part: its interval is for the eye, no gate hangs on it."""


def portrait(scored: Scored, seen: Labelled, seed: int = 0) -> Portrait:
    """The portrait; without images an empty one."""
    if not scored.n:
        return Portrait()
    misses, phantoms = worst(scored, seen)
    parts = (*_classes(scored, seed), *_sizes(scored), *_cameras(scored, seed))
    if isinstance(scored, ClassificationScores):
        right = scored.truth == scored.guess
        return Portrait(
            parts=parts,
            confusion=_matrix(scored.confusion().astype(np.float64), scored.classes, background=False),
            reliability=_bins(bins_of(scored.sure, right, scored.images.weights)),
            misses=misses,
            phantoms=phantoms,
            sessions=len({*scored.sessions}),
        )
    return Portrait(
        curves=tuple(_curves(scored)),
        parts=parts,
        errors=tuple(_errors(scored)),
        confusion=_matrix(confusion(scored).T, scored.classes, background=True),
        reliability=_bins(reliability(scored, least=scored.confidence)),
        misses=misses,
        phantoms=phantoms,
        sessions=len({*scored.sessions}),
    )


def _curves(scored: DetectionScores) -> Iterator[Curve]:
    values = scored.average_precision()[0, :, 0]
    for label in _largest(scored.instances, CLASSES):
        recall, precision = precision_recall(scored, label)
        kept = thinned(len(recall))
        yield Curve(
            name=scored.classes[label],
            recall=tuple(np.round(recall[kept], 4).tolist()),
            precision=tuple(np.round(precision[kept], 4).tolist()),
            value=_number(values[label]),
        )


def thinned(count: int, points: int = POINTS) -> NDArray[np.int64]:
    """At most so many places, the first and the last among them, denser where boxes are surest.

    >>> thinned(3).tolist(), len(thinned(10_000))
    ([0, 1, 2], 100)
    """
    if count <= points:
        return np.arange(count)
    return np.unique(np.round(np.linspace(0, 1, points) ** 1.5 * (count - 1)).astype(np.int64))


def _errors(scored: DetectionScores) -> Iterator[ErrorShare]:
    for cost in costs(scored):
        yield ErrorShare(kind=cost.error.name.lower(), count=cost.count, map50=_number(cost.map50), f1=_number(cost.f1))


def _classes(scored: Scored, seed: int) -> Iterator[Part]:
    cameras, sessions = scored.images.cameras, scored.sessions
    points = scored.per_class()[0]
    weights = session_weights(sessions, DRAWS, seed, cameras)
    samples = scored.per_class(weights)
    for label in _largest(scored.instances, CLASSES):
        objects = _objects(scored, label)
        inside = np.flatnonzero(objects > 0).tolist()
        names, places = [sessions[i] for i in inside], [cameras[i] for i in inside]
        found = interval(float(points[label]), samples[:, label], names, places, weights[:, inside])
        yield Part(
            kind="class",
            name=scored.classes[label],
            n=len(inside),
            objects=int(objects.sum()),
            value=_number(found.value),
            low=_number(found.low),
            high=_number(found.high),
        )


def _cameras(scored: Scored, seed: int) -> Iterator[Part]:
    """Every camera by itself, as it is measured; where small ones are judged a pooled score counts (`slices`)."""
    cameras = scored.images.cameras
    if len({*cameras}) < 2:
        return
    found = slices(scored, {"camera": cameras}, seed=seed)
    for each in sorted(found, key=lambda part: -part.n)[:CAMERAS]:
        yield Part(
            kind="camera",
            name=each.name,
            n=each.n,
            objects=each.instances,
            value=_number(each.raw),
            low=_number(each.low),
            high=_number(each.high),
        )


def _sizes(scored: Scored) -> Iterator[Part]:
    if not isinstance(scored, DetectionScores):
        return
    limits = (*scored.size_limits, math.inf)
    area = np.sqrt(scored.found.label_area)
    for size, name in enumerate(SIZES):
        low = limits[size - 1] if size else 0.0
        mine = (area > low) & (area <= limits[size]) & ~scored.found.unseen
        value = float(np.nanmean(scored.average_precision(size=size)[0].mean(1))) if mine.any() else math.nan
        images = len(np.unique(scored.found.label_image[mine]))
        yield Part(kind="size", name=name, n=images, objects=int(mine.sum()), value=_number(value))


def _objects(scored: Scored, label: int) -> NDArray[np.int64]:
    """(n,) labelled objects of one class per image; for classify one per image of that class."""
    if isinstance(scored, DetectionScores):
        return np.asarray(scored.positives[:, label])
    return np.asarray(scored.truth == label, np.int64)


def _matrix(matrix: NDArray[np.float64], classes: Sequence[str], background: bool) -> Confusion:
    """Rows the truth; of many classes those with the most objects."""
    last = [len(classes)] if background else []
    kept = [*sorted(_largest(matrix[: len(classes)].sum(1), CONFUSED)), *last]
    rows = matrix[np.ix_(kept, kept)]
    names = tuple("background" if place == len(classes) else classes[place] for place in kept)
    return Confusion(names=names, rows=tuple(tuple(np.round(row, 1).tolist()) for row in rows))


def _bins(bins: Bins) -> tuple[Reliability, ...]:
    return tuple(
        Reliability(confidence=float(confidence), right=float(right), count=float(count))
        for count, confidence, right in zip(bins.count, bins.confidence, bins.right, strict=True)
        if count > 0
    )


def _largest(counts: NDArray[np.generic], limit: int) -> list[int]:
    order = np.argsort(-np.asarray(counts, np.float64), kind="stable")
    return [int(place) for place in order[:limit] if counts[place] > 0]


def _number(value: float) -> float | None:
    return round(float(value), 6) if math.isfinite(value) else None
