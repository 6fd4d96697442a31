"""Changes of what is shown that were drawn after the last rule and limit of estimates was set, for `label_free.py`.

Nobody had looked at any of them before they were counted. What hides more than half of a box takes that part away.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
from label_free_held import Make, drawn_with, shown_as
from label_free_worlds import scenes
from numpy.typing import NDArray

from tasks.scenarios import parts_scene
from tasks.scenarios.parts_scene import SIZE, Scene

Image = NDArray[np.uint8]
Floats = NDArray[np.float32]
Put = Callable[[Image, np.random.Generator], None]


def put(draw: Put) -> Make:
    """Things that lie over the belt and over parts."""

    def make(world: str, n: int) -> list[Scene]:
        found = []
        for i, scene in enumerate(scenes(world, n)):
            image = scene.image.copy()
            draw(image, np.random.default_rng([17, i]))
            hidden = (image != scene.image).any(2)
            sides = [hidden[int(a[1]) : int(a[3]), int(a[0]) : int(a[2])] for a in scene.boxes]
            seen = np.array([not side.size or side.mean() < 0.5 for side in sides], bool)
            found.append(replace(scene, image=image, boxes=scene.boxes[seen], classes=scene.classes[seen]))
        return found

    return make


def cable(image: Image, rng: np.random.Generator) -> None:
    """A black cable winds through the picture."""
    x = np.linspace(0, SIZE, 40)
    y = rng.uniform(70, 180) + 35 * np.sin(x / rng.uniform(25, 45) + rng.uniform(0, 6))
    cv2.polylines(image, [np.stack([x, y], 1).astype(np.int32)], False, (18, 18, 20), 9, cv2.LINE_AA)
    cv2.polylines(image, [np.stack([x, y - 2], 1).astype(np.int32)], False, (60, 60, 62), 2, cv2.LINE_AA)


def swarf(image: Image, rng: np.random.Generator) -> None:
    """Curls of metal, eight a picture."""
    for x, y in rng.integers(10, SIZE - 10, (8, 2)).tolist():
        turn, size = float(rng.uniform(0, 360)), (int(rng.integers(5, 10)), int(rng.integers(3, 7)))
        cv2.ellipse(image, (x, y), size, turn, 0, 270, (205, 205, 208), 2, cv2.LINE_AA)


def glove(image: Image, rng: np.random.Generator) -> None:
    """A grey work glove reaches in from the side."""
    y, x = int(rng.uniform(60, 190)), int(rng.uniform(60, 110))
    cv2.line(image, (0, y), (x - 20, y), (128, 126, 124), 54, cv2.LINE_AA)
    for finger in range(4):
        cv2.line(
            image, (x - 20, y - 20 + 13 * finger), (x + 26, y - 26 + 17 * finger), (128, 126, 124), 13, cv2.LINE_AA
        )


def sticker(image: Image, rng: np.random.Generator) -> None:
    """A yellow sticker with a bar code."""
    x, y = (int(v) for v in rng.integers(10, SIZE - 70, 2))
    cv2.rectangle(image, (x, y), (x + 56, y + 30), (60, 200, 225), -1)
    for bar in rng.integers(4, 52, 12).tolist():
        cv2.line(image, (x + bar, y + 5), (x + bar, y + 25), (20, 20, 20), 2)


def puddles(usual: Any, scene: Any) -> Floats:
    """Dark oil stands on the belt."""
    rng, canvas = np.random.default_rng([scene.seed, 41]), usual(scene).copy()
    for x, y in rng.integers(0, SIZE, (3, 2)).tolist():
        size = (int(rng.integers(24, 44)), int(rng.integers(16, 30)))
        pool = np.zeros((SIZE, SIZE), np.uint8)
        cv2.ellipse(pool, (x, y), size, float(rng.uniform(0, 180)), 0, 360, 255, -1, cv2.LINE_AA)
        cover = pool.astype(np.float32)[:, :, None] / 255
        canvas = canvas * (1 - cover) + (0.35 * canvas + np.array([6, 8, 10], np.float32)) * cover
    return np.asarray(canvas, np.float32)


def cardboard(_usual: Any, scene: Any) -> Floats:
    """The parts lie on corrugated cardboard."""
    rng = np.random.default_rng([scene.seed, 43])
    ridges = 9 * np.sin(np.arange(SIZE, dtype=np.float32) * (2 * math.pi / 14) + rng.uniform(0, 6))
    grain = rng.normal(0, 4, (SIZE, SIZE)).astype(np.float32)
    return np.asarray(np.array([82, 118, 150], np.float32) + (ridges[None, :] + grain)[:, :, None], np.float32)


def perforated(usual: Any, scene: Any) -> Floats:
    """A belt with rows of round holes."""
    canvas, start = usual(scene).copy(), scene.seed % 32
    for x in range(start, SIZE + 32, 32):
        for y in range(start, SIZE + 32, 32):
            cv2.circle(canvas, (x, y), 7, (22, 22, 24), -1, cv2.LINE_AA)
    return np.asarray(canvas, np.float32)


def red_bolts(usual: Any, canvas: Floats, part: Any, rng: Any) -> None:
    """Only the bolts come in another paint."""
    usual(canvas, part, rng)
    if part.number == 2:
        mask = parts_scene._mask(part)[:, :, None]
        canvas[:] = canvas * (1 - mask) + canvas * np.array([0.45, 0.5, 1.05], np.float32) * mask


def cut_nuts(usual: Any, number: int, radius: float, turn: float, centre: Floats) -> Any:
    """Nuts of which a third is cut away."""
    if number != 1:
        return usual(number, radius, turn, centre)
    angles = turn + np.linspace(0, 4.2, 30)
    edge = np.stack([np.cos(angles), np.sin(angles)], 1)
    return (np.concatenate([edge, 0.4 * edge[::-1]]) * radius + centre).astype(np.float32), None


def false_colours(image: Image, _rng: np.random.Generator) -> NDArray[Any]:
    """A camera that shows brightness as heat."""
    return np.asarray(cv2.applyColorMap(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLORMAP_JET), np.uint8)


def doubled(world: str, n: int) -> list[Scene]:
    """Every picture still shows the one before it, half as strong."""
    drawn = scenes(world, n)
    pairs = zip(drawn, [*drawn[-4:], *drawn[:-4]], strict=True)
    return [replace(now, image=cv2.addWeighted(now.image, 0.67, last.image, 0.33, 0)) for now, last in pairs]


FRESH: dict[str, Make] = {
    "cable": put(cable),
    "swarf": put(swarf),
    "grey glove": put(glove),
    "sticker": put(sticker),
    "oil puddles": drawn_with("_belt_under", puddles),
    "cardboard": drawn_with("_belt_under", cardboard),
    "perforated belt": drawn_with("_belt_under", perforated),
    "red bolts": drawn_with("_draw", red_bolts),
    "cut nuts": drawn_with("_shape", cut_nuts),
    "false colours": shown_as(false_colours),
    "red and green swapped": shown_as(lambda image, _rng: image[:, :, [0, 2, 1]]),
    "double exposure": doubled,
}
"""Families that nobody looked at before the rules were final."""
