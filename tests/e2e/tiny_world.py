"""A world small enough for a test: rings and crosses, bright on dark at first, dark on bright later."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.domain.model import Kind
from tasks.domain.window import Window
from tasks.scenarios.script import Chapter, Shot, Truth, calendar, spread

SIDE = 64
CAMERAS = ("left", "right")
BROKEN = "right"
COMMISSIONED, GOLDEN_EVERY, SESSION = 240, 3, 12
SHOTS = {"accepted": 100, "healthy": 100, "camera": 100, "changed": 300, "after": 120}
FIRST: Mapping[str, Any] = {
    "base": "yolo11n-cls.yaml",
    "kind": "classify",
    "classes": ["cross", "ring"],
    "imgsz": SIDE,
    "epochs": 12,
    "batch": 16,
    "lr0": 0.002,
    "hyper": {"optimizer": "AdamW", "warmup_epochs": 1, "auto_augment": "none", "erasing": 0.0, "scale": 0.2},
}
CURATE = {"recent_windows": 1, "holdout_share": 0.4}


class Tiny:
    """Rings and crosses."""

    name = "tiny"
    kind = Kind.CLASSIFY
    classes = ("cross", "ring")
    imgsz = SIDE
    first = FIRST
    parameters: Mapping[str, Mapping[str, Any]] = {
        "monitor/default": {"ingest": {"window_minutes": 1440}},
        "evaluate/default": {"curate": CURATE, "estimate": {"calibrated_on": 50}},
        "retrain/default": {"curate": CURATE, "rules": {**FIRST, "epochs": 8, "lr0": 0.001, "cooldown_hours": 0}},
        "shadow/default": {"curate": CURATE, "rules": {"min_recent": 100}},  # so few labels that a test is quick
    }

    def __init__(self, now: datetime) -> None:
        plan = calendar(dict.fromkeys(SHOTS, 1), now)
        self.chapters = tuple(
            Chapter(key=key, title=key, windows=plan[key], labelled=key == "changed") for key in SHOTS
        )

    def commissioning(self) -> Iterator[Shot]:
        day = self.chapters[0].windows[0].previous()
        for number, moment in enumerate(spread(day, COMMISSIONED)):
            yield shot(number, moment, golden=number // SESSION % GOLDEN_EVERY == 0)

    def shots(self, window: Window) -> Iterator[Shot]:
        place, chapter = next((i, c) for i, c in enumerate(self.chapters) if window in c.windows)
        for number, moment in enumerate(spread(window, SHOTS[chapter.key])):
            yield shot(
                10_000 * (place + 1) + number,
                moment,
                inverted=chapter.key in ("changed", "after"),
                dark=chapter.key == "camera",
            )


def shot(number: int, moment: datetime, golden: bool = False, inverted: bool = False, dark: bool = False) -> Shot:
    camera = CAMERAS[number % 2]
    label = (number // 2) % 2
    image = draw(np.random.default_rng(number), label, inverted)
    if dark and camera == BROKEN:
        image = (image * 0.15).astype(np.uint8)
    return Shot(
        image_id=f"tiny-{number:06d}",
        camera=camera,
        session=f"{camera}-{number // SESSION}",
        captured_at=moment,
        encoded=cv2.imencode(".png", image)[1].tobytes(),
        suffix="png",
        truths=(Truth(class_id=label),),
        golden=golden,
    )


def draw(rng: np.random.Generator, label: int, inverted: bool) -> NDArray[np.uint8]:
    """(64, 64, 3) BGR: a ring or a cross somewhere, noise over it."""
    ground, ink = (190, 60) if inverted else (60, 190)
    slopes = rng.uniform(-25, 25, 2)
    rows, columns = np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j]
    belt = ground + rng.uniform(-15, 15) + slopes[0] * rows + slopes[1] * columns
    image = np.repeat(np.clip(belt, 0, 255).astype(np.uint8)[:, :, None], 3, axis=2)
    centre, size = rng.integers(22, 42, 2), int(rng.integers(12, 19))
    x, y = (int(value) for value in centre)
    if label:
        cv2.circle(image, (x, y), size, (ink,) * 3, 5)
    else:
        cv2.line(image, (x - size, y - size), (x + size, y + size), (ink,) * 3, 5)
        cv2.line(image, (x - size, y + size), (x + size, y - size), (ink,) * 3, 5)
    return np.clip(image + rng.normal(0, 12, image.shape), 0, 255).astype(np.uint8)
