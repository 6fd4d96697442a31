"""Two samples of one number per image as counts in the same bins, so that histograms can be compared."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import chi2

from tasks.drift.detector import FloatArray, Labels, Sessions
from tasks.drift.permutation import Divergences, counted_p_value, split_of

MAX_BINS = 10
PER_BIN = 10
"""Images of the smaller sample that a bin holds on average."""
SEED = 31


@dataclass(frozen=True, slots=True, kw_only=True)
class Binned:
    """The bin (0..bins - 1) of every image of two samples, (m,) and (n,); every bin holds an image of one of them."""

    reference: Labels
    current: Labels
    bins: int

    def counts(self) -> tuple[FloatArray, FloatArray]:
        """Images per bin of either sample, (bins,) each."""
        before, after = (np.bincount(side, minlength=self.bins) for side in (self.reference, self.current))
        return before.astype(np.float64), after.astype(np.float64)

    @property
    def degrees(self) -> int:
        """Degrees of freedom of a comparison; 0 when there is a single bin and nothing to compare."""
        return self.bins - 1

    @property
    def noise(self) -> float:
        """What a divergence that behaves like chi-square gains from each degree of freedom by chance alone."""
        return 1 / len(self.reference) + 1 / len(self.current)


def binned(reference: FloatArray, current: FloatArray) -> Binned:
    """Both samples in the bins that the reference's quantiles cut, few enough to be filled.

    Bins that are empty on both sides are left out. When values repeat so often that quantiles coincide, a
    repeated value is a bin of its own.
    """
    bins = int(np.clip(min(len(reference), len(current)) // PER_BIN, 2, MAX_BINS))
    quantiles = np.quantile(reference, np.linspace(0, 1, bins + 1)[1:-1])
    edges = np.unique(quantiles)
    tied = len(edges) < len(quantiles) or len(np.unique(reference)) <= bins

    def place(values: FloatArray) -> Labels:
        left = np.searchsorted(edges, values, side="left")
        return left + np.searchsorted(edges, values, side="right") if tied else left

    before, after = place(reference), place(current)
    filled, dense = np.unique(np.concatenate([before, after]), return_inverse=True)
    return Binned(reference=dense[: len(before)], current=dense[len(before) :], bins=len(filled))


def shares(counts: FloatArray) -> FloatArray:
    """Counts as shares with half an image added to every bin, (..., k): no bin is empty, no logarithm infinite."""
    smoothed = counts + 0.5
    share: FloatArray = smoothed / smoothed.sum(axis=-1, keepdims=True)
    return share


def p_value(divergences: Divergences, scale: float, pair: Binned, sessions: Sessions | None) -> float:
    """How often chance alone gives such a divergence of two histograms.

    For independent images `scale` times the divergence tends to chi-square; where images depend on each other
    their whole sessions are dealt out anew.
    """
    before, after = pair.counts()
    observed = float(divergences(before, after))
    if sessions is None:
        return float(chi2.sf(scale * observed / pair.noise, pair.degrees))
    places = np.concatenate([pair.reference, pair.current])
    one_hot = np.eye(pair.bins)[places]
    split = split_of(len(pair.reference), len(pair.current), sessions)
    return counted_p_value(divergences, one_hot, split, observed, SEED)
