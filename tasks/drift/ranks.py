"""Distribution functions of large samples without sorting them: values are counted in fine bins first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from tasks.drift.detector import FloatArray, Labels

SORTED_UP_TO = 20_000
"""Values of both samples together up to which plain sorting is as quick."""
BINS = 1 << 14
LOOKED_AT = 1_000
"""Values of either sample that say where the bins lie."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """The bin of every value, (m,) and (n,), and the values per bin, (BINS,); larger values are in no lower bin."""

    places: tuple[Labels, Labels]
    counts: tuple[Labels, Labels]
    low: float
    per_unit: float

    def mean_score(self) -> float:
        """Mean normal score of the current values in the reference, as if a bin's values lay like the reference's."""
        before, after = self.counts
        edges = np.concatenate([[0], np.cumsum(before)]) / before.sum()
        scores = ndtri(np.clip(edges, 0.5 / before.sum(), 1 - 0.5 / before.sum()))
        heights = np.exp(-(scores**2) / 2) / np.sqrt(2 * np.pi)
        width = np.diff(edges)
        means = np.where(width > 0, (heights[:-1] - heights[1:]) / np.where(width > 0, width, 1), scores[:-1])
        return float((means * after).sum() / after.sum())


def counted(reference: FloatArray, current: FloatArray) -> Counted | None:
    """Both samples in bins; None for samples that are sorted as quickly, or that hold little but one value."""
    if len(reference) + len(current) <= SORTED_UP_TO:
        return None
    few = np.concatenate([side[:: max(1, len(side) // LOOKED_AT)] for side in (reference, current)])
    low, high = (float(edge) for edge in np.quantile(few, [0.01, 0.99]))
    spread = high - low
    if not 0 < 3 * spread < np.inf:
        return None
    low, per_unit = low - spread, BINS / (3 * spread)
    first, second = (_places(side, low, per_unit) for side in (reference, current))
    counts = (np.bincount(first, minlength=BINS), np.bincount(second, minlength=BINS))
    return Counted(places=(first, second), counts=counts, low=low, per_unit=per_unit)


def largest_gap(reference: FloatArray, current: FloatArray, found: Counted | None = None) -> float:
    """The largest distance of two empirical distribution functions, 0..1, exact for any size; (m,) and (n,).

    With counts the gap is known at the edges of the bins; inside a bin it can rise by no more than the share that
    the bin holds, and only bins where that could beat the best edge are looked into.
    """
    if found is None:
        return float(np.abs(_shares(reference, current)).max())
    before, after = (counts / counts.sum() for counts in found.counts)
    gaps = np.cumsum(before - after) - (before - after)
    inside = np.maximum(gaps + before, after - gaps)
    best = max(float(np.abs(gaps).max()), _looked_into(reference, current, found, inside >= inside.max()))
    return max(best, _looked_into(reference, current, found, inside > best))


def _shares(reference: FloatArray, current: FloatArray) -> FloatArray:
    """The reference's share minus the current's at or below each value of either."""
    first, second = np.sort(reference), np.sort(current)
    values = np.concatenate([_distinct(first), _distinct(second)])
    below = [np.searchsorted(side, values, side="right") / len(side) for side in (first, second)]
    gaps: FloatArray = below[0] - below[1]
    return gaps


def _looked_into(reference: FloatArray, current: FloatArray, found: Counted, wanted: NDArray[np.bool_]) -> float:
    """The largest gap at the values within the wanted bins; 0 when no bin is wanted."""
    if not wanted.any():
        return 0.0
    held = [np.sort(values[wanted[place]]) for values, place in zip((reference, current), found.places, strict=True)]
    values = np.concatenate([_distinct(side) for side in held])
    bins = _places(values, found.low, found.per_unit)
    shares = np.zeros(len(values))
    for sign, side, counts in zip((1, -1), held, found.counts, strict=True):
        passed = np.cumsum(np.where(wanted, 0, counts))  # values in lower bins that are not looked into
        shares += sign * (passed[bins] + np.searchsorted(side, values, side="right")) / counts.sum()
    return float(np.abs(shares).max())


def _distinct(ordered: FloatArray) -> FloatArray:
    """The last of each run of equal values: where a distribution function has made its step."""
    return ordered[np.append(ordered[1:] != ordered[:-1], True)] if len(ordered) else ordered


def _places(values: FloatArray, low: float, per_unit: float) -> Labels:
    scaled = values - low
    scaled *= per_unit
    np.clip(scaled, 0, BINS - 1, out=scaled)
    return scaled.astype(np.intp)
