"""How large a change is, in units that do not depend on the property or on the number of images."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import ndtri

from tasks.drift.detector import FloatArray


def normal_scores(reference: FloatArray, values: FloatArray) -> FloatArray:
    """Each value's mid-rank in the reference as a standard normal score; (n,) for (m,) and (n,).

    Robust against tails and ties: a value beyond everything in the reference gets the score of half a rank
    beyond the last, about 2.6 for m = 100 and 3.3 for m = 1,000. Source: van der Waerden scores.
    """
    ordered = np.sort(reference)
    below = np.searchsorted(ordered, values, side="left")
    up_to = np.searchsorted(ordered, values, side="right")
    share = (below + up_to) / (2 * len(ordered))
    edge = 0.5 / len(ordered)
    scores: FloatArray = ndtri(np.clip(share, edge, 1 - edge))
    return scores


def normal_score_shift(reference: FloatArray, current: FloatArray) -> float:
    """Mean normal score of the current values: about Cohen's d, signed; 0 for identical samples, nan for none."""
    if not len(reference) or not len(current):
        return math.nan
    return float(normal_scores(reference, current).mean())


def gap_as_shift(gap: float) -> float:
    """The shift of a normal distribution, in standard deviations, that opens this gap between two distributions.

    `gap` 0..1 is the Kolmogorov-Smirnov distance. It lets a change of spread be held against the same limit
    as a change of mean.

    >>> round(gap_as_shift(0.0995), 2)
    0.25
    """
    return float(2 * ndtri(min((1 + gap) / 2, 1 - 1e-9)))


def rate_difference(before: float, after: float) -> float:
    """Cohen's h of two shares (0..1), signed: the difference after the arcsine transform, comparable to d.

    Source: Cohen, Statistical Power Analysis for the Behavioral Sciences (1988), chapter 6.

    >>> round(rate_difference(0.5, 0.622), 2)
    0.25
    """
    return 2 * math.asin(math.sqrt(after)) - 2 * math.asin(math.sqrt(before))


_LOGARITHMS = frozenset({"sharpness", "fine_detail", "grain", "relative_contrast"})
_SIGNED = frozenset({"gradient_x", "gradient_y"})


def describe(subject: str, before: float, after: float) -> str:
    """The change of a mean in words that need no statistics; a logarithm's own values would say nothing to anybody.

    >>> describe("brightness", 142.0, 55.38), describe("sharpness", 6.1, 5.2)
    ('fell 61 % (142 → 55.4)', 'fell 59 %')
    """
    verb = "rose" if after >= before else "fell"
    if subject in _SIGNED or (subject not in _LOGARITHMS and before <= 1e-9):
        return f"{verb} by {abs(after - before):.3g} ({before:.3g} → {after:.3g})"
    ratio = math.exp(min(after - before, 50.0)) if subject in _LOGARITHMS else after / before
    size = f"{ratio:.3g}-fold" if ratio >= 3 else f"{100 * abs(ratio - 1):.0f} %"
    return f"{verb} {size}" if subject in _LOGARITHMS else f"{verb} {size} ({before:.3g} → {after:.3g})"


def describe_rate(before: float, after: float) -> str:
    """The change of a share in words.

    >>> describe_rate(0.02, 0.31)
    'rose from 2 % to 31 %'
    """
    return f"{'rose' if after >= before else 'fell'} from {100 * before:.3g} % to {100 * after:.3g} %"
