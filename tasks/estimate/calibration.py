"""What a version's answers show of their own quality: learnt from labelled images, whole and damaged on purpose."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import lsq_linear

from tasks.estimate.around import NOTHING, Around, Scenery
from tasks.estimate.belief import Belief
from tasks.estimate.likeness import UNKNOWN, Likeness
from tasks.estimate.look import Look, Shifts
from tasks.estimate.posture import Posture
from tasks.estimate.signs import Signs

Numbers = NDArray[np.float64]

USABLE = 0.3
"""Share of the undamaged mAP50 below which a step says nothing but "blind": relations bend there."""


STEEPEST = 3.0
"""No sign that falls by a hundredth speaks for more than three: what is hardly seen on the ladder is no measure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """A step of damage: the mAP50 that labels measured (share of the undamaged one), and what answers showed of it."""

    name: str
    quality: float
    signs: Signs
    shifts: Shifts
    around: Around = NOTHING


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Calibration:
    """Everything that an estimate of one version needs.

    `sha256` is the version, `second` the other one whose answers it was held against ("" for none); `quality` is the
    mAP50 on the `n` undamaged images, `clean` and `look` what answers showed there; `weights` (4,) turn drops of the
    signs into a drop of quality, `error` is how far that is off on steps of a kind it had not seen (0..1 of mAP50);
    `postures` are how the cameras held their pictures, by name, `sceneries` what they showed around the objects, and
    `objects` what those look like inside their boxes.
    For a classifier mAP50 is accuracy everywhere.
    """

    sha256: str
    second: str
    n: int
    confidences: tuple[float, float]
    quality: float
    belief: Belief
    clean: Signs
    look: Look
    rungs: tuple[Rung, ...]
    weights: tuple[float, ...]
    error: float
    postures: Mapping[str, Posture] = field(default_factory=dict)
    sceneries: Mapping[str, Scenery] = field(default_factory=dict)
    objects: Likeness = UNKNOWN

    @property
    def metric(self) -> str:
        """What is estimated: `map50`, or `accuracy` of a classifier."""
        return "accuracy" if self.belief.whole else "map50"

    def estimate(self, signs: Signs, found: float) -> float:
        """The mAP50 that these signs speak for, 0..1; `found` is the change of objects found per image, as a share."""
        drop = float(np.dot(drops(signs, self.clean, found), self.weights))
        return self.quality * float(np.clip(1 - drop, 0, 1))


def drops(signs: Signs, clean: Signs, found: float) -> Numbers:
    """(4,) how much lower each sign is than on undamaged images, as shares, never negative.

    Answers that promise nothing at all have lost everything; without a second version its sign has lost nothing.
    """
    promised = signs.promised if math.isfinite(signs.promised) else 0.0
    pairs = ((promised, clean.promised), (signs.mirrored, clean.mirrored), (signs.agreement, clean.agreement))
    lost = [1 - now / was if math.isfinite(now) and was > 0 else 0.0 for now, was in pairs]
    return np.asarray(np.clip(np.array([*lost, -found]), 0, 1), np.float64)


def fitted(rungs: Sequence[Rung], clean: Signs) -> tuple[tuple[float, ...], float]:
    """Weights of the drops, none negative, and their mean error on kinds of damage that were left out in turn.

    None may be negative: whatever the steps happen to show, a worse sign never speaks for a better model.
    """
    used = [rung for rung in rungs if rung.quality >= USABLE]
    lost = np.array([drops(rung.signs, clean, rung.shifts.found.size) for rung in used]).reshape(len(used), 4)
    worse = np.array([max(1 - rung.quality, 0.0) for rung in used])
    kinds = np.array([rung.name.split("/")[0] for rung in used])
    apart = [
        np.abs(lost[kinds == kind] @ _weights(lost[kinds != kind], worse[kinds != kind]) - worse[kinds == kind])
        for kind in np.unique(kinds)
    ]
    error = float(np.concatenate([np.zeros(0), *apart]).mean()) if apart else math.nan
    return tuple(_weights(lost, worse).tolist()), error


def _weights(lost: Numbers, worse: Numbers) -> Numbers:
    return np.asarray(lsq_linear(lost, worse, (0, STEEPEST)).x, np.float64) if len(worse) else np.ones(4)
