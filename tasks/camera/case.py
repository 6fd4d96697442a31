"""One camera to be judged: its numbers now, in its healthy time, and those of the other cameras now."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tasks.camera.measures import Measures
from tasks.camera.rules import CameraRules

SPARE = 1.5
"""Times the camera's own healthy spread that a limit is at least."""
ALONE = 1.5
"""Times the limit for a camera that cannot be compared with another one."""
LIFTED = 0.14
"""ln of light that the other cameras gained as well, from which white places are no matter of this camera."""
BURNT = 0.15
"""Rise of the share of white pixels from which a picture is too bright, however bright the rest is."""

Number = Callable[[Measures], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A camera's numbers now, in parts of its healthy time, and those of the other cameras now."""

    now: Measures
    healthy: Sequence[Measures]
    others: Sequence[Measures]
    rules: CameraRules

    def limit(self, floor: float, number: Number) -> float:
        """The rule's limit, or more for a camera that always varied more."""
        return max([floor, *(SPARE * abs(number(each)) for each in self.healthy)])

    def own(self, number: Number) -> float:
        """The number without what the other cameras show of it, in the direction of the number."""
        value = number(self.now)
        shared = float(np.median([number(each) for each in self.others])) if self.others else 0.0
        return value - float(np.clip(shared, min(value, 0.0), max(value, 0.0)))

    def everywhere(self, number: Number) -> bool:
        """Whether every other camera shows at least half of it as well: then it is a season, or another product."""
        value = number(self.now)
        return all(number(each) * math.copysign(1.0, value) >= abs(value) / 2 for each in self.others)

    @property
    def shared_light(self) -> float:
        """ln of the light that most of the other cameras gained; 0 without others."""
        return float(np.median([each.light for each in self.others])) if self.others else 0.0

    @property
    def strictness(self) -> float:
        """1, or more when there is no other camera."""
        return 1.0 if self.others else ALONE
