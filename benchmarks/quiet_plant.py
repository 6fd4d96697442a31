"""A plant whose cameras stay healthy for months: drawn belts by day and by night, weather, products that come again.

Scenes of every camera and hour are drawn and measured once; a window draws from them, and every picture gets light,
noise and a place of its own in the model's view. One picture in ten repeats the one before it. Answers are boxes at
the places of a belt; the last camera sends every product in a burst of frames, which are one scene, and in a frame an
object is missed now and then. Days differ as they do in a plant: in their light, by day in the sun of each hour, in
how many products of which class there are, and in what they look like to the model; lamps lose light week by week.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
from scipy.stats import binomtest

from tasks.domain.finding import Outcome
from tasks.domain.tables import DETAIL_STEP, PROPERTIES, REFERENCES
from tasks.domain.verdict import Verdict
from tasks.domain.window import Window
from tasks.drift.properties import of_image
from tasks.scenarios.parts_scene import CLASSES, SceneSpec, render

START = datetime(2026, 3, 1, tzinfo=UTC)
CAMERAS = ("cam-1", "cam-2", "cam-3")
VIDEO, BURST, MISSED = "cam-3", 3, 0.03
DAY, NIGHT = 1.0, 0.35
DIMENSIONS = 32
PARTS, OBJECTS = (0.5, 0.3, 0.2), 3.0
PROPORTIONAL = ("brightness", "contrast", "noise", "gradient_x", "gradient_y", "colourfulness")
"""Properties that light multiplies."""
OWN, LIGHT, REPEATED = 0.5, 0.03, 0.1
"""Noise of a picture's properties (in their spread), its light (share), share of pictures that repeat."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is planted: cameras, factor on the light, shift of the model's view, and from which day on."""

    cameras: tuple[str, ...] = ()
    light: float = 1.0
    view: float = 0.0
    day: float = 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class Wander:
    """How healthy days differ, as standard deviations: `light` of all lamps and `sun` of an hour by day (shares),
    `mix` of the logarithm of each class's part and of all objects, `look` of the model's view (of its own spread).

    `ageing` is what a lamp loses in 30 days (a share).
    """

    light: float = 0.0
    sun: float = 0.0
    mix: float = 0.0
    look: float = 0.0
    ageing: float = 0.0


WANDER = {
    "light": (0.01, "sd between days of all light, as a share"),
    "sun": (0.005, "sd between hours of daylight, as a share"),
    "mix": (0.1, "sd between days of the log of each class's part"),
    "look": (0.05, "sd between days of the model's view, of its spread"),
    "ageing": (0.01, "share of the light that lamps lose in 30 days"),
}
"""What the command line asks of `Wander`: values and words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """What the scenes of one day share: a factor on the light, parts of the classes, objects, a shift of the view."""

    light: float
    parts: Any
    objects: float
    look: Any


@cache
def drawn(scenes: int) -> dict[tuple[str, bool], list[dict[str, Any]]]:
    """The measured scenes of every camera by day and by night: the same for every month of a run."""
    return {
        (camera, night): [of_image(render(SceneSpec(
            seed=place, camera=camera, hour=12.0, light=NIGHT if night else DAY)).image).row()
            for place in range(scenes)]
        for camera in CAMERAS for night in (False, True)
    }  # fmt: skip


class Plant:
    """Pictures of three cameras at every hour."""

    def __init__(self, seed: int, scenes: int, wander: Wander) -> None:
        self.wander = wander
        self.rng = np.random.default_rng(seed)
        self.pool = drawn(scenes)
        self.spread = {
            key: {name: float(np.std([row[name] for row in rows])) for name in PROPERTIES}
            for key, rows in self.pool.items()
        }
        self.mix = self.rng.standard_normal((DIMENSIONS, DIMENSIONS)) * np.linspace(1.5, 0.2, DIMENSIONS)
        self.where = {camera: self.rng.standard_normal(DIMENSIONS) * 4 for camera in CAMERAS}
        self.days: dict[int, Day] = {}
        self.number = 0

    def day(self, hour: datetime) -> Day:
        """The day that an hour belongs to, drawn when it is first asked for."""
        number = (hour - START).days
        if number not in self.days:
            lot, wander = self.rng.standard_normal, self.wander
            parts = np.array(PARTS) * np.exp(wander.mix * lot(len(PARTS)))
            self.days[number] = Day(
                light=(1 + wander.light * float(lot())) * (1 - wander.ageing * number / 30),
                parts=parts / parts.sum(),
                objects=OBJECTS * float(np.exp(wander.mix * lot())),
                look=wander.look * lot(DIMENSIONS) @ self.mix,
            )
        return self.days[number]

    def table(self, window: Window, per_hour: int, change: Change = Change()) -> pa.Table:
        """The window's pictures with the answers beside them, as a `references` table in order of time."""
        rows = []
        for hour in window.hours():
            since, day = (hour - START) / timedelta(days=1), self.day(hour)
            gain = day.light * (1 + self.wander.sun * float(self.rng.standard_normal()) * (6 <= hour.hour < 20))
            for camera in CAMERAS:
                planted = camera in change.cameras and since >= change.day
                light = gain * (change.light if planted else 1.0)
                rows += self._hour(camera, hour, per_hour, (light, change.view if planted else 0.0))
        table = pa.Table.from_pylist(rows, schema=REFERENCES)
        return table.sort_by([("captured_at", "ascending"), ("image_id", "ascending")])

    def _hour(self, camera: str, hour: datetime, count: int, planted: tuple[float, float]) -> list[dict[str, Any]]:
        key, count = (camera, not 6 <= hour.hour < 20), count * (BURST if camera == VIDEO else 1)
        chosen = self.rng.choice(len(self.pool[key]), count, replace=count > len(self.pool[key]))
        view = self.rng.standard_normal((count, DIMENSIONS)) @ self.mix + self.where[camera] + planted[1]
        view += self.day(hour).look
        moments = np.sort(self.rng.uniform(0, 3_500, count if camera != VIDEO else -(-count // BURST)))
        if camera == VIDEO:
            moments = (moments[:, None] + 0.5 * np.arange(BURST)).ravel()[:count]
        rows: list[dict[str, Any]] = []
        for place, at in enumerate(moments.tolist()):
            first = camera == VIDEO and place % BURST
            boxes = self._boxes(self.day(hour)) if not first else self._again(rows[-1]["truth"])
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
        moved |= {name: moved[name] * light for name in PROPORTIONAL}
        moved["sharpness"] += 2 * np.log(light)
        luma = np.frombuffer(row["luma_map"], np.uint8) * light + self.rng.normal(0, 1.5, len(row["luma_map"]))
        return {
            **row,
            **moved,
            "octaves": [each + 2 * float(np.log(light)) for each in row["octaves"]],
            "dhash": f"{int(self.rng.integers(0, 2**63)):016x}",
            "detail_map": _detail(row["detail_map"], light),
            "luma_map": np.clip(np.rint(luma), 0, 255).astype(np.uint8).tobytes(),
        }

    def _boxes(self, day: Day) -> list[dict[str, Any]]:
        found = []
        for _ in range(int(self.rng.poisson(day.objects))):
            x, y = np.clip(self.rng.normal(128, 45, 2), 20, 230).tolist()
            found.append({
                "class_id": int(self.rng.choice(len(CLASSES), p=day.parts)),
                "confidence": float(self.rng.beta(8, 2)), "box": [x - 15, y - 15, x + 15, y + 15],
            })  # fmt: skip
        return found

    def _again(self, boxes: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The same objects half a second later."""
        return [
            {**each, "box": [each["box"][0] + 2, each["box"][1], each["box"][2] + 2, each["box"][3]]} for each in boxes
        ]


def _detail(cells: bytes, light: float) -> bytes:
    """The detail of each place in another light."""
    change = light * np.expm1(np.frombuffer(cells, np.uint8) * DETAIL_STEP)
    return np.clip(np.rint(np.log1p(change) / DETAIL_STEP), 0, 255).astype(np.uint8).tobytes()


def share(hits: int, of: int) -> str:
    interval = binomtest(hits, of).proportion_ci(method="wilson")
    return f"{hits} of {of} ({hits / of:.4f} [{interval.low:.4f}, {interval.high:.4f}])"


def told(verdicts: list[Verdict], change: int) -> str:
    """Windows in breach before the change, and after how many windows it was found, by which cause."""
    alarms = [place for place, verdict in enumerate(verdicts) if verdict.outcome is Outcome.BREACH]
    found = next((place for place in alarms if place >= change), None)
    healthy = [place for place in alarms if place < change]
    words = [f"    window {place}: {verdicts[place].sentence[:200]}" for place in healthy[:3]]
    if found is not None:
        causes = [f"{each.kind.value} {','.join(each.cameras)}" for each in verdicts[found].causes]
        words.append(
            f"    found in window {found - change + 1} after it, as {causes}: {verdicts[found].sentence[:160]}"
        )
    return "\n".join([f"{len(healthy)} alarms in health, of {min(change, len(verdicts))} windows", *words])
