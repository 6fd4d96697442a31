"""By how much a score changed between two sets of different images: both of them were drawn by chance."""

from __future__ import annotations

import math

from tasks.domain.evaluation import Interval


def change(now: Interval, before: Interval) -> Interval:
    """`now` less `before` with its 95 % interval, of two sets that share no image; bounds are nan where one has none.

    What each bound of a score adds to the doubt of the difference is squared and added up, so that intervals may be
    lopsided, as those of scores near 0 or 1 are. Sets that share images differ less than that: the interval is too wide
    for them, never too narrow.

    Source: Newcombe, Interval estimation for the difference between independent proportions (1998), method 10; for any
    number Zou and Donner, Construction of confidence limits about effect measures (2008).

    >>> found = change(Interval(value=0.75, low=0.71, high=0.79), Interval(value=0.8, low=0.77, high=0.83))
    >>> round(found.value, 2), round(found.low, 2), round(found.high, 2)
    (-0.05, -0.1, 0.0)
    """
    value = now.value - before.value
    return Interval(
        value=value,
        low=value - math.hypot(now.value - now.low, before.high - before.value),
        high=value + math.hypot(now.high - now.value, before.value - before.low),
    )
