"""How unlike the reference an image is, in the deployed model's own view of it.

The distance of an embedding to its 10th nearest neighbour among the reference, both at length 1. Source: Sun et al.,
Out-of-Distribution Detection with Deep Nearest Neighbors, ICML 2022.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Names = NDArray[np.object_]

NEIGHBOURS = 10
BANK = 5_000
"""Scenes of the reference that images are compared with, evenly over its rows."""

QUANTILE, FAR_QUANTILE = 0.99, 0.999
"""Shares of held-out reference scenes that are not strange, and not far. Stored counts depend on them: no settings."""

FOLDS = 5
BLOCKS = 25
"""A camera's reference is cut into so many stretches of time; every fifth of them is held out together.

Neighbours in time look alike: held out one by one, each would find its twin in the bank and seem too familiar.
"""

HELD_OUT_NEIGHBOURS = NEIGHBOURS * (FOLDS - 1) // FOLDS
"""Neighbours in the smaller bank of a held-out scene: as many fewer as the bank is smaller, so that it is as dense."""

_CHUNK = 1_024


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """From which distance on an image of one camera is strange, learnt from `scenes` held-out scenes.

    `beyond` is the share of healthy images that will exceed it, on average over references of this size. From `far`
    times that distance on an image is far from all that is known: next to none in the reference of all cameras is
    (`beyond_far` of the healthy images).
    """

    distance: float
    beyond: float
    scenes: int
    far: float = math.inf
    beyond_far: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Familiar:
    """What the reference makes familiar: unit vectors (m, d), and a limit for every camera with enough of them."""

    bank: Floats
    limits: Mapping[str, Limit] = field(default_factory=dict)


def unit(vectors: NDArray[np.floating]) -> Floats:
    """Rows at length 1, (n, d); a row that is not finite, or of length 0, becomes nan."""
    rows = np.asarray(vectors, np.float32)
    length = np.linalg.norm(rows.astype(np.float64), axis=1, keepdims=True) if rows.size else np.ones((len(rows), 1))
    good = np.isfinite(length) & (length > 0)
    scaled = np.divide(rows, length, out=np.full(rows.shape, np.nan), where=good)
    return np.asarray(scaled, np.float32)


def measured(vectors: Floats) -> NDArray[np.bool_]:
    """Which rows of unit vectors are numbers, (n,)."""
    return np.asarray(np.isfinite(vectors).all(axis=1), np.bool_)


def distances(bank: Floats, queries: Floats, neighbours: int = NEIGHBOURS) -> NDArray[np.float64]:
    """Distance of each query to its nearest neighbour number `neighbours` in the bank, (n,), 0..2.

    The farthest one counts in a smaller bank. nan for a row that is nan, and for all when the bank is empty.
    """
    place = min(neighbours, len(bank)) - 1
    found = np.full(len(queries), np.nan)
    if place < 0 or not queries.shape[1]:
        return found
    for start in range(0, len(queries), _CHUNK):
        part = queries[start : start + _CHUNK]
        cosines = np.nan_to_num(part @ bank.T, nan=-2.0)
        nearest = -np.partition(-cosines, place, axis=1)[:, place]
        found[start : start + _CHUNK] = np.sqrt(np.maximum(2.0 - 2.0 * nearest, 0.0))
    found[~measured(queries)] = np.nan
    return found


def familiar(vectors: Floats, cameras: Names, least: int) -> Familiar:
    """What this reference makes familiar; rows are distinct scenes in order of time.

    Every scene is held out once: its distance is to the other folds only. A camera with fewer than `least` scenes has
    no limit, so nothing is said of its images.
    """
    good = np.flatnonzero(measured(vectors))
    good = good[(np.arange(min(BANK, len(good))) * len(good)) // max(min(BANK, len(good)), 1)]
    bank, names = vectors[good], cameras[good]
    fold = _folds(names)
    scores = np.full(len(bank), np.nan)
    for held_out in range(FOLDS):
        rest, tested = bank[fold != held_out], bank[fold == held_out]
        scores[fold == held_out] = distances(rest, tested, HELD_OUT_NEIGHBOURS)
    known = {camera: np.flatnonzero((names == camera) & np.isfinite(scores)) for camera in sorted(set(names.tolist()))}
    limits = {camera: limit(scores[rows]) for camera, rows in known.items() if len(rows) >= least}
    far, beyond = _far([_ratios(scores[known[camera]], fold[known[camera]]) for camera in limits])
    return Familiar(bank=bank, limits={c: replace(each, far=far, beyond_far=beyond) for c, each in limits.items()})


def _ratios(scores: NDArray[np.float64], fold: NDArray[np.intp]) -> NDArray[np.float64]:
    """A camera's held-out distances as multiples of the limit that the other folds give."""
    found = np.full(len(scores), np.nan)
    for held_out in range(FOLDS):
        rest = scores[fold != held_out]
        if len(rest):
            found[fold == held_out] = scores[fold == held_out] / max(limit(rest).distance, 1e-6)
    return np.asarray(found[np.isfinite(found)], np.float64)


def _far(ratios: Sequence[NDArray[np.float64]]) -> tuple[float, float]:
    """The multiple of their limits that one in a thousand images of all cameras exceeds, and how many will.

    One camera alone has too few scenes to know its thousandth; in multiples of its own limit each is like the others.
    """
    pooled = np.sort(np.concatenate([np.zeros(0), *ratios]))
    if not len(pooled):
        return math.inf, 0.0
    rank = min(math.ceil((len(pooled) + 1) * FAR_QUANTILE - 1e-9), len(pooled))
    return max(float(pooled[rank - 1]), 1.0), (len(pooled) + 1 - rank) / (len(pooled) + 1)


def _folds(cameras: Names) -> NDArray[np.intp]:
    fold = np.zeros(len(cameras), np.intp)
    for camera in set(cameras.tolist()):
        places = np.flatnonzero(cameras == camera)
        fold[places] = (np.arange(len(places)) * BLOCKS // len(places)) % FOLDS
    return fold


def limit(held_out: NDArray[np.float64]) -> Limit:
    """The distance that a healthy image exceeds in 1 % of cases, or in 1 of n + 1 for fewer than 99 scenes.

    An order statistic, so that `beyond` is exact for exchangeable images, whatever their distribution. Source: Vovk
    et al., Algorithmic Learning in a Random World (2005), on conformal prediction.
    """
    size = len(held_out)
    rank = min(math.ceil((size + 1) * QUANTILE - 1e-9), size)
    return Limit(distance=float(np.sort(held_out)[rank - 1]), beyond=(size + 1 - rank) / (size + 1), scenes=size)


def strangeness(known: Familiar, vectors: Floats, cameras: Names) -> NDArray[np.float64]:
    """Each image's distance as a multiple of its camera's limit, (n,): above 1 is strange.

    nan without a finite embedding. An image of a camera without a limit is held against the most generous one: it can
    be looked at, but it is never counted.
    """
    found = distances(known.bank, vectors)
    most = max((each.distance for each in known.limits.values()), default=np.nan)
    limits = np.array([known.limits[c].distance if c in known.limits else most for c in cameras.tolist()], np.float64)
    ratio: NDArray[np.float64] = found / np.maximum(limits, 1e-6)
    return ratio
