"""Whether a share lies beyond its limit by more than chance: one bad image of two is no 50 % of anything.

A rate that is as high as its limit allows shows more than that in half of all windows, and in a small one far more. So
a share breaks its rule where even the lowest rate that may well have shown it is above the limit.

Source: Clopper and Pearson, The use of confidence or fiducial limits (1934), one-sided: exact for few rows, where
Wilson's interval is too narrow (one of one would be at least 0.16).
"""

from __future__ import annotations

from scipy.special import betaincinv

FALSE = 0.01
"""Chance that a window whose rate is just what its limit allows breaks the rule."""

MOST = 1_000_000
"""More rows are never asked for: a share so close to its limit is as good as at it."""


def lowest(share: float, rows: float) -> float:
    """The lowest rate (0..1) that shows at least this share of so many rows with a chance of `FALSE`.

    `rows` may be a fraction: rows that stand for differently many are worth fewer. 0 for a share of 0 or no row.

    >>> [round(lowest(share, rows), 3) for share, rows in ((1, 1), (0.5, 2), (0.1, 20), (0.1, 2000))]
    [0.01, 0.005, 0.008, 0.085]
    """
    bad = share * rows
    return float(betaincinv(bad, max(rows - bad, 0.0) + 1, FALSE)) if bad > 0 else 0.0


def beyond(share: float, limit: float, rows: float) -> bool:
    """Whether so high a share of so many rows is more than chance makes of a rate at its limit.

    >>> beyond(0.5, 0.05, 2), beyond(0.1, 0.05, 2_000), beyond(1.0, 0.05, 3)
    (False, True, True)
    """
    return lowest(share, rows) > limit


def needed(share: float, limit: float) -> int:
    """The fewest rows of which this share would be beyond its limit, at most `MOST`.

    >>> needed(1 / 16, 0.05), needed(0.5, 0.05)
    (1823, 5)
    """
    low, high = 0, MOST
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if beyond(share, limit, middle) else (middle, high)
    return high
