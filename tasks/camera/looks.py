"""How many different looks at a place a set of images is worth, and what chance does to so few.

A camera that sends every product in a burst of frames shows each scene several times: a hundred frames of thirty
products say as much about a place as thirty images do. Where products lie in about half of the looks, the median of a
place shows now a product and now the belt: that is no change of the lens, and the fewer the looks the more often.
"""

from __future__ import annotations

import math

import numpy as np

from tasks.camera.frames import Floats, Frames

BURST = 60.0
"""Seconds within which images of one scene are one burst."""
QUARTER = 0.25
"""Three quarters of the images must show a change of a place: what sticks to a lens is there in every scene."""
CHANCE = 3.0
"""Standard deviations of a quarter among so many looks that are chance: one place in 740 has more, on either side."""
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
        near = np.flatnonzero(frames.moment[back:] - frames.moment[:-back] < BURST)
        if not len(near):
            break
        step = float(((detail[near + back] - detail[near]) ** 2).mean())
        alike += len(near) / n * max(0.0, 1 - step / apart)
    return max(1.0, n / (1 + 2 * alike))


def quarters(reference: Frames, current: Frames) -> tuple[Floats, Floats]:
    """(16, 16) each: detail of the reference that a place's upper quarter now lies above or below by chance at most.

    The first is held against the current lower quartile: above it the place shows more in three quarters of the
    images than so many looks of the reference would. The second is the same for the upper quartile and less detail.

    Source: a quantile of n values lies between order statistics with a binomial chance; David & Nagaraja, Order
    Statistics (2003), section 7.1.
    """
    spread = math.sqrt(QUARTER * (1 - QUARTER) * (1 / looks(reference) + 1 / looks(current)))
    high = min(QUARTER + CHANCE * spread, 1 - EDGE)
    most, least = np.quantile(reference.detail, (high, 1 - high), axis=0)
    return np.asarray(most, dtype=np.float64), np.asarray(least, dtype=np.float64)
