"""Two-sided CUSUM: evidence for a small lasting change, added up check by check and forgotten when it fades.

Source: Page, Continuous inspection schemes, Biometrika 41 (1954); limits after Siegmund, Sequential Analysis (1985).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

SLACK = 0.5
"""What each check is reduced by: half of the shift (in standard deviations of a check) that is found fastest."""

CEILING = 3.0
"""How far above its limit a sum may rise: six healthy checks end an alarm whose cause is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """The sums after every check, (T, ...): `up` of values too high, `down` of values too low; both at least 0."""

    up: FloatArray
    down: FloatArray

    @property
    def highest(self) -> FloatArray:
        """The larger of both."""
        return np.maximum(self.up, self.down)


def sums(values: FloatArray, ceiling: float = np.inf) -> Sums:
    """The sums of standard normal check values (T, ...) in order of time; nan (no check) changes nothing.

    >>> sums(np.array([2.0, 2.0, -9.0])).up.tolist()
    [1.5, 3.0, 0.0]
    """
    filled = np.where(np.isfinite(values), values, 0.0)
    slack = np.where(np.isfinite(values), SLACK, 0.0)
    up, down = np.zeros_like(filled), np.zeros_like(filled)
    high, low = np.zeros(filled.shape[1:]), np.zeros(filled.shape[1:])
    for step in range(len(filled)):
        high = np.minimum(np.maximum(high + filled[step] - slack[step], 0.0), ceiling)
        low = np.minimum(np.maximum(low - filled[step] - slack[step], 0.0), ceiling)
        up[step], down[step] = high, low
    return Sums(up=up, down=down)


def largest(values: FloatArray) -> FloatArray:
    """The largest of both sums over all T checks of (T, ...), without keeping the way there."""
    high, low = np.zeros(values.shape[1:]), np.zeros(values.shape[1:])
    most = np.zeros(values.shape[1:])
    for row in values:
        missing = ~np.isfinite(row)
        high = np.where(missing, high, np.maximum(high + row - SLACK, 0.0))
        low = np.where(missing, low, np.maximum(low - row - SLACK, 0.0))
        np.maximum(most, np.maximum(high, low), out=most)
    return most


def onset(line: FloatArray) -> int:
    """The place of the first check after the sum (T,) was last zero: where the change that it tells of began.

    >>> onset(np.array([0.0, 1.0, 0.0, 0.5, 2.0]))
    3
    """
    zeros = np.flatnonzero(line <= 0)
    return int(zeros[-1]) + 1 if len(zeros) else 0
