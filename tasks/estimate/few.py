"""A mean from few labels and many guesses: the guesses make the interval narrower, the labels keep it honest.

Every image of the pool has a guess of its score (the model's calibrated opinion of itself); a random few were labelled
and have the score itself. The estimate is the guesses' mean over all, corrected by how wrong they are on the few. Wrong
guesses cost width, never truth; where they would cost width they are switched off.

Sources: Angelopoulos, Duchi and Zrnic, PPI++: Efficient prediction-powered inference (2023); Horvitz and Thompson
(1952) for images with different chances; Cochran, Sampling Techniques (1977), chapters 5A and 6 for strata and ratios.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from tasks.domain.evaluation import Interval

Numbers = NDArray[np.float64]

LEAST = 20
"""Labelled images below which no interval is given: a standard deviation of fewer is a guess itself."""

STRATUM = 10
"""Labelled images that a stratum needs to count by itself; smaller ones are thrown together."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Side:
    """The labelled few, or the pool: (n,) guesses, the weight of each image, its stratum and its session.

    A weight is one over the chance that the image had to be here; empty: all alike. Frames of one `session` are not
    independent; empty: every image is one of its own. A labelled image belongs to the labelled side alone.
    """

    guesses: Numbers
    weights: Numbers = field(default_factory=lambda: np.zeros(0))
    strata: Sequence[str] = ()
    sessions: Sequence[str] = ()

    @property
    def n(self) -> int:
        """How many images."""
        return len(self.guesses)

    def weight(self) -> Numbers:
        """(n,) weights that are 1 on average."""
        given = self.weights if len(self.weights) else np.ones(self.n)
        return np.asarray(given / given.mean() if len(given) else given, np.float64)


@dataclass(frozen=True, slots=True, kw_only=True)
class FewLabels:
    """The mean score with its 95 % interval; `trust` (0..1) is how much the guesses count, 0 is labels alone.

    `alone` is the interval that the labels give without any guess, `n` counts labelled images, `pool` the others.
    """

    interval: Interval
    alone: Interval
    trust: float
    n: int
    pool: int

    @property
    def half_width(self) -> float:
        """Half the width of the interval, in the score's unit."""
        return (self.interval.high - self.interval.low) / 2

    @property
    def gain(self) -> float:
        """How much narrower than with labels alone, as a share of that; 0 without guesses."""
        alone = self.alone.high - self.alone.low
        return 1 - 2 * self.half_width / alone if alone > 0 else 0.0


def mean_of(scores: Numbers, few: Side, pool: Side) -> FewLabels | None:
    """The mean score of all images; `scores` (n,) belongs to `few`. None with fewer than `LEAST` labelled images.

    >>> rng = np.random.default_rng(0)
    >>> truth = rng.normal(0.8, 0.1, 1100)
    >>> guess = truth + rng.normal(0, 0.05, 1100)
    >>> found = mean_of(truth[:100], Side(guesses=guess[:100]), Side(guesses=guess[100:]))
    >>> found.interval.low < 0.8 < found.interval.high, found.gain > 0.3
    (True, True)
    """
    if few.n < LEAST:
        return None
    cells = _cells(few, pool)
    trust = _trust(scores, few, pool, cells)
    bounded = bool(((scores >= 0) & (scores <= 1)).all())
    return FewLabels(
        interval=_interval(scores, few, pool, (cells, trust), bounded),
        alone=_interval(scores, few, pool, (cells, 0.0), bounded),
        trust=trust,
        n=few.n,
        pool=pool.n,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Parts:
    """Numerator and denominator of a ratio, image by image: (n,) each, such as hits and boxes for precision."""

    top: Numbers
    bottom: Numbers


def ratio_of(found: Parts, few: tuple[Parts, Side], pool: tuple[Parts, Side]) -> FewLabels | None:
    """A ratio of two totals (precision: hits of all boxes), linearised; `few` and `pool` hold the guessed parts.

    None with too few labelled images or when nothing was counted in the denominator. The guesses of the sides are not
    used; their weights, strata and sessions are.

    Source: Cochran (1977), chapter 6: `r + (top - r * bottom) / mean(bottom)` has the ratio's mean and variance.
    """
    if few[1].n < LEAST:
        return None
    weight = few[1].weight()
    total = float(weight @ found.bottom)
    if total <= 0:
        return None
    ratio, size = float(weight @ found.top) / total, total / few[1].n
    guess_of = float(weight @ few[0].top) / max(float(weight @ few[0].bottom), 1e-12)

    def linear(parts: Parts, value: float) -> Numbers:
        return np.asarray(ratio + (parts.top - value * parts.bottom) / size)

    sides = [_guessing(side, linear(parts, guess_of)) for parts, side in (few, pool)]
    return mean_of(linear(found, ratio), sides[0], sides[1])


def helpful(correlation: float, n: int) -> bool:
    """Whether guesses that correlate so with the scores of n labelled images make the interval narrower.

    >>> helpful(0.1, 50), helpful(0.4, 50)
    (False, True)
    """
    return n > 3 and correlation > 1 / math.sqrt(n - 2)


def needed(spread: float, half_width: float, correlation: float = 0.0) -> int:
    """Random labelled images for an interval of so much to either side; `spread` is the scores' standard deviation.

    >>> needed(0.15, 0.03), needed(0.15, 0.03, 0.6)
    (97, 62)
    """
    return max(LEAST, math.ceil((1.96 / half_width) ** 2 * spread**2 * (1 - correlation**2)))


def _guessing(side: Side, guesses: Numbers) -> Side:
    return Side(guesses=guesses, weights=side.weights, strata=side.strata, sessions=side.sessions)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Cell:
    """One stratum: which labelled and which other images are in it, and its share of all."""

    few: NDArray[np.intp]
    pool: NDArray[np.intp]
    share: float


def _cells(few: Side, pool: Side) -> list[_Cell]:
    """The strata with enough labelled images; the others together are one, joined to the smallest when still small."""
    ours, theirs = _named(few), _named(pool)
    names, counts = np.unique(ours, return_counts=True)
    big = [str(name) for name, count in zip(names, counts, strict=True) if count >= STRATUM]
    small_few = int(np.sum(~np.isin(ours, big)))
    lost = bool(np.any(~np.isin(theirs, big)))
    if big and (small_few or lost) and small_few < STRATUM:
        big.remove(min(big, key=lambda name: (int((ours == name).sum()), name)))
    masks = [(ours == name, theirs == name) for name in big]
    rest = (~np.isin(ours, big), ~np.isin(theirs, big))
    masks += [rest] if rest[0].any() else []
    weights = (few.weight(), pool.weight())
    everything = [np.concatenate([w[0][a], w[1][b]]).sum() for w, (a, b) in ((weights, mask) for mask in masks)]
    total = float(sum(everything))
    return [
        _Cell(few=np.flatnonzero(a), pool=np.flatnonzero(b), share=float(size) / total)
        for size, (a, b) in zip(everything, masks, strict=True)
    ]


def _named(side: Side) -> NDArray[np.str_]:
    return np.asarray(side.strata if len(side.strata) else [""] * side.n, dtype=str)


def _trust(scores: Numbers, few: Side, pool: Side, cells: Sequence[_Cell]) -> float:
    """How much the guesses count, 0..1: what makes the interval narrowest; 0 where they do not help."""
    if not pool.n:
        return 0.0
    weight, others = few.weight(), pool.weight()
    score, guess, more = (each.astype(np.float64).copy() for each in (scores, few.guesses, pool.guesses))
    for cell in cells:  # what strata differ by is known already: only what differs within them can help
        for values, rows, by in ((score, cell.few, weight), (guess, cell.few, weight), (more, cell.pool, others)):
            values[rows] -= np.average(values[rows], weights=by[rows]) if len(rows) else 0.0
    shared = float(np.average(score * guess, weights=weight))
    spread = float(np.average(guess**2, weights=weight))
    own = float(np.average(score**2, weights=weight))
    if spread <= 0 or own <= 0 or not helpful(shared / math.sqrt(spread * own), few.n):
        return 0.0
    everywhere = np.average(np.concatenate([guess, more]) ** 2, weights=np.concatenate([weight, others]))
    return float(np.clip(shared / ((1 + few.n / pool.n) * everywhere), 0, 1))


def _interval(scores: Numbers, few: Side, pool: Side, how: tuple[Sequence[_Cell], float], bounded: bool) -> Interval:
    cells, trust = how
    value = variance = 0.0
    for cell in cells:
        left = scores[cell.few] - trust * few.guesses[cell.few]
        mean, spread = _mean(left, few.weight()[cell.few], _sessions(few, cell.few))
        if trust and len(cell.pool):
            more, wide = _mean(trust * pool.guesses[cell.pool], pool.weight()[cell.pool], _sessions(pool, cell.pool))
            mean, spread = mean + more, spread + wide
        elif trust:
            mean += float(np.average(trust * few.guesses[cell.few], weights=few.weight()[cell.few]))
        value, variance = value + cell.share * mean, variance + cell.share**2 * spread
    groups = len(set(_sessions(few, np.arange(few.n)).tolist()))
    reach = float(student.ppf(0.975, max(groups - len(cells), 1))) * math.sqrt(variance)
    low, high = value - reach, value + reach
    return _inside(value, low, high) if bounded else Interval(value=value, low=low, high=high)


def _inside(value: float, low: float, high: float) -> Interval:
    """What lies in 0..1 has an interval within it."""
    return Interval(value=min(max(value, 0.0), 1.0), low=max(low, 0.0), high=min(high, 1.0))


def _sessions(side: Side, rows: NDArray[np.intp]) -> NDArray[np.str_]:
    names = side.sessions if len(side.sessions) else [str(n) for n in range(side.n)]
    return np.asarray(names, dtype=str)[rows]


def _mean(values: Numbers, weights: Numbers, sessions: NDArray[np.str_]) -> tuple[float, float]:
    """A weighted mean and its variance, sessions drawn as a whole; nothing else is assumed of them."""
    total = float(weights.sum())
    mean = float(weights @ values) / total
    _, place = np.unique(sessions, return_inverse=True)
    by_session = np.bincount(place, weights=weights * (values - mean))
    groups = len(by_session)
    return mean, float((by_session**2).sum()) / total**2 * groups / max(groups - 1, 1)
