"""How far the mean of few labelled scores may be wrong: anything, or a score that cannot leave 0 to 1."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from tasks.domain.evaluation import Interval
from tasks.domain.scoring.intervals import wilson

Numbers = NDArray[np.float64]

NOTHING = 1e-9
"""Spread below which scores are all alike: what is left is rounding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What labels alone say of a mean from 0 to 1: it itself, and how many independent images it rests on."""

    alone: float
    images: float


def interval(value: float, error: float, freedom: int, share: Share | None = None) -> Interval:
    """The 95 % interval of a value with its standard error; with a `share`, Wilson's within 0..1, never of zero width.

    A hundred labels that are all right do not spread, and do not prove that nothing is ever wrong: an image then
    counts as one, as if scores were right or wrong. Else as many independent images as would spread as much.

    Source: Wilson (1927); Dean and Pagano (2015), as `tasks.domain.scoring.intervals.interval`.

    >>> found = interval(1.0, 0.0, 99, Share(alone=1.0, images=100))
    >>> round(found.low, 3), found.high
    (0.962, 1.0)
    """
    t = float(student.ppf(0.975, max(freedom, 1)))
    if share is None:
        return Interval(value=value, low=value - t * error, high=value + t * error)
    most = share.alone * (1 - share.alone)
    images = most / error**2 if min(most, error) > NOTHING else share.images
    within = min(max(value, 0.0), 1.0)
    low, high = wilson(within, t**2 / images)
    return Interval(value=within, low=low, high=high)


def independent(weights: Numbers, session: NDArray[np.intp]) -> float:
    """How many sessions of equal weight would say as much as these labelled images (n,) of weights (n,); at least 1.

    Source: Kish, Survey Sampling (1965).

    >>> independent(np.ones(4), np.array([0, 1, 2, 3])), independent(np.ones(4), np.array([0, 0, 1, 1]))
    (4.0, 2.0)
    """
    sums = np.bincount(session, weights=weights)
    squares = float((sums**2).sum())
    return max(float(sums.sum()) ** 2 / squares, 1.0) if math.isfinite(squares) and squares > 0 else 1.0
