"""How often a healthy camera would look like this: by its newest day, and by what has added up.

These are p-values, to be held against those of all other cameras (`tasks.watch.digest`), not alarms.
"""

from __future__ import annotations

import numpy as np
from scipy.special import stdtr

from tasks.watch.baseline import FloatArray, baseline
from tasks.watch.history import Course

DAY = 24
LEAST_DAYS = 7
"""Healthy days below which one more day cannot be held against them."""

BEYOND = 5.0
"""How far beyond its limit a sum is followed, in multiples of its tail's scale: it must come down again some day."""


def day_change(course: Course, hours: int) -> FloatArray:
    """Mean difference of the newest day from normal, in normal-score units, (P,); nan where there is none."""
    known = baseline(course.scores[course.learnt], course.contexts[course.learnt], DAY // hours)
    differences = course.scores - known.mean[course.contexts]
    return _mean(differences[_day_of(course) == _day_of(course)[-1]])


def day_chance(course: Course, hours: int) -> FloatArray:
    """Two-sided p-value of the newest day's mean among those of the healthy days, (P,); 1 where none can be told.

    Each check is first set against its time of day. Days, not checks, are the unit: checks of one day are not
    independent. Student's t for one new value.
    """
    known = baseline(course.scores[course.learnt], course.contexts[course.learnt], DAY // hours)
    values = (course.scores - known.mean[course.contexts]) / (known.sd[course.contexts] * course.widen)
    days = _day_of(course)
    healthy = np.unique(days[course.learnt])
    healthy = healthy[healthy != days[-1]]
    if len(healthy) < LEAST_DAYS:
        return np.ones(len(course.properties))
    means = np.stack([_mean(values[days == day]) for day in healthy.tolist()])
    spread = np.maximum(np.std(means, axis=0, ddof=1), 1e-6) * np.sqrt(1 + 1 / len(healthy))
    far = np.abs(_mean(values[days == days[-1]]) - means.mean(axis=0)) / spread
    chance: FloatArray = 2 * stdtr(len(healthy) - 1, -far)
    return np.where(np.isfinite(chance), chance, 1.0)


def sum_chance(values: FloatArray, limit: float, scale: float, chance: float) -> FloatArray:
    """How often a healthy month reaches these sums (P,), of which `limit` is reached with `chance`.

    The tail of sums is exponential with this `scale` (`tasks.watch.limit.tail`).
    """
    far = np.minimum((values - limit) / scale, BEYOND)
    found: FloatArray = np.minimum(chance * np.exp(-far), 1.0)
    return found


def evidence_chance(powers: FloatArray, checks: int) -> FloatArray:
    """The reciprocal of an e-value for evidence in powers of ten (P,), the mean of which is `checks` under health."""
    found: FloatArray = np.minimum(max(checks, 1) / 10.0**powers, 1.0)
    return found


def either(first: FloatArray, second: FloatArray) -> FloatArray:
    """The p-value of the smaller of two, which were both looked at (Bonferroni)."""
    found: FloatArray = np.minimum(2 * np.minimum(first, second), 1.0)
    return found


def _day_of(course: Course) -> FloatArray:
    return np.array([window.start.timestamp() // 86_400 for window in course.windows])


def _mean(rows: FloatArray) -> FloatArray:
    """Column means of what is finite; nan for columns without any."""
    there = np.isfinite(rows)
    count = there.sum(axis=0)
    means: FloatArray = np.where(count > 0, np.where(there, rows, 0.0).sum(axis=0) / np.maximum(count, 1), np.nan)
    return means
