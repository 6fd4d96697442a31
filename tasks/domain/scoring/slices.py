"""The score of every part of a set (a camera, a site, a light), small parts pulled towards the others.

A camera with nine images is the best or the worst one by luck. Its own score is shown, and beside it the one to act
on: a mean of its own and of all parts of the same column, weighed by how well each is known (partial pooling).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.domain.scoring.classification import ClassificationScores
from tasks.domain.scoring.detection import DetectionScores
from tasks.domain.scoring.intervals import interval, session_weights

Real = NDArray[np.float64]
Scored = DetectionScores | ClassificationScores

SLICE_DRAWS = 200
"""Bootstrap draws per slice: the spread is then known within 5 %."""

MIN_IMAGES = 30
"""Images below which a slice is shown but never called the worst."""

PRIOR = 4
"""Sessions that what all slices say of the spread within a session counts for, beside a slice's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """One value of one column: `n` images, labelled `instances`, and the headline number 0..1 of these images.

    `raw` is that of its images alone with `low` and `high`, its 95 % interval (nan with too few sessions); `shrunk`
    is partially pooled. `enough` says whether it has the images that a judgement needs. nan: nothing to find in it.
    """

    column: str
    name: str
    n: int
    instances: int
    raw: float
    low: float
    high: float
    shrunk: float
    enough: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """How far the worst slice lies below the whole set, by its partially pooled score and by its raw one."""

    worst: Slice
    shrunk: float
    raw: float


def slices(
    scored: Scored, facts: Mapping[str, Sequence[str]], min_images: int = MIN_IMAGES, seed: int = 0
) -> list[Slice]:
    """Every value of every column, in the order of columns and names; a column gives one value per image.

    Raises:
        ValueError: a column has another length than the set.
    """
    cameras = scored.images.cameras
    draws = session_weights(scored.sessions, SLICE_DRAWS, seed, cameras)
    found: list[Slice] = []
    for column, values in facts.items():
        if len(values) != scored.n:
            raise ValueError(f"{column!r} has {len(values)} values for {scored.n} images: give one per image")
        named = np.asarray(values, dtype=str)
        raw = [_raw(scored, draws, named == name) for name in np.unique(named)]
        pooled = shrink(*(np.array([part[k] for part in raw], np.float64) for k in range(3)))
        for name, part, shrunk in zip(np.unique(named), raw, pooled, strict=True):
            inside = named == name
            found.append(
                Slice(
                    column=column,
                    name=str(name),
                    n=int(inside.sum()),
                    instances=_instances(scored, inside),
                    raw=part[0],
                    low=part[3],
                    high=part[4],
                    shrunk=float(shrunk),
                    enough=bool(inside.sum() >= min_images),
                )
            )
    return found


def worst_gap(scored: Scored, parts: Sequence[Slice]) -> Gap | None:
    """The slice with the lowest pooled score of those with enough images; None where fewer than two have."""
    known = [part for part in parts if part.enough and math.isfinite(part.shrunk)]
    if len(known) < 2:
        return None
    whole, worst = float(scored.headline()[0]), min(known, key=lambda part: part.shrunk)
    return Gap(worst=worst, shrunk=whole - worst.shrunk, raw=whole - worst.raw)


def shrink(values: Real, variances: Real, sessions: Real) -> Real:
    """(k,) each value moved towards the mean of all as far as its own variance asks; nan stays nan.

    Args:
        values: (k,) scores of slices.
        variances: (k,) of these scores, nan where a slice is too small to know it.
        sessions: (k,) independent sessions that each rests on.

    A variance is itself a guess from few sessions, so what all slices say of it is mixed in (`PRIOR` sessions).

    Source: DerSimonian and Laird, Meta-analysis in clinical trials (1986), for the variance between slices; Efron
    and Morris, Stein's estimation rule and its competitors (1973), for the weighing.
    """
    usable = np.isfinite(values) & np.isfinite(variances) & (sessions > 1)
    if usable.sum() < 2:
        return values
    each = sessions * variances
    common = float(np.average(each[usable], weights=sessions[usable]))
    own = np.where(usable, sessions - 1, 0)
    spread = (own * np.where(usable, each, 0.0) + PRIOR * common) / (own + PRIOR) / np.maximum(sessions, 1)
    spread = np.maximum(spread, 1e-12)
    weight = 1 / spread[usable]
    mean = float(np.average(values[usable], weights=weight))
    excess = float((weight * (values[usable] - mean) ** 2).sum()) - (usable.sum() - 1)
    between = max(0.0, excess / float(weight.sum() - (weight**2).sum() / weight.sum()))
    middle = float(np.average(values[usable], weights=1 / (between + spread[usable])))
    return np.asarray((between * values + spread * middle) / (between + spread))


def _raw(
    scored: Scored, draws: NDArray[np.int64], inside: NDArray[np.bool_]
) -> tuple[float, float, float, float, float]:
    """Score, its variance, sessions, and the interval of some images."""
    point = float(scored.headline(inside[None].astype(np.float64))[0])
    sessions = [name for name, chosen in zip(scored.sessions, inside, strict=True) if chosen]
    cameras = [name for name, chosen in zip(scored.images.cameras, inside, strict=True) if chosen]
    known = len(set(sessions))
    samples = scored.headline(draws * inside)
    usable = samples[np.isfinite(samples)]
    if known < 2 or len(usable) < 2:
        return point, math.nan, known, math.nan, math.nan
    found = interval(point, samples, sessions, cameras, draws[:, inside])
    return point, float(usable.var()), known, found.low, found.high


def _instances(scored: Scored, inside: NDArray[np.bool_]) -> int:
    if isinstance(scored, ClassificationScores):
        return int(inside.sum())
    return int(scored.positives[inside].sum())
