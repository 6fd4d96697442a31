"""A mean from few labels and many guesses: the guesses make the interval narrower, the labels keep it honest.

Of all images of a window something is seen, of some of them more; a random few were labelled and have the score itself.
What is seen gives every image a guess of its score. The estimate is the mean of the labelled scores, corrected by how
far guesses of the labelled images lie from those of all. Wrong guesses cost width, never truth; where they would cost
width they are switched off.

Sources: Angelopoulos, Duchi and Zrnic, PPI++: Efficient prediction-powered inference (2023); Zrnic and Candes,
Cross-prediction-powered inference (2024); Horvitz and Thompson (1952) for images with different chances; Cochran,
Sampling Techniques (1977), chapters 5A, 6 and 12 for strata, ratios and samples of samples.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import lsq_linear

from tasks.domain.evaluation import Interval
from tasks.estimate.bounded import Share, independent, interval
from tasks.estimate.crossed import crossed
from tasks.estimate.sheet import Numbers, Rows, Seen, Sheet

LEAST = 20
"""Labelled images below which no interval is given: a standard deviation of fewer is a guess itself."""

STRATUM = 10
"""Labelled images that a stratum needs to count by itself; smaller ones are thrown together."""


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


def mean_of(scores: Numbers, sheet: Sheet, seen: Sequence[Seen] = ()) -> FewLabels | None:
    """The mean score of all images; `scores` (n,) belongs to the labelled rows. None with fewer than `LEAST` of them.

    `seen` is ordered from what is seen of most images to what is seen of the fewest, each a part of the one before.

    >>> rng = np.random.default_rng(0)
    >>> truth = rng.normal(0.8, 0.1, 1100)
    >>> hint = Seen(rows=np.arange(1100), values=truth[:, None] + rng.normal(0, 0.05, (1100, 1)))
    >>> found = mean_of(truth[:100], Sheet(size=1100, labelled=np.arange(100)), [hint])
    >>> found.interval.low < 0.8 < found.interval.high, found.gain > 0.3
    (True, True)
    """
    bounded = bool(((scores >= 0) & (scores <= 1)).all())
    return _estimated(scores, sheet, seen, sheet.label_weight() if bounded else None)


def _estimated(scores: Numbers, sheet: Sheet, seen: Sequence[Seen], heft: Numbers | None) -> FewLabels | None:
    """The mean; with `heft` (n,), how much each label says of it, one that lies in 0..1."""
    if sheet.n < LEAST:
        return None
    plan = _plan(sheet)
    mean, drawn = _mean(sheet.labelled, scores, sheet.label_weight(), plan)
    tried = [_step(scores, plan, each, after) for each, after in zip(seen, [*seen[1:], None], strict=False)]
    steps = [step for step in tried if step is not None]
    trusts = _trusts(drawn, [step[1] for step in steps], sheet.n)
    session = plan.session[sheet.labelled]
    share = None if heft is None else Share(alone=mean, images=independent(heft, session))
    freedom = len(np.unique(session)) - len(plan.cells)
    value = mean - sum(trust * step[0] for trust, step in zip(trusts, steps, strict=True))
    left = drawn - sum(trust * step[1] for trust, step in zip(trusts, steps, strict=True))
    return FewLabels(
        interval=interval(value, float(np.linalg.norm(left)), freedom - sum(trust > 0 for trust in trusts), share),
        alone=interval(mean, float(np.linalg.norm(drawn)), freedom, share),
        trust=max(trusts, default=0.0),
        n=sheet.n,
        pool=sheet.size - sheet.n,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Parts:
    """Numerator and denominator of a ratio, image by image: (n,) each, such as hits and boxes for precision."""

    top: Numbers
    bottom: Numbers


def ratio_of(found: Parts, sheet: Sheet, seen: Sequence[Seen] = ()) -> FewLabels | None:
    """A ratio of two totals from 0 to 1 (precision: hits of all boxes), linearised.

    None with too few labelled images or when nothing was counted in the denominator.

    Source: Cochran (1977), chapter 6: `r + (top - r * bottom) / mean(bottom)` has the ratio's mean and variance.
    """
    weight = sheet.label_weight()
    total = float(weight @ found.bottom)
    if sheet.n < LEAST or total <= 0:
        return None
    ratio = float(weight @ found.top) / total
    linear = ratio + (found.top - ratio * found.bottom) / (total / sheet.n)
    return _estimated(linear, sheet, seen, weight * found.bottom)


def needed(spread: float, half_width: float, correlation: float = 0.0) -> int:
    """Random labelled images for an interval of so much to either side; `spread` is the scores' standard deviation.

    >>> needed(0.15, 0.03), needed(0.15, 0.03, 0.6)
    (97, 62)
    """
    return max(LEAST, math.ceil((1.96 / half_width) ** 2 * spread**2 * (1 - correlation**2)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Plan:
    """The sheet with its strata (which rows are in each, and its share of all) and sessions by number (N,)."""

    sheet: Sheet
    cells: Sequence[tuple[NDArray[np.bool_], float]]
    session: Rows


def _plan(sheet: Sheet) -> _Plan:
    """The strata with enough labelled images; the others together are one, joined to the smallest when still small."""
    names = np.asarray(sheet.strata if len(sheet.strata) else [""] * sheet.size, dtype=str)
    ours, counts = np.unique(names[sheet.labelled], return_counts=True)
    big = [str(name) for name, count in zip(ours, counts, strict=True) if count >= STRATUM]
    few = int(np.sum(~np.isin(names[sheet.labelled], big)))
    if big and few < STRATUM and bool(np.any(~np.isin(names, big))):
        big.remove(min(big, key=lambda name: (int((names[sheet.labelled] == name).sum()), name)))
    masks = [names == name for name in big]
    rest = ~np.isin(names, big)
    masks += [rest] if rest[sheet.labelled].any() else []
    sizes = [float(sheet.weight()[mask].sum()) for mask in masks]
    cells = [(mask, size / sum(sizes)) for mask, size in zip(masks, sizes, strict=True)]
    session = np.arange(sheet.size)
    if len(sheet.sessions):
        session = np.unique(np.asarray(sheet.sessions, dtype=str), return_inverse=True)[1]
    return _Plan(sheet=sheet, cells=cells, session=session)


Part = tuple[float, Numbers]
"""A number that is added to a mean, and what each session did to it: their squares add up to its variance."""


def _step(scores: Numbers, plan: _Plan, seen: Seen, narrower: Seen | None) -> Part | None:
    """How far the guesses of the next smaller sample lie above those of this one, which is chance alone.

    None where labelled images of a stratum are missing in either of them.
    """
    sheet, place = plan.sheet, np.full(plan.sheet.size, -1, np.intp)
    place[seen.rows] = np.arange(len(seen.rows))
    both = place[sheet.labelled] >= 0
    ours, weights = sheet.labelled[both], sheet.label_weight()[both]
    inner = (ours, weights) if narrower is None else (narrower.rows, narrower.weight(sheet))
    enough = all(inside[rows].sum() >= 2 for inside, _ in plan.cells for rows in (ours, inner[0]))
    if both.sum() < LEAST or not enough:
        return None
    guesses = crossed(scores[both], place[ours], seen.values, weights, plan.session[ours])
    few = _mean(inner[0], guesses[place[inner[0]]], inner[1], plan)
    wide = _mean(seen.rows, guesses, seen.weight(sheet), plan)
    return few[0] - wide[0], few[1] - wide[1]


def _mean(rows: Rows, values: Numbers, weights: Numbers, plan: _Plan) -> Part:
    """The mean of these rows, stratum by stratum, and what each session did to it."""
    value, done = 0.0, np.zeros(plan.sheet.size)
    for inside, size in plan.cells:
        mine = inside[rows]
        share = weights[mine] / weights[mine].sum()
        middle = float(share @ values[mine])
        groups = len(np.unique(plan.session[rows[mine]]))
        value += size * middle
        done[rows[mine]] += size * share * (values[mine] - middle) * math.sqrt(groups / max(groups - 1, 1))
    return value, np.asarray(np.bincount(plan.session, weights=done), np.float64)


def _trusts(drawn: Numbers, steps: Sequence[Numbers], n: int) -> list[float]:
    """How much each kind of guess counts, 0..1: what makes the interval narrowest; 0 where they do not help."""
    if not steps:
        return []
    found = np.clip(lsq_linear(np.stack(steps, 1), drawn, (0, 1)).x, 0, 1)
    left = float(((drawn - np.stack(steps, 1) @ found) ** 2).sum())
    helps = left < (1 - 1 / max(n - 2, 1)) * float((drawn**2).sum())
    return [float(each) if helps and each > 1e-9 else 0.0 for each in found]
