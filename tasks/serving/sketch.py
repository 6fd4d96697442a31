"""Quantiles of any number of latencies in a fixed amount of memory, each within 0.5 % of its value.

A logarithmic histogram: bin `i` holds what lies in (γ^(i-1), γ^i], γ = (1 + α)/(1 - α), and stands for the one number
that is within α of all of them. Counts add up, so parts of a table may come in any order.

Source: Masson, Rim and Lee, DDSketch: a fast and fully-mergeable quantile sketch with relative-error guarantees,
PVLDB 12 (2019).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ALPHA = 0.005
"""Largest relative error of a quantile."""

LEAST, MOST = 1e-3, 1e7
"""Milliseconds: what is below the first counts as 0, what is above the last as the last (the contract's limit)."""

_LOG_GAMMA = math.log((1 + ALPHA) / (1 - ALPHA))
_SHIFT = math.floor(math.log(LEAST) / _LOG_GAMMA)
BINS = math.ceil(math.log(MOST) / _LOG_GAMMA) - _SHIFT + 1
"""Bins of a histogram; the first is for 0."""


def bins_of(values: Floats) -> Ints:
    """(n,) the bin of each value in milliseconds; not finite or negative values have none and give -1."""
    found = np.full(len(values), -1, np.int64)
    sound = np.isfinite(values) & (values >= 0)
    clipped = np.clip(values[sound], LEAST, MOST)
    places = np.ceil(np.log(clipped) / _LOG_GAMMA).astype(np.int64) - _SHIFT
    found[sound] = np.where(values[sound] < LEAST, 0, np.clip(places, 1, BINS - 1))
    return found


def quantiles(counts: Floats, levels: Sequence[float]) -> tuple[float, ...]:
    """Quantiles of a histogram (BINS,) of counts; nan for an empty one.

    As `numpy.quantile` does by default: between the two values beside the place `level * (n - 1)`. Counts that are no
    whole numbers stand for rows that represent several.
    """
    whole = counts.sum()
    if whole <= 0:
        return tuple(math.nan for _ in levels)
    below = np.cumsum(counts)
    places = [level * max(whole - 1, 0.0) for level in levels]
    return tuple(_between(below, place) for place in places)


def _between(below: Floats, place: float) -> float:
    first = _at(below, math.floor(place))
    part = place - math.floor(place)
    return first if part == 0 else first + part * (_at(below, math.floor(place) + 1) - first)


def _at(below: Floats, rank: int) -> float:
    """The value of the bin in which the rank (from 0) lies."""
    filled = np.searchsorted(below, below[-1])  # the last bin that holds something
    place = int(min(np.searchsorted(below, rank, side="right"), filled))
    if place == 0:
        return 0.0
    return math.exp((place + _SHIFT) * _LOG_GAMMA) * (1 - ALPHA)
