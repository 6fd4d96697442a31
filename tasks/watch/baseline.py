"""What is normal for one camera at one time of day, learnt from healthy checks; and a check held against it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Contexts = NDArray[np.int64]

LEAST = 3
"""Healthy checks of a time of day below which nothing is normal there."""

SPREAD = 1e-3
"""Least standard deviation between checks: a property that never moved must not turn rounding into an alarm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """Mean, standard deviation and number of healthy checks, (..., C, P) each; nan where they are too few."""

    mean: FloatArray
    sd: FloatArray
    count: FloatArray


def baseline(scores: FloatArray, contexts: Contexts, size: int) -> Baseline:
    """The baseline of healthy checks: scores (..., T, P) with nan for none, contexts (T,) below `size`.

    The spread between checks takes in what makes scenes of one check alike, which their number alone would miss.
    """
    parts = [_moments(scores[..., contexts == part, :]) for part in range(size)]
    mean, sd, count = (np.stack(each, axis=-2) for each in zip(*parts, strict=True))
    return Baseline(mean=mean, sd=sd, count=count)


def _moments(scores: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    there = np.isfinite(scores)
    count = there.sum(axis=-2).astype(np.float64)
    filled = np.where(there, scores, 0.0)
    enough = count >= LEAST
    mean = np.where(enough, filled.sum(axis=-2) / np.maximum(count, 1), np.nan)
    square = np.where(there, (filled - np.where(enough, mean, 0.0)[..., None, :]) ** 2, 0.0).sum(axis=-2)
    sd = np.where(enough, np.maximum(np.sqrt(square / np.maximum(count - 1, 1)), SPREAD), np.nan)
    return mean, sd, count


def standardised(
    scores: FloatArray, contexts: Contexts, known: Baseline, widen: FloatArray | float = 1.0
) -> FloatArray:
    """Checks (..., T, P) as standard normal values under health, whatever the number of healthy checks was.

    The error of the baseline itself is counted (the factor sqrt(1 + 1/n)), and Student's t becomes normal by
    Wallace's formula (Annals of Mathematical Statistics 30, 1959), within 0.05. `widen` enlarges the spread of
    checks that had fewer scenes than usual.
    """
    mean, sd, count = (each[..., contexts, :] for each in (known.mean, known.sd, known.count))
    spread = sd * widen * np.sqrt(1 + 1 / np.maximum(count, 1))
    return from_student((scores - mean) / spread, np.maximum(count - 1, 1))


def from_student(value: FloatArray, freedom: FloatArray) -> FloatArray:
    """The standard normal value with the same probability as a value of Student's t; nan stays nan."""
    size = np.sqrt(freedom * np.log1p(value**2 / freedom)) * (8 * freedom + 1) / (8 * freedom + 3)
    return np.copysign(size, value)
