"""Estimates that labels caught up with: how far they were off, and whether the next one may still be believed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tasks.domain.window import Window

LEAST = 3
"""Checked estimates before a running error breaks a promise: two bad windows may be chance."""

SPREAD = 1.25
"""Root mean square error over mean absolute error, for normal errors (the square root of pi / 2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What was estimated for a window, and what its labels said later; `doubt` is the labels' own standard error."""

    window: Window
    flag: str
    estimate: float
    measured: float
    doubt: float
    n: int

    @property
    def error(self) -> float:
        """Estimate minus measurement: positive when it was too kind."""
        return self.estimate - self.measured


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """The running error of the newest `n` checks: mean absolute error, bias, and what is left without label noise.

    `own` is the root mean square error of the estimates once the labels' own doubt is taken off.
    """

    n: int
    error: float
    bias: float
    own: float

    def broke(self, promise: float) -> bool:
        """Whether a promised mean absolute error is broken; never with fewer than `LEAST` checks."""
        return self.n >= LEAST and self.own > SPREAD * promise

    def words(self) -> str:
        """The running error in points, as a person reads it.

        >>> Running(n=5, error=0.012, bias=-0.004, own=0.01).words()
        'the last 5 estimates were off by 1.2 points on average (bias -0.4)'
        """
        one = "estimate was" if self.n == 1 else f"{self.n} estimates were"
        return f"the last {one} off by {100 * self.error:.1f} points on average (bias {100 * self.bias:+.1f})"


def running(checks: Sequence[Check], flag: str, last: int) -> Running | None:
    """The running error of the newest checks of estimates with this flag, newest first; None without one."""
    seen = [check for check in checks if check.flag == flag][:last]
    if not seen:
        return None
    n = len(seen)
    square = sum(check.error**2 for check in seen) / n
    noise = sum(check.doubt**2 for check in seen) / n
    return Running(
        n=n,
        error=sum(abs(check.error) for check in seen) / n,
        bias=sum(check.error for check in seen) / n,
        own=math.sqrt(max(square - noise, 0.0)),
    )
