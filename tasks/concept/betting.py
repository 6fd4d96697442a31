"""Has the error risen? A bet against "no" that may be looked at after every label.

Who bets fairly against a true statement multiplies his stake by 1 / alpha with chance alpha at most, whenever he
stops (Ville). So the answer may be read every day without the chance of a false alarm adding up.

Sources: Podkopaev & Ramdas, Tracking the risk of a deployed model and detecting harmful distribution shifts (2022);
Waudby-Smith & Ramdas, Estimating means of bounded random variables by betting, JRSS B 86 (2024).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

Samples = NDArray[np.float64]

MEMORIES = (10.0, 40.0, math.inf)
"""How many losses back a bettor remembers; the stake is divided among them, so that a late change is seen too."""

DARE = 0.5
"""Largest part of the stake that one loss may cost."""

AHEAD, VARIED = 0.05, 0.05
"""How far above the limit a bettor expects losses, and how much they vary, before he has seen one."""

FEWEST = 3
"""Losses, with the one that is added, below which no bound is given."""


def capital(losses: Sequence[float] | Samples, limit: float) -> Samples:
    """Natural logarithm of the stake after each loss (t,), beginning with 1: a bet that the mean lies above `limit`.

    Args:
        losses: Numbers in 0..1 in the order in which they became known; each one's expectation, given those before,
            is at most `limit` when the bet is fair.
        limit: 0..1, exclusive of both; at 1 nothing can be won.
    """
    values = np.asarray(losses, np.float64)
    if not len(values):
        return np.zeros(0)
    each = np.stack([np.cumsum(np.log1p(_bets(values, limit, memory) * (values - limit))) for memory in MEMORIES])
    top = each.max(0)
    shared: Samples = top + np.log(np.exp(each - top).mean(0))
    return shared


def upper_bound(losses: Sequence[float] | Samples, alpha: float) -> float:
    """What the mean of these losses lies below, with chance 1 - alpha about; 1 with fewer than two.

    Student's bound for a sample whose size was fixed before. One loss of 1/2 is added, so that a sample without an
    error does not promise that there is none. That it holds for errors of detectors: `benchmarks/RESULTS.md`; a
    bound that holds for every distribution (betting) is several times wider with 20 sessions.
    """
    n = len(losses) + 1
    if n < FEWEST:
        return 1.0
    values = np.append(np.asarray(losses, np.float64), 0.5)
    reach = float(stdtrit(n - 1, 1 - alpha)) * float(values.std(ddof=1)) / math.sqrt(n)
    return min(float(values.mean()) + reach, 1.0)


def _bets(values: Samples, limit: float, memory: float) -> Samples:
    """What is staked on each loss, known before it: large where the losses before it lay far above the limit.

    Source: the approximate GRAPA bet of Waudby-Smith & Ramdas (2024), with losses of long ago forgotten.
    """
    fade = 0.0 if math.isinf(memory) else 1 / memory
    mean, weight = limit + AHEAD, 1.0
    square = mean * mean + VARIED
    found = np.empty(len(values))
    for row, value in enumerate(values.tolist()):
        ahead = mean - limit
        spread = max(square - mean * mean, 1e-4)
        found[row] = min(max(ahead / (spread + ahead * ahead), 0.0), DARE / limit) if limit > 0 else 0.0
        weight = weight * (1 - fade) + 1
        mean += (value - mean) / weight
        square += (value * value - square) / weight
    return found
