"""How much of the whole shift each camera carries, and which of its numbers carry it: additive, so that shares add up.

The size of a camera's shift is the squared Mahalanobis distance D² between its reference and its window, in normal
scores (so that every number has the same unit and outliers do not rule). For two normal populations with one
covariance D² is twice their Kullback-Leibler divergence, and it alone decides how well any classifier can tell them
apart. The whole shift is the mean over the window's scenes, sum(p_c * D_c²) with p_c the camera's part of the scenes:
were camera c as it was in the reference, exactly p_c * D_c² would be gone. That is its share.

Within a camera D² is divided among its numbers by w = R^(-1/2) shift, whose squares add up to D² and of which each
belongs to one number (the rotation that keeps them closest to the numbers themselves). What chance alone adds,
1/m + 1/n for each number, is taken off, so that a healthy camera carries nothing.

Source: Garthwaite & Koch, Evaluating the contributions of individual variables to a quadratic form, Australian & New
Zealand Journal of Statistics 58 (2016).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tasks.domain.finding import Finding, Outcome
from tasks.domain.subjects import EMBEDDING, EXPLAINED, PICTURES
from tasks.drift.detector import FloatArray
from tasks.drift.effect import normal_scores
from tasks.drift.points import projected
from tasks.drift.sample import Sample

SHRINK = 0.1
"""Part of the identity in the correlations: numbers that say nearly the same must not blow up each other's noise."""
READABLE = 0.5
"""Least share of a side's scenes that must have a number for it to take part."""
LEAST_PART = 0.01
"""Parts of the whole below this are not worth a finding."""
NAMED = 3
"""Numbers that a note names."""
FITTED = 400
"""About so many scenes of the reference say in which directions embeddings vary."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one camera carries: `size` is p_c * D_c² >= 0, `numbers` how it is divided among its numbers (same unit)."""

    camera: str
    n: int
    size: float
    numbers: dict[str, float]


def explained(reference: Sample, current: Sample, cameras: list[str]) -> tuple[Finding, ...]:
    """One finding a camera with its share of the whole shift (0..1), largest first; it accuses nobody by itself.

    Cameras that carry under 1 % have none; () when nothing shifted.
    """
    parts = parts_of(reference, current, cameras)
    total = sum(part.size for part in parts)
    return tuple(
        _finding(part, part.size / total)
        for part in sorted(parts, key=lambda part: (-part.size, part.camera))
        if total > 0 and part.size >= LEAST_PART * total
    )


def parts_of(reference: Sample, current: Sample, cameras: list[str]) -> tuple[Part, ...]:
    """What every one of these cameras carries, in their order."""
    return tuple(
        _part(camera, reference.of(camera), current.of(camera), float((current.cameras == camera).mean()))
        for camera in cameras
    )


def _part(camera: str, before: Sample, after: Sample, weight: float) -> Part:
    names, known, seen = _scores(before, after)
    if not names:
        return Part(camera=camera, n=len(after), size=0.0, numbers={})
    correlation = _correlation(known)
    values, axes = np.linalg.eigh(correlation)
    root = (axes / np.sqrt(np.maximum(values, SHRINK / 2))) @ axes.T
    shift = seen.mean(axis=0) - known.mean(axis=0)
    chance = 1 / len(known) + 1 / len(seen)
    squares = (root @ shift) ** 2 - chance * np.diag(root @ correlation @ root)
    size = weight * max(0.0, float(squares.sum()))
    positive = np.maximum(squares, 0.0)
    each = size * positive / positive.sum() if size > 0 else np.zeros(len(names))
    return Part(camera=camera, n=len(after), size=size, numbers=dict(zip(names, each.tolist(), strict=True)))


def _correlation(scores: FloatArray) -> FloatArray:
    """Shrunk correlations of the columns of (m, k); what never varied in the reference correlates with nothing."""
    centred = scores - scores.mean(axis=0)
    spread = centred.std(axis=0)
    ready = centred / np.where(spread > 0, spread, 1.0)
    correlation: FloatArray = (1 - SHRINK) * ready.T @ ready / len(ready)
    np.fill_diagonal(correlation, 1.0)
    return correlation


def _scores(before: Sample, after: Sample) -> tuple[list[str], FloatArray, FloatArray]:
    """Names and normal scores (m, k), (n, k) of everything measured on both sides; what is missing scores 0."""
    columns = {}
    for name, old, new in _columns(before, after):
        ready = [values[np.isfinite(values)] for values in (old, new)]
        enough = all(len(v) >= max(2, READABLE * len(side)) for v, side in zip(ready, (old, new), strict=True))
        if enough and np.ptp(np.concatenate(ready)) > 0:
            columns[name] = tuple(_filled(ready[0], values) for values in (old, new))
    if not columns:
        return [], np.zeros((0, 0)), np.zeros((0, 0))
    return list(columns), *(np.column_stack([pair[side] for pair in columns.values()]) for side in (0, 1))


def _columns(before: Sample, after: Sample) -> list[tuple[str, FloatArray, FloatArray]]:
    found = [
        (name, old, new[name])
        for mine, its in ((before.photometric, after.photometric), (before.answers, after.answers))
        for old_ones, new in ((mine.scalars, its.scalars), (mine.rates, its.rates))
        for name, old in old_ones.items()
        if name in new
    ]
    seen = _along(before.embedding, after.embedding)
    return [*found, (EMBEDDING, *seen)] if seen else found


def _filled(known: FloatArray, values: FloatArray) -> FloatArray:
    scores = np.zeros(len(values))
    there = np.isfinite(values)
    scores[there] = normal_scores(known, values[there])
    return scores


def _along(before: FloatArray, after: FloatArray) -> tuple[FloatArray, FloatArray] | None:
    """Each scene's place along the way that the embeddings of the other half of the scenes went; None without any.

    Fitted on the scenes that are measured it would find a way even where there is none.
    """
    if before.shape[1] != after.shape[1] or not before.shape[1] or min(len(before), len(after)) < 8:
        return None
    if not (np.isfinite(before).all() and np.isfinite(after).all()):
        return None
    few = before[:: max(1, len(before) // FITTED)]
    rows = projected(few, np.vstack([before, after]))
    spread = rows[: len(before)].var(axis=0)
    rows /= np.sqrt(spread + spread.mean() * SHRINK + 1e-12)
    old, new = rows[: len(before)], rows[len(before) :]
    ways = [new[half::2].mean(axis=0) - old[half::2].mean(axis=0) for half in (1, 0)]
    places = []
    for side in (old, new):
        place = np.zeros(len(side))
        for half in (0, 1):
            place[half::2] = (
                (side[half::2] - old[half::2].mean(axis=0)) @ ways[half] / (np.linalg.norm(ways[half]) or 1.0)
            )
        places.append(place)
    return places[0], places[1]


def _finding(part: Part, share: float) -> Finding:
    total = sum(part.numbers.values())
    ranked = sorted(part.numbers.items(), key=lambda item: (-item[1], item[0]))
    named = ", ".join(f"{name.replace('_', ' ')} {100 * size / total:.0f} %" for name, size in ranked[:NAMED] if size)
    return Finding(
        check=EXPLAINED,
        subject=PICTURES,
        slice=f"camera={part.camera}",
        outcome=Outcome.OK,
        value=round(share, 4),
        unit="of the shift",
        n=part.n,
        note=f"carried by {named}",
    )
