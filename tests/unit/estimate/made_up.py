"""A made-up detector whose skill is a number: 1 finds all, 0 finds nothing, and its confidence knows most of it."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from tasks.domain.prediction import Prediction
from tasks.domain.scoring.truth import Truth
from tasks.estimate.calibration import Calibration
from tasks.estimate.fitting import Labelled, calibrate
from tasks.estimate.ladder import LADDER, Image
from tasks.estimate.signs import Views

SIDE = 200
CLASSES = ("nut", "bolt")
SKILLS = (0.75, 0.55, 0.8, 0.5, 0.8, 0.6, 0.9, 0.7, 0.8, 0.55, 0.8, 0.6, 0.85, 0.65)
"""Of every step of the ladder, in its order."""


def truths(n: int, seed: int, side: float = 30.0, shift: float = 0.0, more: int = 0) -> list[Truth]:
    """Images with two to five objects each."""
    rng, found = np.random.default_rng(seed), []
    for number in range(n):
        count = int(rng.integers(2, 6)) + more
        places = rng.permutation(25)[:count]
        x, y = 10 + 36 * (places % 5) + shift, 10 + 36 * (places // 5)
        size = side * rng.uniform(0.8, 1.1, count)
        boxes = np.stack([x, y, x + size, y + size], 1).astype(np.float32)
        name = f"i{seed}-{number}"
        found.append(Truth(image_id=name, session=name, classes=rng.integers(0, 2, count), boxes=boxes))
    return found


def answer(truth: Truth, skill: float, rng: np.random.Generator, blind: float = 0.0) -> Prediction:
    """Hard objects are missed first; `blind` is the share of objects that it does not see, and knows nothing of."""
    own = np.random.default_rng(zlib.crc32(truth.image_id.encode()))
    hard, lost = own.random(len(truth.classes)), own.random(len(truth.classes)) < blind
    sure = np.clip(1 / (1 + np.exp(-7 * (skill - 0.75 * hard - 0.05) - rng.normal(0, 0.5, len(hard)))), 0.01, 0.99)
    kept = ~lost & (rng.random(len(hard)) < np.clip(sure * 1.3, 0, 1))
    boxes = truth.boxes[kept] + rng.normal(0, 1.0, (int(kept.sum()), 4)).astype(np.float32)
    ghosts = int(rng.random() < 0.35)
    stray = np.array([[5, 150, 30, 175]], np.float32)[:ghosts]
    confidence = np.concatenate([sure[kept], rng.uniform(0.02, 0.35, ghosts)]).astype(np.float32)
    order = np.argsort(-confidence, kind="stable")
    return Prediction(
        boxes=np.concatenate([boxes, stray])[order],
        classes=np.concatenate([truth.classes[kept], np.zeros(ghosts, np.int64)])[order],
        confidences=confidence[order],
    )


def views(known: Sequence[Truth], skill: float, seed: int, blind: float = 0.0, second: float | None = None) -> Views:
    """Answers about images, and about the same images mirrored; `second` is the skill of a second version."""
    rng = np.random.default_rng(seed)
    return Views(
        own=[answer(truth, skill, rng, blind) for truth in known],
        mirrored=[answer(truth, skill, rng, blind) for truth in known],
        second=[answer(truth, second, rng) for truth in known] if second is not None else (),
    )


@dataclass
class MadeUpEyes:
    """Looks at pictures in the order in which a calibration shows them: all of them, then a part for every step."""

    known: Sequence[Truth]
    part: int
    second: float | None = None
    seen: int = 0
    skills: list[float] = field(default_factory=lambda: [0.95, *SKILLS])

    def __call__(self, pictures: Sequence[Image]) -> Views:
        """The answers about the next so many pictures."""
        whole = len(self.known)
        place = self.seen if self.seen < whole else (self.seen - whole) % self.part
        step = 0 if self.seen < whole else 1 + (self.seen - whole) // self.part
        self.seen += len(pictures)
        second = None if self.second is None else self.second * self.skills[step] / self.skills[0]
        return views(self.known[place : place + len(pictures)], self.skills[step], self.seen, second=second)


def calibration(second: float | None = None) -> Calibration:
    """From 160 labelled images, 64 of them damaged."""
    known = truths(160, 1)
    labelled = Labelled(truths=known, open=lambda at: np.zeros((SIDE, SIDE, 3), np.uint8), classes=CLASSES)
    assert len(SKILLS) == len(LADDER)
    found = calibrate(labelled, MadeUpEyes(known, 64, second), ("a" * 64, "b" * 64), 64)
    assert found is not None
    return found
