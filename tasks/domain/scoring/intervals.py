"""What chance alone would do to a number: random halves of the sessions, camera by camera.

Frames of one session are not independent, so whole sessions are drawn, and from each camera half of those it has.
Matching predictions to labels happens once; a draw is a vector of weights (how often each image was drawn), and a
score is computed from weights. Halves tell two things. They differ from each other as much as whole sets differ from
the next ones. And they score higher on the average than the whole set does, as that scores higher than an endless one
would: the precision of average precision is the best from some recall on, and the best of few is too good.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from tasks.domain.evaluation import Interval

Weights = NDArray[np.int64] | NDArray[np.float64]
Samples = NDArray[np.float64]

DRAWS = 1_000
"""Bootstrap draws: the 5 % quantile then rests on 50 of them."""

MIN_SESSIONS = 5
"""With fewer sessions drawing them says nothing about other sessions: no interval is given."""

ENDLESS = 1 / (2 ** (2 / 3) - 1)
"""What is left from the whole set to an endless one, in steps from a half to the whole: 1.70.

The gap between a noisy curve and its envelope falls with n to the power of -2/3 (Kiefer and Wolfowitz, Asymptotically
minimax estimation of concave and convex distribution functions, 1976, up to logarithms).
"""

WIDER = 1.08
"""What the spread is multiplied by for that correction, which is itself a guess; `benchmarks/interval_coverage.py`."""

DEFINED = 0.6
"""Share of draws in which a number must exist: a class that a single session has is in half of them."""

_NORMAL = NormalDist()


def session_weights(
    sessions: Sequence[str], draws: int = DRAWS, seed: int = 0, cameras: Sequence[str] = ()
) -> NDArray[np.int64]:
    """(draws, n) int64: how often each of the n images was drawn when half of the sessions is drawn twice over.

    With `cameras` (one per image) every camera gives as many sessions as it has; a camera of a single session is
    drawn together with the other ones of that kind, as nothing else can be said of it. The weights of a camera's
    sessions have mean 1 and variance 1, so the draws of a mean spread as the mean itself does, however few there are:
    drawing with replacement spreads too little, by half with two sessions per camera. The same sessions in the same
    order with the same seed give the same weights, which is what makes a comparison of two models paired. No image
    gives (draws, 0).

    Source: Saigo, Shao and Sitter, A repeated half-sample bootstrap (2001).
    """
    result = np.zeros((draws, len(sessions)), np.int64)
    source = np.random.default_rng(seed)
    for images in _strata(sessions, cameras):
        _, index = np.unique(np.asarray(sessions, dtype=str)[images], return_inverse=True)
        result[:, images] = _halves(int(index.max()) + 1, draws, source)[:, index]
    return result


def freedom(sessions: Sequence[str], cameras: Sequence[str] = ()) -> float:
    """How many sessions are free to differ: all of them less one per stratum that `session_weights` draws from.

    Sessions of very unequal size count for fewer: where one has half of the images, the others hardly tell how far a
    score may move. At least 1 where any is free, else 0.

    Source: Kish, Survey Sampling (1965), for how many equal sessions would say as much.
    """
    whole = len(set(sessions)) - len(_strata(sessions, cameras))
    return max(1.0, whole * equal(sessions) / len(set(sessions))) if whole > 0 else 0.0


def equal(sessions: Sequence[str]) -> float:
    """How many sessions of equal size would say as much as these: (sum of sizes)² / sum of (sizes²); 0 of none.

    >>> equal(["a", "b", "c"]), equal(["a", "a", "a", "b"])
    (3.0, 1.6)
    """
    sizes = np.unique(np.asarray(sessions, dtype=str), return_counts=True)[1]
    return float(sizes.sum() ** 2 / (sizes**2).sum()) if len(sizes) else 0.0


def bounds(point: float, samples: Samples, free: float, tail: float = 0.025) -> tuple[float, float]:
    """The lower and upper bound of any number, a difference too, that leave `tail` outside on each side.

    Student's t with `free` degrees of freedom (see `freedom`) times the spread of the draws of `session_weights`,
    around the point less its bias. Draws in which the score is undefined (nan: no labelled object was drawn) are left
    out. (nan, nan) where too few are left or no session is free to differ.
    """
    centre, error = _centre(point, samples, free)
    reach = student(free, tail) * error if free > 0 else math.nan
    if not math.isfinite(centre + reach):
        return math.nan, math.nan
    return min(point, centre - reach), max(point, centre + reach)


def interval(
    point: float,
    samples: Samples,
    sessions: Sequence[str],
    cameras: Sequence[str] = (),
    weights: Weights | None = None,
) -> Interval:
    """A score from 0 to 1 with its 95 % interval; bounds are nan with fewer than `MIN_SESSIONS` sessions.

    Wilson's interval for as many independent images as would spread as much: it never leaves 0 to 1, and where
    nothing at all was wrong, each session counts as one. With the `weights` (b, n) of the draws the bound reaches
    further on the side on which a few sessions are far off: the next set may hold more of them. What no session of the
    set shows is in no interval: of failures on one image in twenty, 50 images may hold none or one. And where
    classes have fewer than about five objects, their average precision is higher still than is taken off here.

    Source: Dean and Pagano, Evaluating confidence interval methods for binomial proportions in clustered surveys
    (2015).
    """
    groups, free = len(set(sessions)), freedom(sessions, cameras)
    centre, error = _centre(point, samples, free) if groups >= MIN_SESSIONS else (math.nan, math.nan)
    if not math.isfinite(centre + error):
        return Interval(value=point, low=math.nan, high=math.nan)
    centre = min(max(centre, 0.0), 1.0)
    each, t = point * (1 - point), student(free, 0.025)
    worth = t**2 * (error**2 / each if each > 0 and error > 0 else 1 / equal(sessions))
    low, high = wilson(centre, worth)
    if weights is not None and error > 0:
        off = -error * lean(samples, weights, sessions) * (1 + 2 * t**2) / 6
        further = _beyond(off, worth / 2 * (2 * point - 1))
        moved = wilson(min(max(centre - further, 0.0), 1.0), worth)
        low, high = min(low, moved[0]), max(high, moved[1])
    return Interval(value=point, low=min(point, low), high=max(point, high))


def lean(samples: Samples, weights: Weights, sessions: Sequence[str]) -> float:
    """Skewness of a score: below 0 where a few sessions pull it down further than any pulls it up.

    What a session does to the score is how the draws (b,) move with its own weight (b, n). Halves themselves are drawn
    evenly, so that their spread shows nothing of it. 0 where nothing spreads.

    Source: Johnson, Modified t tests and confidence intervals for asymmetrical populations (1978); Hall, The bootstrap
    and Edgeworth expansion (1992), for (1 + 2 t²) / 6.
    """
    usable = np.isfinite(samples)
    first = np.unique(np.asarray(sessions, dtype=str), return_index=True)[1]
    off = samples[usable] - samples[usable].mean()
    spread = float((off**2).mean())
    if spread <= 0:
        return 0.0
    pull = off @ (weights[usable][:, first] - 1.0) / len(off)
    return float((pull**3).sum() / spread**1.5)


def _beyond(wanted: float, given: float) -> float:
    """How much of what is wanted, to either side, is not given anyway."""
    return max(wanted - max(given, 0.0), 0.0) if wanted > 0 else min(wanted - min(given, 0.0), 0.0)


def wilson(centre: float, worth: float) -> tuple[float, float]:
    """The bounds, 0..1, of a share that was found to be `centre`; never equal while `worth` is above 0.

    `worth` is the square of Student's t over the number of independent images.

    Source: Wilson, Probable inference, the law of succession, and statistical inference (1927).

    >>> [round(bound, 3) for bound in wilson(1.0, 1.96**2 / 100)]
    [0.963, 1.0]
    """
    middle = (centre + worth / 2) / (1 + worth)
    reach = math.sqrt(worth * centre * (1 - centre) + worth**2 / 4) / (1 + worth)
    return max(0.0, middle - reach), min(1.0, middle + reach)


def _centre(point: float, samples: Samples, free: float) -> tuple[float, float]:
    """The point less its bias, and its standard error; nan where they cannot be known."""
    usable = samples[np.isfinite(samples)]
    if not math.isfinite(point) or len(usable) < max(2, DEFINED * len(samples)) or free < 1:
        return math.nan, math.nan
    return point - ENDLESS * (float(usable.mean()) - point), WIDER * float(usable.std())


def student(free: float, tail: float) -> float:
    """The point that Student's t with `free` degrees of freedom exceeds with probability `tail`; within 1 % from 3.

    Source: Cornish and Fisher's expansion, Abramowitz and Stegun 26.7.5.

    >>> round(student(10, 0.025), 2)
    2.23
    """
    z = -_NORMAL.inv_cdf(tail)
    terms = (
        z,
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
    )
    return math.fsum(term / free**power for power, term in enumerate(terms))


def _strata(sessions: Sequence[str], cameras: Sequence[str]) -> list[NDArray[np.int64]]:
    """Places of the images of every camera; cameras with a single session are one stratum together."""
    if not len(sessions):
        return []
    named = np.asarray(cameras if len(cameras) else [""] * len(sessions), dtype=str)
    groups = np.asarray(sessions, dtype=str)
    alone = [camera for camera in np.unique(named) if len(np.unique(groups[named == camera])) < 2]
    single = np.isin(named, alone)
    found = [np.flatnonzero(named == camera) for camera in np.unique(named[~single])]
    if single.any():
        found = [*found, np.flatnonzero(single)]
    return [each.astype(np.int64) for each in found]


def _halves(groups: int, draws: int, source: np.random.Generator) -> NDArray[np.int64]:
    """(draws, groups) weights of the sessions of one stratum, in any order alike.

    Half of them twice. Of an odd number one more is kept once, and in every fourth draw it comes thrice instead of one
    that would come twice: only then is the variance 1.
    """
    weights = np.zeros((draws, groups), np.int64)
    weights[:, : groups // 2] = 2
    if groups % 2:
        weights[:, groups // 2] = 1
        if groups > 1:
            thrice = np.arange(draws) % 4 == 3
            weights[thrice, 0], weights[thrice, groups // 2] = 3, 0
    return source.permuted(weights, axis=1)
