"""How much healthy days differ by: the variance between the days of a reference that their scenes do not explain.

Scenes of one day share its light, its lamps' age and its mix of products. Held against each other scene by scene, two
healthy days differ significantly when cameras are steady and scenes are many: what is exchangeable are the days.

Source: Searle, Casella & McCulloch, Variance Components (1992), chapter 3 (the variance between unequal groups).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.domain.few import evenly

FloatArray = NDArray[np.float64]
Labels = NDArray[np.intp]

DAY = 24
LEAST_DAYS = 5
"""Days of a reference below which nobody knows what days differ by."""
LEAST_SCENES = 3
"""Scenes of a day below which it does not count."""
ENOUGH = 4_000
"""Scenes that say what days differ by; of more so many, evenly over time."""
DEALS = 59
SURE = 0.1
"""How often scenes dealt out to days anew may differ as much, for days to be taken to differ."""
SEED = 17


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """Day and context (camera and hour of the day) of each row of the reference, (m,); days of the window, (n,)."""

    days: Labels
    contexts: Labels
    window: Labels

    def take(self, known: Labels, seen: Labels) -> When:
        """The same for some rows of the reference and some of the window."""
        return When(days=self.days[known], contexts=self.contexts[known], window=self.window[seen])


@dataclass(frozen=True, slots=True, kw_only=True)
class Days:
    """What days differ by beyond what their scenes explain, and what scenes of a day do: standard deviations (k,).

    `between` is 0 where days do not differ, or are too few to tell; `count` are the days that were looked at.
    """

    between: FloatArray
    within: FloatArray
    count: int


def when(hours: Labels | None, cameras: NDArray[np.object_], window: Labels | None) -> When | None:
    """From hours since 1970 of the reference (m,) and of the window (n,), and the reference's cameras (m,)."""
    if hours is None or window is None:
        return None
    places = np.unique(cameras.astype(str), return_inverse=True)[1] if len(cameras) else np.zeros(0, np.intp)
    return When(days=hours // DAY, contexts=places * DAY + hours % DAY, window=window // DAY)


def differ(values: FloatArray, at: When, sure: float = SURE) -> Days:
    """What the days of a reference differ by; `values` are (m,) or (m, k) without nan.

    `sure` is how often scenes dealt out anew may differ as much: at 1 days differ by whatever their means do.
    Each number is set against the mean of its own camera and hour, so that a known cycle is no difference of days. Of
    many numbers none is taken to be steadier than they are on average: the smallest of many estimates is too small.
    """
    rows = values.reshape(len(values), -1)
    nothing = Days(between=np.zeros(rows.shape[1]), within=np.ones(rows.shape[1]), count=0)
    names, counts = np.unique(at.days, return_counts=True)
    kept = evenly(np.flatnonzero(np.isin(at.days, names[counts >= LEAST_SCENES])), ENOUGH)
    if not np.isfinite(rows).all() or len(np.unique(at.days[kept])) < LEAST_DAYS:
        return nothing
    rest, contexts = centred(rows[kept], at.contexts[kept])
    place, _, count = means(rest, at.days[kept])
    member = (np.arange(len(count))[:, None] == place).astype(np.float64)
    total, freedom = (rest**2).sum(axis=0), len(rest) - len(count) - contexts + 1
    if freedom < LEAST_DAYS:
        return nothing

    def moments(owner: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Mean squares between and within days."""
        outside = ((owner @ rest) ** 2 / count[:, None]).sum(axis=0)
        return outside / (len(count) - 1), np.maximum(total - outside, 1e-12 * (total + 1e-12)) / freedom

    between, within = moments(member)
    deals, wider = np.random.default_rng(SEED), 1
    for _ in range(DEALS if sure < 1 else 0):
        wider += _apart(*moments(member[:, deals.permutation(len(rest))])) >= _apart(between, within)
        if wider > sure * (1 + DEALS):
            return nothing
    size = (len(rest) - (count**2).sum() / len(rest)) / (len(count) - 1)
    variance = np.maximum(between - within, 0.0) / size
    shared = variance.sum() / max(float(within.sum()), 1e-300)
    spread = np.sqrt(np.maximum(variance, shared * within))
    return Days(between=spread, within=np.sqrt(within), count=len(count))


def _apart(between: FloatArray, within: FloatArray) -> float:
    return float((between / within).sum())


def centred(rows: FloatArray, contexts: Labels) -> tuple[FloatArray, int]:
    """Each row less the mean of its context, and how many contexts there are."""
    place, middle, _ = means(rows, contexts)
    return rows - middle[place], len(middle)


def means(rows: FloatArray, labels: Labels) -> tuple[Labels, FloatArray, Labels]:
    """The group of each row (m,), and mean (g, k) and size (g,) of every group."""
    _, place, count = np.unique(labels, return_inverse=True, return_counts=True)
    order = np.argsort(place, kind="stable")
    sums = np.add.reduceat(rows[order], np.cumsum(count) - count, axis=0)
    return place, sums / count[:, None], count
