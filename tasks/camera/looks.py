"""How many different looks at a place a set of images is worth, and what chance does to so few.

A camera that sends every product in a burst of frames shows each scene several times: a hundred frames of thirty
products say as much about a place as thirty images do. Where products lie in about half of the looks, the median of a
place shows now a product and now the belt: that is no change of the lens, and the fewer the looks the more often.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from tasks.camera.frames import Floats, Frames
from tasks.domain.scenes import BURST

QUANTILES = (0.25, 0.5)
"""What sticks to a lens is there in every scene: the middle of a place moves, or three quarters of its images do."""
CHANCE = 3.0
"""Standard deviations of a quantile of so many looks that are chance: one place in 740 has more, on either side."""
EDGE = 0.05
"""Share of the reference beyond which no quantile is told from the extremes."""


def looks(frames: Frames) -> float:
    """Images that say as much as these about the detail of places, were each of them of another scene; 1..n.

    The size of a sample of neighbours that are alike: n / (1 + 2 * sum of the correlations at every distance), each
    counted for the pairs that are a burst apart at most; images further apart count as different scenes.

    Source: Kish, Survey Sampling (1965), section 5.4 (effective size of a sample in clusters).
    """
    n = len(frames)
    detail = frames.detail.reshape(n, -1)
    apart = 2 * float(detail.var(axis=0).mean())
    if n < 2 or apart <= 0:
        return float(min(n, 1))
    alike = 0.0
    for back in range(1, n):
        near = np.flatnonzero(frames.moment[back:] - frames.moment[:-back] < BURST.total_seconds())
        if not len(near):
            break
        step = float(((detail[near + back] - detail[near]) ** 2).mean())
        alike += len(near) / n * max(0.0, 1 - step / apart)
    return max(1.0, n / (1 + 2 * alike))


def spread(reference: Frames, current: Frames) -> float:
    """How far a median of the current looks lies from that of the reference by chance, as a share of the reference.

    Source: a quantile of n values lies between order statistics with a binomial chance; David & Nagaraja, Order
    Statistics (2003), section 7.1.
    """
    return CHANCE / 2 * math.sqrt(1 / looks(reference) + 1 / looks(current))


def by_chance(known: Floats, spread: float) -> float:
    """How far a median of so many looks is from that of (n,) known values by chance, `spread` shares of them aside."""
    low, middle, high = np.quantile(known, [max(0.5 - spread, EDGE), 0.5, min(0.5 + spread, 1 - EDGE)])
    return float(max(high - middle, middle - low))


def above(before: Floats, after: Floats, spread: float) -> NDArray[np.bool_]:
    """Places (16, 16) that show more, in images (m, 16, 16) after those of (n, 16, 16) before, than chance brings.

    The median must lie above what `spread` allows it in the reference, or the lower quartile above what it allows
    that: whatever passes at a place, and in however many of the looks, no quantile of the same goes that far.
    """
    shares = np.array(QUANTILES)
    bars = np.minimum(shares + spread * 2 * np.sqrt(shares * (1 - shares)), 1 - EDGE)
    seen, known = np.quantile(after, shares, axis=0), np.quantile(before, bars, axis=0)
    return np.asarray((seen > known).any(axis=0), dtype=bool)
