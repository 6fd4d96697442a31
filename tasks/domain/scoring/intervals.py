"""What chance alone would do to a number: a bootstrap over sessions of images, camera by camera.

Frames of one session are not independent, so whole sessions are drawn, and from each camera as many as it has.
Matching predictions to labels happens once; a draw is a vector of weights (how often each image was drawn), and a
score is computed from weights.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from tasks.domain.evaluation import Interval

Weights = NDArray[np.int64] | NDArray[np.float64]
Samples = NDArray[np.float64]

DRAWS = 1_000
"""Bootstrap draws: the 5 % quantile then rests on 50 of them."""

MIN_SESSIONS = 5
"""With fewer sessions drawing them says nothing about other sessions: no interval is given."""

SCARCE = 1.04
"""What the spread of draws is widened by at the least; `benchmarks/interval_coverage.py` measures what that gives."""

_NORMAL = NormalDist()


def session_weights(
    sessions: Sequence[str], draws: int = DRAWS, seed: int = 0, cameras: Sequence[str] = ()
) -> NDArray[np.int64]:
    """(draws, n) int64: how often each of the n images was drawn when whole sessions are drawn with replacement.

    With `cameras` (one per image) every camera gives as many sessions as it has; a camera of a single session is
    drawn together with the other ones of that kind, as nothing else can be said of it. The same sessions in the
    same order with the same seed give the same weights, which is what makes a comparison of two models paired. No
    image gives (draws, 0).
    """
    result = np.zeros((draws, len(sessions)), np.int64)
    source = np.random.default_rng(seed)
    for images in _strata(sessions, cameras):
        _, index = np.unique(np.asarray(sessions, dtype=str)[images], return_inverse=True)
        groups = int(index.max()) + 1
        drawn = source.multinomial(groups, np.full(groups, 1 / groups), size=draws)
        result[:, images] = drawn[:, index]
    return result


def freedom(sessions: Sequence[str], cameras: Sequence[str] = ()) -> int:
    """How many sessions are free to differ: all of them less one per stratum that `session_weights` draws from."""
    strata = _strata(sessions, cameras)
    return len(set(sessions)) - len(strata)


def bounds(point: float, samples: Samples, free: int, tail: float = 0.025) -> tuple[float, float]:
    """The lower and upper bound that leave `tail` outside on each side; (nan, nan) without a usable sample.

    The percentile interval of the draws, with the quantiles moved outwards as far as Student's t with `free` degrees
    of freedom lies outside the normal distribution, and the spread by which a bootstrap of few sessions is too
    narrow; see `freedom`. It is moved by twice the distance of the middle draw from the point: average precision of few
    objects is too high, by as much again in a draw of them as in the set itself. Draws in which the score is
    undefined (nan: no labelled object was drawn) are left out.

    Source: Hesterberg, What Teachers Should Know About the Bootstrap (2015), section 3.3: the expanded percentile
    interval.
    """
    usable = samples[np.isfinite(samples)]
    if not np.isfinite(point) or len(usable) < len(samples) / 2 or not len(usable) or free < 1:
        return float("nan"), float("nan")
    factor = SCARCE * math.sqrt((free + 1) / free) * student(free, tail) / -_NORMAL.inv_cdf(tail)
    low, middle, high = np.quantile(usable, [tail, 0.5, 1 - tail])
    centre = 2 * point - middle
    return float(min(point, centre - factor * (middle - low))), float(max(point, centre + factor * (high - middle)))


def interval(point: float, samples: Samples, sessions: Sequence[str], cameras: Sequence[str] = ()) -> Interval:
    """The number with its 95 % interval; bounds are nan with fewer than `MIN_SESSIONS` sessions."""
    if len(set(sessions)) < MIN_SESSIONS:
        return Interval(value=point, low=float("nan"), high=float("nan"))
    low, high = bounds(point, samples, freedom(sessions, cameras))
    return Interval(value=point, low=low, high=high)


def student(free: int, tail: float) -> float:
    """The point that Student's t with `free` degrees of freedom exceeds with probability `tail`; within 1 % from 3.

    Source: Cornish and Fisher's expansion, Abramowitz and Stegun 26.7.5.

    >>> round(student(10, 0.025), 2)
    2.23
    """
    z = -_NORMAL.inv_cdf(tail)
    terms = (
        z,
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
    )
    return math.fsum(term / free**power for power, term in enumerate(terms))


def _strata(sessions: Sequence[str], cameras: Sequence[str]) -> list[NDArray[np.int64]]:
    """Places of the images of every camera; cameras with a single session are one stratum together."""
    if not len(sessions):
        return []
    named = np.asarray(cameras if len(cameras) else [""] * len(sessions), dtype=str)
    groups = np.asarray(sessions, dtype=str)
    alone = [camera for camera in np.unique(named) if len(np.unique(groups[named == camera])) < 2]
    single = np.isin(named, alone)
    found = [np.flatnonzero(named == camera) for camera in np.unique(named[~single])]
    if single.any():
        found = [*found, np.flatnonzero(single)]
    return [each.astype(np.int64) for each in found]
