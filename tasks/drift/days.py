"""What healthy days differ by is taken off a change before it counts.

A window is one more day beside those of the reference (`tasks.domain.days`). What days differ by is taken off both
sides: every day of the reference is moved onto the others, and the window by as much as a further healthy day may lie
away, number by number and never beyond the reference. Then the same detector is asked again.

The tail is Student's with the days' degrees of freedom, because few days say little about days.

Source: Searle, Casella & McCulloch, Variance Components (1992), chapter 7 (how much of a day's mean is the day's).
"""

from __future__ import annotations

import numpy as np
from scipy.special import stdtrit

from tasks.domain.days import Days, When, centred, means
from tasks.drift.detector import FloatArray, Labels

MOST = 12.0
"""Of few days Student's tail would excuse anything: no healthy day lies twelve times as far off as days usually do."""


def without_days(
    reference: FloatArray, current: FloatArray, at: When, known: Days, chance: float
) -> tuple[FloatArray, FloatArray]:
    """Both sides without what days differ by; shapes are (m,) and (n,) or (m, k) and (n, k), and stay so.

    Days of one side are moved onto each other. Then the window is moved towards the mean of the reference, not beyond
    it, by as far as a further healthy day lies away with the given (two-sided) chance.
    """
    before, after = (side.reshape(len(side), -1) for side in (reference, current))
    rest = centred(before, at.contexts)[0]
    shared = _of_days(rest, at.days, known)
    before = before - (shared - shared.mean(axis=0))
    after = after - _of_days(after - after.mean(axis=0), at.window, known)
    times = min(float(-stdtrit(known.count - 1, chance / 2)), MOST)
    margin = times * known.between * np.sqrt(1 / len(np.unique(at.window)) + 1 / known.count)
    after = after - np.clip(after.mean(axis=0) - before.mean(axis=0), -margin, margin)
    return before.reshape(reference.shape), after.reshape(current.shape)


def _of_days(rest: FloatArray, days: Labels, known: Days) -> FloatArray:
    """What the day of each row adds to it: of the day's mean as much as is no chance of its scenes."""
    place, middle, count = means(rest, days)
    own = known.between**2 / np.maximum(known.between**2 + known.within**2 / count[:, None], 1e-300)
    return (own * middle)[place]
