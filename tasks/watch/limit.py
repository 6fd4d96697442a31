"""The limit of the sums: as high as healthy days of this very camera ask for.

A month of health is imitated many times: healthy days are drawn with replacement, once for a new baseline and once for
the month that is held against it. So the limit knows the tails of this camera, how its checks within a day hang
together, and the error of a baseline of so few days. Days, not checks, are drawn: checks of one day are not
independent.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from tasks.watch.baseline import Contexts, FloatArray, baseline, standardised
from tasks.watch.sums import largest

MONTH = 30
"""Days in which the chance of a false alarm is counted."""

REPLICATES = 200
BATCH = 50
"""Months that are imitated, and how many at once: memory stays bounded whatever the number of checks a day."""

LEAST_SCALE = 0.5
"""A tail is never taken to fall quicker than this: of two values of a standard normal sum that would be too good."""

FLOOR = 15.0
"""Limit below which no calibration goes, with few healthy days or many: in simulated months of real pictures
(`benchmarks/camera_months.py`) 13 gave an alarm in one healthy month of a hundred."""


def calibrated(grid: FloatArray, contexts: Contexts, chance: float) -> float:
    """The limit that a healthy month exceeds with the given chance, on any property; never below `FLOOR`.

    `grid` holds the scores of the healthy checks (days, checks a day, properties), nan where there was none;
    `contexts` (checks a day,) is the time of day of each. The same days give the same limit.
    """
    found, _ = _quantile(grid.tobytes(), grid.shape, tuple(contexts.tolist()), chance)
    return max(FLOOR, found)


def scale(grid: FloatArray, contexts: Contexts, chance: float) -> float:
    """By how much a sum must rise further to become 2.7 times less likely in health; see `calibrated`, `tail`."""
    return _quantile(grid.tobytes(), grid.shape, tuple(contexts.tolist()), chance)[1]


@lru_cache(maxsize=4096)  # the healthy days of a camera stay the same for as long as its reference does
def _quantile(
    data: bytes, shape: tuple[int, int, int], contexts: tuple[int, ...], chance: float
) -> tuple[float, float]:
    grid = np.frombuffer(data, dtype=np.float64).reshape(shape)
    rng = np.random.default_rng(2026)
    most = np.concatenate([_months(grid, np.asarray(contexts), rng) for _ in range(REPLICATES // BATCH)])
    return tail(most, chance), max(tail(most, 0.5 / np.e) - tail(most, 0.5), LEAST_SCALE)


def _months(grid: FloatArray, contexts: Contexts, rng: np.random.Generator) -> FloatArray:
    """The largest sum of each of `BATCH` imitated months over all properties."""
    days, size = len(grid), int(contexts.max()) + 1
    learnt = baseline(_drawn(grid, rng, days), np.tile(contexts, days), size)
    values = standardised(_drawn(grid, rng, MONTH), np.tile(contexts, MONTH), learnt)
    found: FloatArray = largest(np.moveaxis(values, 1, 0)).max(axis=-1)
    return found


def _drawn(grid: FloatArray, rng: np.random.Generator, days: int) -> FloatArray:
    """(BATCH, days x checks a day, properties)."""
    chosen = rng.integers(0, len(grid), (BATCH, days))
    return grid[chosen].reshape(BATCH, days * grid.shape[1], grid.shape[2])


def tail(most: FloatArray, chance: float) -> float:
    """The value that maxima like these exceed with a small chance, by an exponential through their upper half.

    Two hundred months have no thousandth part to look up; the sums of CUSUM have an exponential tail.
    """
    median = float(np.median(most))
    beyond = most[most > median]
    rate = float((beyond - median).mean()) if len(beyond) else 0.0
    return median + rate * float(np.log(0.5 / chance)) if chance < 0.5 else median
