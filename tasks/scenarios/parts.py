"""`parts`: four cameras over conveyor belts; a lamp fails, a lens gets dirty, then parts come in a new finish.

Drawn scenes with exact boxes, kind detect. Lamp and lens are faults of one camera each and must not be learnt from;
the new finish reaches every camera and must.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import cv2

from tasks.domain.model import Kind
from tasks.domain.window import Window
from tasks.scenarios.parts_cameras import CAMERAS
from tasks.scenarios.parts_scene import CLASSES, SceneSpec, render
from tasks.scenarios.script import Chapter, Shot, Truth, chapters_of, spread

DARK_CAMERA, DIRTY_CAMERA = "cam-2", "cam-3"
DARK_LIGHT, DIRT = 0.33, 0.35
NEW_SHARE = 0.7
"""Chance of each part to come in the new finish once it has arrived."""

GOLDEN_HOURS = (7, 10, 13, 16, 19)
"""Hours of the commissioning day whose scenes are golden: whole sessions, so that nothing leaks into training."""

COMMISSIONED = 360
SHOTS = {"accepted": 128, "healthy": 128, "camera": 128, "changed": 170, "after": 128}
DAYS = {"accepted": 2, "healthy": 1, "camera": 2, "changed": 2, "after": 2}
TITLES = {
    "accepted": "Two quiet days: people accept them as healthy",
    "healthy": "A quiet day",
    "camera": f"The lamp over {DARK_CAMERA} fails; the next day it is repaired and the lens of {DIRTY_CAMERA} is dirty",
    "changed": "Parts come in a new finish: a new product variant",
    "after": "The new champion at work",
}
JPEG_QUALITY = 92

_HYPER: Mapping[str, Any] = {"warmup_epochs": 1.0, "cos_lr": True, "close_mosaic": 5, "fliplr": 0.5, "flipud": 0.5}
FIRST: Mapping[str, Any] = {
    "base": "yolo11n.yaml",
    "kind": "detect",
    "classes": list(CLASSES),
    "imgsz": 160,
    "epochs": 14,
    "batch": 16,
    "lr0": 0.003,
    "hyper": {**_HYPER, "optimizer": "AdamW"},
}
_CURATE: Mapping[str, Any] = {"recent_windows": 2, "holdout_share": 0.5, "val_share": 0.15}
_GATES: Mapping[str, Any] = {"min_recent": 100, "golden_margin": 0.05}
"""A demo has few labels, and a minute of training costs the old finish .02 to .04 while it wins .35 on the new one."""

PARAMETERS: Mapping[str, Mapping[str, Any]] = {
    "monitor/default": {
        "ingest": {"window_minutes": 1440},
        "drift": {"min_camera_scenes": 20},
        "estimate": {"images": 100},
    },
    "evaluate/default": {"curate": _CURATE, "estimate": {"calibrated_on": 50}},
    "retrain/default": {
        "curate": _CURATE,
        "rules": {
            **FIRST,
            "epochs": 8,
            "lr0": 0.0005,  # twice as much forgets more of the old finish: .036 of golden mAP50-95, this .020
            "cooldown_hours": 0,
            "hyper": {**FIRST["hyper"], "mosaic": 0.0},  # it costs the golden set .03 when epochs are this few
        },
    },
    "shadow/default": {"curate": _CURATE, "rules": _GATES},
}
"""Daily windows, small pictures, trainings that two cores finish in minutes."""


class Parts:
    """The scenario, laid out so that its last day is yesterday."""

    name = "parts"
    kind = Kind.DETECT
    classes: tuple[str, ...] = CLASSES
    imgsz = 160
    first: Mapping[str, Any] = FIRST
    parameters: Mapping[str, Mapping[str, Any]] = PARAMETERS

    def __init__(self, now: datetime) -> None:
        self.chapters = chapters_of(DAYS, TITLES, now)

    def commissioning(self) -> Iterator[Shot]:
        """Labelled scenes of the day before the first window, five hours of it golden."""
        day = self.chapters[0].windows[0].previous()
        for number, moment in enumerate(spread(day, COMMISSIONED)):
            yield _shot(number, moment, {}, golden=moment.hour in GOLDEN_HOURS)

    def shots(self, window: Window) -> Iterator[Shot]:
        """The scenes of the window's day, evenly over working hours, one camera after the other."""
        place = [(chapter.key, each) for chapter in self.chapters for each in chapter.windows].index(
            (self._chapter(window).key, window)
        )
        chapter = self._chapter(window)
        for number, moment in enumerate(spread(window, SHOTS[chapter.key])):
            yield _shot(10_000 * (place + 1) + number, moment, self._trouble(chapter, window, number))

    def _chapter(self, window: Window) -> Chapter:
        return next(chapter for chapter in self.chapters if window in chapter.windows)

    def _trouble(self, chapter: Chapter, window: Window, number: int) -> dict[str, float]:
        """What is wrong with this picture."""
        if chapter.key in ("changed", "after"):
            return {"new_share": NEW_SHARE}
        if chapter.key != "camera":
            return {}
        camera = _camera(number)
        lamp_failed = window == chapter.windows[0]
        if lamp_failed and camera == DARK_CAMERA:
            return {"light": DARK_LIGHT}
        return {"dirt": DIRT} if not lamp_failed and camera == DIRTY_CAMERA else {}


def _camera(number: int) -> str:
    return list(CAMERAS)[number % len(CAMERAS)]


def _shot(number: int, moment: datetime, trouble: Mapping[str, float], golden: bool = False) -> Shot:
    camera = _camera(number)
    healthy = SceneSpec(seed=number, camera=camera, hour=moment.hour + moment.minute / 60)
    scene = render(replace(healthy, **trouble))  # type: ignore[arg-type] # names and values come from `_trouble`
    encoded = cv2.imencode(".jpg", scene.image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1].tobytes()
    truths = (
        Truth(class_id=int(label), box=tuple(float(side) for side in box))  # type: ignore[arg-type]
        for label, box in zip(scene.classes, scene.boxes, strict=True)
    )
    return Shot(
        image_id=f"scene-{moment:%Y%m%d}-{number:06d}",
        camera=camera,
        session=f"{camera}-{moment:%Y%m%dT%H}",
        captured_at=moment,
        encoded=encoded,
        suffix="jpg",
        truths=tuple(truths),
        golden=golden,
    )
