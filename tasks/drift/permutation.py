"""How often a random split of the pooled images, or of their whole sessions, is as far apart as the real one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import pearson3, skew

from tasks.drift.detector import FloatArray, Labels, Sessions

PERMUTATIONS = 499
GRID = 256
"""Places at which two distribution functions are held against each other where whole sessions are dealt out anew."""
LEAST_SKEW = 0.2
"""A tail is never taken to be lighter than this: splits of samples are skewed to the right."""

Statistics = Callable[[NDArray[np.bool_]], FloatArray]
"""One number for every row of memberships (p, total): True marks the first sample."""
Divergences = Callable[[FloatArray, FloatArray], FloatArray]
"""One number for every pair of rows of counts, (p, k) and (p, k) -> (p,)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """The pooled units that are dealt out anew: unit `owner[i]` (0..units - 1) holds image i, the first `size` units
    are the reference's."""

    owner: Labels
    size: int
    units: int

    def memberships(self, seed: int) -> NDArray[np.bool_]:
        """499 random deals, (499, units): as many units as the reference has are marked True."""
        lots = np.random.default_rng(seed).random((PERMUTATIONS, self.units))
        last = np.partition(lots, self.size - 1, axis=1)[:, self.size - 1]
        member: NDArray[np.bool_] = lots <= last[:, None]  # the units with the smallest lots; quicker than shuffling
        return member


def split_of(before: int, after: int, sessions: Sessions | None = None) -> Split:
    """Every image a unit, or every session: images of one session are never separated.

    A session of the reference and one of the window are two units even when their labels are equal.
    """
    if sessions is None:
        return Split(owner=np.arange(before + after), size=before, units=before + after)
    known, first = np.unique(sessions.reference, return_inverse=True)
    seen, second = np.unique(sessions.current, return_inverse=True)
    owner = np.concatenate([first, second + len(known)]).astype(np.intp)
    return Split(owner=owner, size=len(known), units=len(known) + len(seen))


def p_value(statistics: Statistics, split: Split, observed: float, seed: int) -> float:
    """Share of 499 random deals that reach `observed`, the real one counted; never 0, and never under 1e-12.

    Counting cannot say less than 1 in 500. Where no split comes near, the tail of a Pearson type III curve
    with the mean, deviation and skewness of the 499 says how far beyond them the observed value lies; many
    cameras tested at once need such small p-values. Sources: Gretton et al., A fast, consistent kernel
    two-sample test, NIPS 2009 (the curve); Knijnenburg et al., Fewer permutations, more accurate P-values,
    Bioinformatics 25 (2009) (a fitted tail beyond the counted ones). Whole sessions, because frames of one
    session are alike: Winkler et al., Multi-level block permutation, NeuroImage 123 (2015).
    """
    return share_beyond(statistics(split.memberships(seed)[:, split.owner]), observed)


def counted_p_value(divergences: Divergences, counts: FloatArray, split: Split, observed: float, seed: int) -> float:
    """The same for a statistic of counts per bin, (n, k) for n images: the counts of a unit are added up first."""
    return share_beyond(chance_of(divergences, counts, split, seed), observed)


def gridded_p_value(
    divergences: Divergences, reference: FloatArray, current: FloatArray, sessions: Sessions, seed: int
) -> float:
    """The same for a statistic of two distribution functions, (m,) and (n,), read off at the pooled quantiles.

    `divergences` gets the counts between neighbouring quantiles, in order of the values.
    """
    pooled = np.concatenate([reference, current])
    grid = np.unique(np.quantile(pooled, np.linspace(0, 1, GRID + 1)[1:], method="inverted_cdf"))
    counts = np.zeros((len(pooled), len(grid)))
    counts[np.arange(len(pooled)), np.searchsorted(grid, pooled, side="left")] = 1
    observed = float(divergences(counts[: len(reference)].sum(axis=0), counts[len(reference) :].sum(axis=0)))
    return counted_p_value(divergences, counts, split_of(len(reference), len(current), sessions), observed, seed)


def chance_of(divergences: Divergences, counts: FloatArray, split: Split, seed: int) -> FloatArray:
    """The statistic of 499 random deals of the units' counts, (499,)."""
    table = np.zeros((split.units, counts.shape[1]))
    np.add.at(table, split.owner, counts)
    first = split.memberships(seed).astype(np.float64) @ table
    return divergences(first, table.sum(axis=0) - first)


def share_beyond(chance: FloatArray, observed: float) -> float:
    """The p-value of an observed statistic among those that chance gave, with the fitted tail; see `p_value`."""
    counted = (1 + int((chance >= observed - 1e-12).sum())) / (1 + len(chance))
    spread = float(chance.std())
    if counted > 1 / (1 + len(chance)) or spread == 0:
        return counted
    beyond = (observed - float(chance.mean())) / spread
    return float(np.clip(pearson3.sf(beyond, max(float(skew(chance)), LEAST_SKEW)), 1e-12, counted))


def kept(owner: Labels, most: int, seed: int) -> Labels:
    """Places of at most `most` images (whole sessions, a fixed random choice; at least one); all when they are fewer.

    `owner` (n,) names the session of each image.
    """
    if len(owner) <= most:
        return np.arange(len(owner))
    names, place, sizes = np.unique(owner, return_inverse=True, return_counts=True)
    order = np.random.default_rng(seed).permutation(len(names))
    chosen = order[np.cumsum(sizes[order]) <= most] if sizes[order[0]] <= most else order[:1]
    return np.flatnonzero(np.isin(place, chosen))
