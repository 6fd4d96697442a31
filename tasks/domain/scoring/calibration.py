"""Whether a confidence of 0.8 is right eight times in ten: reliability bins and the expected calibration error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Real = NDArray[np.float64]

BINS = 10
"""Bins of equal width between 0 and 1."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bins:
    """Answers by confidence, in `BINS` bins: `count` (weighted), mean `confidence` and share `right`, each (10,).

    The means of an empty bin are nan. A confidence on an edge belongs to the bin below it, 0 to the first.
    """

    count: Real
    confidence: Real
    right: Real

    @property
    def error(self) -> float:
        """Expected calibration error 0..1: mean distance of confidence and share right; nan without an answer.

        Source: Guo et al., On Calibration of Modern Neural Networks (2017); for detections Küppers et al.,
        Multivariate Confidence Calibration for Object Detection (2020), in confidence alone.
        """
        used = self.count > 0
        if not used.any():
            return float("nan")
        return float(np.average(np.abs(self.right - self.confidence)[used], weights=self.count[used]))


def bins_of(confidence: NDArray[np.floating], right: NDArray[np.bool_], weights: Real) -> Bins:
    """Bins of answers with a confidence (n,), whether each is right (n,), and what it counts (n,); nan is left out.

    >>> found = bins_of(np.array([0.9, 0.9, 0.1]), np.array([True, False, False]), np.ones(3))
    >>> round(found.error, 3)
    0.3
    """
    known = np.isfinite(confidence)
    sure, weight = confidence[known].astype(np.float64), weights[known]
    place = np.clip(np.ceil(sure * BINS).astype(np.int64) - 1, 0, BINS - 1)
    count, confident, correct = (
        np.asarray(np.bincount(place, weight * value, minlength=BINS), np.float64)
        for value in (np.ones(len(sure)), sure, right[known])
    )
    means = [np.divide(part, count, out=np.full(BINS, np.nan), where=count > 0) for part in (confident, correct)]
    return Bins(count=count, confidence=means[0], right=means[1])
