"""What a drift detector is: a pure score beside its unit, its limit, its smallest sample and its source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tasks.domain import plugin
from tasks.domain.errors import ConfigError

FloatArray = NDArray[np.float64]
Labels = NDArray[np.intp]
PACKAGE = "tasks.drift.detectors"


class Data(StrEnum):
    """What a detector is able to compare."""

    SCALAR = "scalar"  # one number per image, (n,)
    VECTOR = "vector"  # one vector per image, (n, d)
    RATE = "rate"  # 0 or 1 per image, (n,)
    COUNTS = "counts"  # how many of each class an image holds, (n, k)


_WORDS = {
    Data.SCALAR: "one number per image",
    Data.VECTOR: "one vector per image",
    Data.RATE: "shares of images",
    Data.COUNTS: "counts of classes per image",
}


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
class Sessions:
    """Which images of a sample depend on each other: (m,) labels of the reference's rows and (n,) of the current's."""

    reference: Labels
    current: Labels


class Scorer(Protocol):
    """How a detector is asked: two samples and, where images depend on each other, the session of each row."""

    def __call__(self, reference: FloatArray, current: FloatArray, sessions: Sessions | None = None) -> Score:
        """The distance of two samples; without sessions every image is taken to be independent."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Importance:
    """How much one named number helps to tell two samples apart: `fall` > 0 in the detector's unit without it."""

    name: str
    fall: float


class Ranker(Protocol):
    """How a detector is asked which columns gave the window away."""

    def __call__(
        self, reference: FloatArray, current: FloatArray, names: Sequence[str], sessions: Sessions | None = None
    ) -> tuple[Importance, ...]:
        """The columns that tell the samples apart, the most telling first."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Detector:
    """A detector: `score(reference, current, sessions)` and what has to be known to judge by it.

    A difference is a breach when it is significant *and* `value >= limit`: with many images any difference
    is significant, with few any distance is large. `min_n` is the smallest sample on either side.
    """

    score: Scorer
    data: Data
    unit: str
    limit: float
    min_n: int
    source: str
    importances: Ranker | None = None


@cache
def detector(name: str) -> Detector:
    """The detector in the file of that name.

    Raises:
        ConfigError: there is no such file; the message lists the known ones.
    """
    return plugin.load(PACKAGE, name, "DETECTOR", Detector)


def fitting(name: str, data: Data, what_for: str) -> str:
    """The name itself, when that detector is able to compare such data; `what_for` is who asks, for the message.

    Raises:
        ConfigError: there is no such file, or it compares something else; the message lists those that fit.
    """
    own = detector(name).data
    if own is not data:
        fits = ", ".join(each for each in plugin.names(PACKAGE) if detector(each).data is data)
        raise ConfigError(f"{what_for} compares {_WORDS[data]}; {name} compares {_WORDS[own]}; fitting: {fits}")
    return name


def ranking(name: str, what_for: str) -> str:
    """The name itself, when that detector is able to say which columns told the samples apart.

    Raises:
        ConfigError: there is no such file, or it cannot; the message lists those that can.
    """
    if detector(name).importances is None:
        fits = ", ".join(each for each in plugin.names(PACKAGE) if detector(each).importances is not None)
        raise ConfigError(f"{what_for} ranks properties; {name} cannot rank; fitting: {fits}")
    return name


def usable(reference: FloatArray, current: FloatArray) -> bool:
    """Whether both samples hold something and every number in them is finite."""
    return bool(len(reference) and len(current) and np.isfinite(reference).all() and np.isfinite(current).all())
