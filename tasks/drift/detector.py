"""What a drift detector is: a pure score beside its unit, its limit, its smallest sample and its source."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from tasks.domain import plugin

FloatArray = NDArray[np.float64]
PACKAGE = "tasks.drift.detectors"


class Data(StrEnum):
    """What a detector is able to compare."""

    SCALAR = "scalar"  # one number per image, (n,)
    VECTOR = "vector"  # one vector per image, (n, d)
    RATE = "rate"  # 0 or 1 per image, (n,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """How far two samples lie apart.

    `value` >= 0 is the size of the difference in the detector's unit, `p_value` 0..1 how often chance alone
    does that, `effect` the signed size where a direction exists (nan otherwise). All nan: not answerable.
    """

    value: float
    p_value: float
    effect: float = float("nan")


NO_SCORE = Score(value=float("nan"), p_value=float("nan"))
"""The score of samples that hold a nan or an infinity, or nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Detector:
    """A detector: `score(reference, current)` and what has to be known to judge by it.

    A difference is a breach when it is significant *and* `value >= limit`: with many images any difference
    is significant, with few any distance is large. `min_n` is the smallest sample on either side.
    """

    score: Callable[[FloatArray, FloatArray], Score]
    data: Data
    unit: str
    limit: float
    min_n: int
    source: str


def detector(name: str) -> Detector:
    """The detector in the file of that name.

    Raises:
        ConfigError: there is no such file; the message lists the known ones.
    """
    return plugin.load(PACKAGE, name, "DETECTOR", Detector)


def usable(reference: FloatArray, current: FloatArray) -> bool:
    """Whether both samples hold something and every number in them is finite."""
    return bool(len(reference) and len(current) and np.isfinite(reference).all() and np.isfinite(current).all())
