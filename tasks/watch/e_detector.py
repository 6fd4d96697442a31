"""A change detector without calibration: evidence that can be bought only with a bet against health.

Every check bets against the hypothesis that nothing has changed; under it the bets win nothing on average, so that
M(t) - t, the sum over all possible beginnings of a change, drifts nowhere. Then P(M exceeds c within T checks) is at
most T / c (Doob): the limit c = T / chance holds by theorem, whatever the number of healthy days.

Source: Shin, Ramdas & Rinaldo, E-detectors: a nonparametric framework for sequential change detection (2022);
calibrators after Vovk & Wang, E-values: calibration, combination and applications (2021).
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import log_ndtr

from tasks.watch.baseline import LEAST, SPREAD, Contexts, FloatArray, from_student

POWERS = np.array([0.2, 0.4, 0.6, 0.8])
"""Exponents k of the calibrators k * p**(k - 1) that are mixed: small ones for large changes."""

CEILING = 1.0
"""How far above its limit the evidence may rise, in powers of ten: health takes it down again."""


LARGEST = 290.0
"""Power of ten that no evidence exceeds: more cannot be multiplied further."""


def evidence(values: FloatArray, ceiling: float = math.inf) -> FloatArray:
    """log10 of the Shiryaev-Roberts e-detector after each check (T, P), both directions mixed.

    `values` (T, ...) are independent standard normal under health; nan (no check) changes nothing.
    """
    bets = np.exp(np.stack([calibrators(values), calibrators(-values)]))  # (2, K, T, ...)
    cap = 10.0 ** min(ceiling, LARGEST)
    state = np.zeros((*bets.shape[:2], *values.shape[1:]))
    found = np.empty_like(values)
    for step in range(len(values)):
        raised = np.minimum((state + 1) * bets[:, :, step], cap)
        state = np.where(np.isfinite(values[step]), raised, state)
        found[step] = state.mean(axis=(0, 1))
    powers: FloatArray = np.log10(np.maximum(found, 10.0**-LARGEST))
    return powers


def calibrators(values: FloatArray) -> FloatArray:
    """Natural logarithms of the bets (K, ...) on "too high", from the upper tail's p-value; mean of each bet: 1."""
    tail = log_ndtr(-values)
    powers = POWERS.reshape(-1, *([1] * values.ndim))
    bets: FloatArray = np.log(powers) + (powers - 1) * tail
    return bets


def limit(checks: int, properties: int, chance: float) -> float:
    """log10 of the limit that a healthy camera exceeds within so many checks, on any property, at most by chance.

    >>> round(limit(720, 1, 0.01), 3)
    4.857
    """
    return math.log10(max(checks, 1) * max(properties, 1) / chance)


def recursive(
    scores: FloatArray,
    contexts: Contexts,
    learns: FloatArray,
    widen: FloatArray,
    margin: FloatArray | float = 0.0,
) -> FloatArray:
    """Each check (T, P) held against all healthy ones of its time of day before it; nan before there are three.

    Under health these values are independent and standard normal (recursive residuals), which the theorem asks for
    and which a baseline of few days that stays would spoil. Source: Brown, Durbin & Evans, JRSS B 37 (1975).
    `learns` (T,) is 1 for checks that later ones are held against, 0 for those that belong to a known fault;
    `widen` (T, 1) enlarges the spread of checks with few scenes. Every difference is first made smaller by `margin`
    (P,): what whole days may differ by, which all checks of a day share, is no evidence.
    """
    found = np.full(scores.shape, np.nan)
    for part in np.unique(contexts).tolist():
        rows = np.flatnonzero(contexts == part)
        found[rows] = _predicted(scores[rows], learns[rows, None], widen[rows], margin)
    return found


def _predicted(scores: FloatArray, learns: FloatArray, widen: FloatArray, margin: FloatArray | float) -> FloatArray:
    used = np.isfinite(scores) * learns
    filled = np.where(np.isfinite(scores), scores, 0.0) * learns
    count, total, square = (_before(each) for each in (used, filled, filled**2))
    mean = total / np.maximum(count, 1)
    spread = np.sqrt(np.maximum(square - count * mean**2, 0) / np.maximum(count - 1, 1))
    scale = np.maximum(spread, SPREAD) * widen * np.sqrt(1 + 1 / np.maximum(count, 1))
    apart = scores - mean
    apart = np.copysign(np.maximum(np.abs(apart) - margin, 0.0), apart)
    values = from_student(apart / scale, np.maximum(count - 1, 1))
    return np.where(count >= LEAST, values, np.nan)


def _before(each: FloatArray) -> FloatArray:
    """The sum over all earlier rows."""
    return np.vstack([np.zeros_like(each[:1]), np.cumsum(each, axis=0)[:-1]])
