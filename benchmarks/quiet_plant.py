"""A plant whose cameras stay healthy for months: drawn belts by day and by night, weather, products that come again.

Scenes of every camera and hour are drawn and measured once; a window draws from them, and every picture gets light,
noise and a place of its own in the model's view. One picture in ten repeats the one before it. Answers are boxes at
the places of a belt; the last camera sends every product in a burst of frames, which are one scene, and in a frame an
object is missed now and then.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from tasks.domain.tables import PROPERTIES, REFERENCES
from tasks.domain.window import Window
from tasks.drift.properties import of_image
from tasks.scenarios.parts_scene import CLASSES, SceneSpec, render

START = datetime(2026, 3, 1, tzinfo=UTC)
CAMERAS = ("cam-1", "cam-2", "cam-3")
VIDEO, BURST, MISSED = "cam-3", 3, 0.03
DAY, NIGHT = 1.0, 0.35
DIMENSIONS = 32
OWN, LIGHT, REPEATED = 0.5, 0.03, 0.1
"""Noise of a picture's properties (in their spread), its light (share), share of pictures that repeat."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is planted: cameras, factor on the light, shift of the model's view, and from which day on."""

    cameras: tuple[str, ...] = ()
    light: float = 1.0
    view: float = 0.0
    day: float = 1e9


class Plant:
    """Pictures of three cameras at every hour."""

    def __init__(self, seed: int, scenes: int, weather: float) -> None:
        self.strength = weather  # daily change of all light, as a share
        self.rng = np.random.default_rng(seed)
        self.pool = {
            (camera, night): [of_image(render(SceneSpec(
                seed=place, camera=camera, hour=12.0, light=NIGHT if night else DAY)).image).row()
                for place in range(scenes)]
            for camera in CAMERAS for night in (False, True)
        }  # fmt: skip
        self.spread = {
            key: {name: float(np.std([row[name] for row in rows])) for name in PROPERTIES}
            for key, rows in self.pool.items()
        }
        self.mix = self.rng.standard_normal((DIMENSIONS, DIMENSIONS)) * np.linspace(1.5, 0.2, DIMENSIONS)
        self.where = {camera: self.rng.standard_normal(DIMENSIONS) * 4 for camera in CAMERAS}
        self.weather: dict[int, float] = {}
        self.number = 0

    def table(self, window: Window, per_hour: int, change: Change = Change()) -> pa.Table:
        """The window's pictures with the answers beside them, as a `references` table in order of time."""
        rows = []
        for hour in window.hours():
            day = (hour - START) / timedelta(days=1)
            gain = 1 + self.strength * self.weather.setdefault(int(day), float(self.rng.standard_normal()))
            for camera in CAMERAS:
                planted = camera in change.cameras and day >= change.day
                light = gain * (change.light if planted else 1.0)
                rows += self._hour(camera, hour, per_hour, (light, change.view if planted else 0.0))
        table = pa.Table.from_pylist(rows, schema=REFERENCES)
        return table.sort_by([("captured_at", "ascending"), ("image_id", "ascending")])

    def _hour(self, camera: str, hour: datetime, count: int, planted: tuple[float, float]) -> list[dict[str, Any]]:
        key, count = (camera, not 6 <= hour.hour < 20), count * (BURST if camera == VIDEO else 1)
        chosen = self.rng.choice(len(self.pool[key]), count, replace=count > len(self.pool[key]))
        view = self.rng.standard_normal((count, DIMENSIONS)) @ self.mix + self.where[camera] + planted[1]
        moments = np.sort(self.rng.uniform(0, 3_500, count if camera != VIDEO else -(-count // BURST)))
        if camera == VIDEO:
            moments = (moments[:, None] + 0.5 * np.arange(BURST)).ravel()[:count]
        rows: list[dict[str, Any]] = []
        for place, at in enumerate(moments.tolist()):
            first = camera == VIDEO and place % BURST
            boxes = self._boxes() if not first else self._again(rows[-1]["truth"])
            scene = place - place % BURST if camera == VIDEO else place
            row = self._picture(self.pool[key][chosen[scene]], key, planted[0])
            if rows and (first or self.rng.random() < REPEATED):
                row["dhash"] = rows[-1]["dhash"]
            self.number += 1
            name = f"{camera}-{self.number:08d}"
            rows.append({
                **row, "sha256": f"{self.number:064x}", "image_id": name, "key": f"m/images/{camera}/{name}.jpg",
                "camera": camera, "captured_at": hour + timedelta(seconds=at), "embedding": view[place].tolist(),
                "model_version": "1", "kind": "detect", "width": 256, "height": 256, "truth": boxes,
                "detections": [each for each in boxes if self.rng.random() >= MISSED],
            })  # fmt: skip
        return rows

    def _picture(self, row: dict[str, Any], key: tuple[str, bool], light: float) -> dict[str, Any]:
        """A drawn scene once more: its own light and noise, another product in the same place."""
        spread, own = self.spread[key], OWN * self.rng.standard_normal(len(PROPERTIES))
        light *= 1 + LIGHT * self.rng.standard_normal()
        moved = {name: row[name] + spread[name] * own[at] for at, name in enumerate(PROPERTIES)}
        moved["brightness"], moved["contrast"] = moved["brightness"] * light, moved["contrast"] * light
        luma = np.frombuffer(row["luma_map"], np.uint8) * light + self.rng.normal(0, 1.5, len(row["luma_map"]))
        return {
            **row,
            **moved,
            "dhash": f"{int(self.rng.integers(0, 2**63)):016x}",
            "luma_map": np.clip(np.rint(luma), 0, 255).astype(np.uint8).tobytes(),
        }

    def _boxes(self) -> list[dict[str, Any]]:
        found = []
        for _ in range(int(self.rng.poisson(3))):
            x, y = np.clip(self.rng.normal(128, 45, 2), 20, 230).tolist()
            found.append({
                "class_id": int(self.rng.choice(len(CLASSES), p=[0.5, 0.3, 0.2])),
                "confidence": float(self.rng.beta(8, 2)), "box": [x - 15, y - 15, x + 15, y + 15],
            })  # fmt: skip
        return found

    def _again(self, boxes: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The same objects half a second later."""
        return [
            {**each, "box": [each["box"][0] + 2, each["box"][1], each["box"][2] + 2, each["box"][3]]} for each in boxes
        ]
