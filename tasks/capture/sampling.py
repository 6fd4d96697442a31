"""The chance that an image is kept: never 0, always known, decided before the draw.

A hard quota would keep the first images of every hour and none after: no weight can mend that. Here the chance
shrinks as the quota fills, and the chance that applied is stored with the image, so that weights stay honest.

Source: Horvitz and Thompson, "A generalization of sampling without replacement from a finite universe", JASA 47 (1952).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

from tasks.capture.rules import SamplingRules

LEAST = 0.001
"""The chance that is left when an hour's quota is full."""


class Sampler:
    """Draws for one serving process; remembers how many images each camera had kept in its hour."""

    def __init__(self, rules: SamplingRules) -> None:
        self._rules = rules
        self._kept: dict[str, tuple[str, int]] = {}

    def chance(self, camera: str, moment: datetime, answers: Sequence[tuple[int, float]]) -> float:
        """The chance (0..1] of an image with these answers (class id, confidence); nothing found counts as ordinary."""
        rules = self._rules
        unsure = any(confidence < rules.keep_below_confidence for _, confidence in answers)
        wanted = unsure or any(class_id in rules.keep_classes for class_id, _ in answers)
        chance = 1.0 if wanted else rules.rate
        if rules.per_camera_per_hour is None:
            return chance
        hour, kept = self._kept.get(camera, ("", 0))
        used = kept / rules.per_camera_per_hour if hour == _hour(moment) else 0.0
        return max(LEAST, chance * (1.0 - used))

    def keep(self, camera: str, moment: datetime, image_id: str, chance: float) -> bool:
        """The draw, by a hash of the image id: the same image is always decided alike."""
        draw = int.from_bytes(hashlib.sha256(image_id.encode("utf-8", "replace")).digest()[:8], "big") / 2**64
        if draw >= chance:
            return False
        hour, kept = self._kept.get(camera, ("", 0))
        self._kept[camera] = (_hour(moment), kept + 1 if hour == _hour(moment) else 1)
        return True


def _hour(moment: datetime) -> str:
    return f"{moment:%Y%m%d%H}"
