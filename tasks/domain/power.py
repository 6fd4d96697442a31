"""How many labelled images show a fall of so much, and what so many can show: by simulation, session by session.

Sets are drawn from images that were scored before. Frames of one session are alike, so whole sessions are drawn: a set
of ten sessions with twenty frames each says less than two hundred frames of their own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float64]

TREND, GATE, INSTANCES = 100, 200, 30
"""Labelled images before a trend is drawn, before a gate is asked, and objects of a class before that class is judged.

Source: the sampling error of mAP50 in simulation (2,000 images, 5 classes): 1.6 points of standard deviation at 100
images, 1.2 at 200; a paired difference 1.15 at 200.
"""

TAIL = 0.05
"""Chance of a one-sided false alarm."""

BOTH = 1.96
"""Half of a 95 % interval, in standard errors."""

REPEATS = 4_000
CAP = 100_000
TWO = 2
"""Simulated sets of each size, the largest size that is tried, and the number of sides of a difference."""

USUAL, USUAL_PAIRED = 0.17, 0.163
"""Standard deviation of one image's score, and of the difference of two versions on one image, where none is known:
they give the errors of the source above (0.17 / sqrt(200) = 0.012, 0.163 / sqrt(200) = 0.0115)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Scores that sets are drawn from, centred at 0, with the session of each; `paired`: differences of two versions.

    `design` is by how much whole sessions widen the variance of a mean: 1 where frames are independent.
    """

    scores: Samples
    sessions: NDArray[np.int64]
    paired: bool
    known: bool

    @property
    def design(self) -> float:
        """The variance of a mean over sessions as a multiple of that over independent images, at least 1.

        Source: Kish, Survey Sampling (1965).
        """
        n = len(self.scores)
        plain = float((self.scores**2).sum())
        if n < 2 or plain == 0:
            return 1.0
        sums = np.bincount(self.sessions, weights=self.scores)
        return max(float((sums**2).sum()) / plain, 1.0)

    @property
    def deviation(self) -> float:
        """Standard deviation of one score."""
        return float(np.sqrt((self.scores**2).mean())) if len(self.scores) else 0.0


def pool(scores: Sequence[float], sessions: Sequence[str] = (), paired: bool = False) -> Pool:
    """The pool of known scores; without sessions every image is its own. Fewer than `TREND` give the usual ones."""
    values = np.asarray(scores, np.float64)
    if len(values) < TREND or not np.isfinite(values).all() or float(values.std()) == 0:
        return usual(paired)
    names = sessions if len(sessions) == len(values) else [str(n) for n in range(len(values))]
    _, index = np.unique(np.asarray(names, dtype=str), return_inverse=True)
    return Pool(scores=values - values.mean(), sessions=index.astype(np.int64), paired=paired, known=True)


def measured(half: float, n: int) -> Pool:
    """The pool of a number that is no mean of images (mAP), from half of its 95 % interval on n images.

    The interval was drawn session by session, so that sessions are in it already.
    """
    grid = _normal()
    return Pool(scores=grid * half / BOTH * math.sqrt(n), sessions=np.arange(len(grid)), paired=False, known=True)


def usual(paired: bool) -> Pool:
    """Normal scores of the spread that detectors usually have; nothing is known of sessions."""
    grid, spread = _normal(), USUAL_PAIRED if paired else USUAL
    return Pool(scores=grid * spread, sessions=np.arange(len(grid)), paired=paired, known=False)


def _normal() -> Samples:
    """A thousand values of mean 0 and standard deviation 1 that lie as normal ones do."""
    grid = np.array([NormalDist().inv_cdf((n + 0.5) / 1000) for n in range(1000)])
    return np.asarray(grid / grid.std())


def power(drawn: Samples, fall: float) -> float:
    """Chance that a one-sided test at 5 % sees the fall, given simulated errors of what is measured, (r,)."""
    limit = float(np.quantile(drawn, TAIL))
    return float((drawn - fall < limit).mean())


def errors(source: Pool, n: int, sides: int = 1, seed: int = 0) -> Samples:
    """Simulated errors (r,) of a mean over n images, or (`sides` 2) of the difference of two such means.

    Sessions are drawn with replacement until the set is full.
    """
    rng = np.random.default_rng((seed, n))
    found = _means(source, n, rng)
    return found - _means(source, n, rng) if sides == TWO else found


def needed(source: Pool, fall: float, wanted: float = 0.8, sides: int = 1) -> int | None:
    """The least number of labelled images that shows the fall with the wanted chance; None when `CAP` does not.

    Args:
        source: What sets are drawn from.
        fall: 0..1, in the unit of the scores.
        wanted: Chance of seeing it.
        sides: 2 when the fall is the difference of two sets of so many images each; 1 for pairs, or against a limit.
    """
    high = 8
    while power(errors(source, high, sides), fall) < wanted:
        if high >= CAP:
            return None
        high = min(high * 2, CAP)
    low = high // 2
    while high - low > max(high // 50, 1):
        middle = (low + high) // 2
        enough = power(errors(source, middle, sides), fall) >= wanted
        low, high = (low, middle) if enough else (middle, high)
    return high


def shows(source: Pool, n: int, wanted: float = 0.8, sides: int = 1) -> float:
    """The least fall that n labelled images show with the wanted chance."""
    drawn = errors(source, n, sides)
    return float(np.quantile(drawn, wanted) - np.quantile(drawn, TAIL))


def more_needed(n: int, half: float, distance: float) -> int | None:
    """Labelled images that are missing until an interval is narrower than a distance; None when beyond `CAP`.

    Widths fall with the root of the number. `half` is half the interval's width with n images.

    >>> more_needed(100, 0.04, 0.02)
    300
    """
    if distance <= 0 or half / distance > (CAP / max(n, 1)) ** 0.5:
        return None
    return max(math.ceil(n * (half / distance) ** 2) - n, 1)


def _means(source: Pool, n: int, rng: np.random.Generator) -> Samples:
    """(r,) means over about n images of whole sessions; by the central limit theorem where sessions are many."""
    sums = np.bincount(source.sessions, weights=source.scores)
    counts = np.bincount(source.sessions)
    draws = max(round(n / float(counts.mean())), 1)
    if draws > len(sums) * 4 or draws * REPEATS > 4_000_000:
        spread = source.deviation * float(np.sqrt(source.design / n))
        return np.asarray(rng.normal(0.0, spread, REPEATS))
    picked = rng.integers(0, len(sums), (REPEATS, draws))
    return np.asarray(sums[picked].sum(1) / counts[picked].sum(1))
