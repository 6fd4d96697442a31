"""What chance alone would do to a number: the percentile bootstrap over sessions of images.

Frames of one session are not independent, so whole sessions are drawn. Matching predictions to labels happens
once; a draw is a vector of weights (how often each image was drawn), and a score is computed from weights.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tasks.domain.evaluation import Interval

Weights = NDArray[np.int64]
Samples = NDArray[np.float64]

DRAWS = 1_000
"""Bootstrap draws: the 5 % quantile then rests on 50 of them."""

MIN_SESSIONS = 5
"""With fewer sessions drawing them says nothing about other sessions: no interval is given."""

SMALL = 200
"""Below so many images the percentile interval covers 90-93 % instead of 95 %; it is widened by `WIDEN`."""

WIDEN = 1.1


def session_weights(sessions: Sequence[str], draws: int = DRAWS, seed: int = 0) -> Weights:
    """(draws, n) int64: how often each of the n images was drawn when whole sessions are drawn with replacement.

    The same sessions in the same order with the same seed give the same weights, which is what makes a
    comparison of two models paired. No image gives (draws, 0).
    """
    _, index = np.unique(np.asarray(sessions, dtype=str), return_inverse=True)
    groups = int(index.max()) + 1 if len(index) else 0
    if not groups:
        return np.zeros((draws, 0), np.int64)
    drawn = np.random.default_rng(seed).multinomial(groups, np.full(groups, 1 / groups), size=draws)
    return drawn[:, index].astype(np.int64)


def bounds(point: float, samples: Samples, n: int, tail: float = 0.025) -> tuple[float, float]:
    """The lower and upper bound that leave `tail` outside on each side; (nan, nan) without a usable sample.

    Draws in which the score is undefined (nan: no labelled object was drawn) are left out.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 13.
    """
    usable = samples[np.isfinite(samples)]
    if not np.isfinite(point) or len(usable) < len(samples) / 2 or not len(usable):
        return float("nan"), float("nan")
    low, high = np.quantile(usable, [tail, 1 - tail])
    factor = WIDEN if n < SMALL else 1.0
    return float(min(point, point - factor * (point - low))), float(max(point, point + factor * (high - point)))


def interval(point: float, samples: Samples, sessions: Sequence[str]) -> Interval:
    """The number with its 95 % interval; bounds are nan with fewer than `MIN_SESSIONS` sessions."""
    if len(set(sessions)) < MIN_SESSIONS:
        return Interval(value=point, low=float("nan"), high=float("nan"))
    low, high = bounds(point, samples, len(sessions))
    return Interval(value=point, low=low, high=high)
