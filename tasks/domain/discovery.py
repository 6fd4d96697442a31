"""Many questions asked at once: which answers to report so that only a bounded share of them is there by chance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def benjamini_hochberg(chances: Sequence[float] | Floats) -> Floats:
    """Adjusted p-values in the order given; those up to q are reported, of which at most q are there by chance.

    Holds for independent questions and for those that rise together. Reciprocals of e-values may stand in for
    p-values: then it holds whatever the dependence. Sources: Benjamini & Hochberg, Controlling the false discovery
    rate, JRSS B 57 (1995); Wang & Ramdas, False discovery rate control with e-values, JRSS B 84 (2022).

    >>> benjamini_hochberg([0.01, 0.04, 0.03]).round(3).tolist()
    [0.03, 0.04, 0.04]
    """
    values: Floats = np.asarray(chances, dtype=np.float64)
    order = np.argsort(values)
    scaled = values[order] * len(values) / np.arange(1, len(values) + 1)
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return adjusted


def benjamini_yekutieli(chances: Sequence[float] | Floats) -> Floats:
    """The same for p-values of questions that depend on each other in any way; it finds less.

    Source: Benjamini & Yekutieli, The control of the false discovery rate under dependency, Ann. Statist. 29 (2001).

    >>> benjamini_yekutieli([0.01, 0.04, 0.03]).round(3).tolist()
    [0.055, 0.073, 0.073]
    """
    values: Floats = np.asarray(chances, dtype=np.float64)
    factor = float((1 / np.arange(1, len(values) + 1)).sum())
    return np.minimum(benjamini_hochberg(values) * factor, 1.0)
