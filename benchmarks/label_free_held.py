"""More changes of what is shown for `label_free.py`: other things, other places, other optics.

Drawn by changing one step of the `parts` scenes, or the finished picture, with boxes that follow. Limits were chosen on
`SEEN` and on the changes in `label_free_worlds.py`; the families in `HELD` only check them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
from label_free_worlds import scenes, warped
from numpy.typing import NDArray

from tasks.scenarios import parts_scene
from tasks.scenarios.parts_scene import SIZE, Scene

Image = NDArray[np.uint8]
Floats = NDArray[np.float32]
Make = Callable[[str, int], list[Scene]]


def drawn_with(step: str, wrapped: Callable[..., Any]) -> Make:
    """Scenes with `wrapped(usual, ...)` in place of one step of the drawing."""

    def make(world: str, n: int) -> list[Scene]:
        usual = getattr(parts_scene, step)
        setattr(parts_scene, step, lambda *given: wrapped(usual, *given))
        try:
            return scenes(world, n)
        finally:
            setattr(parts_scene, step, usual)

    return make


def shown_as(change: Callable[[Image, np.random.Generator], NDArray[Any]]) -> Make:
    """Something done to every finished picture; the boxes stay."""

    def make(world: str, n: int) -> list[Scene]:
        found = enumerate(scenes(world, n))
        return [replace(s, image=_bytes(change(s.image.copy(), np.random.default_rng([7, i])))) for i, s in found]

    return make


def _bytes(values: NDArray[Any]) -> Image:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def paint(how: Callable[[Floats], Floats]) -> Make:
    """Parts in another paint: `how` changes the drawn picture, and holds where a part is."""

    def wrapped(usual: Any, canvas: Floats, part: Any, rng: Any) -> None:
        usual(canvas, part, rng)
        mask = parts_scene._mask(part)[:, :, None]
        canvas[:] = canvas * (1 - mask) + how(canvas) * mask

    return drawn_with("_draw", wrapped)


def tinted(*colour: float) -> Make:
    """Parts of another metal."""
    return paint(lambda drawn: drawn * np.array(colour, np.float32))


def _rust(drawn: Floats) -> Floats:
    grain = cv2.GaussianBlur(np.random.default_rng(5).normal(0, 1, (SIZE, SIZE)).astype(np.float32), (0, 0), 1.6)
    return drawn * np.array([0.3, 0.45, 0.7], np.float32) * (1 + 1.5 * grain)[:, :, None]


def _stripes(drawn: Floats) -> Floats:
    return drawn * (0.25 + 0.75 * (np.arange(SIZE, dtype=np.float32) // 4 % 2)[None, :, None])


def reshaped(outline_of: Callable[[int, float, float], Floats | None], bore: float = 0.4) -> Make:
    """Parts of the same class in another outline around (0, 0)."""

    def wrapped(usual: Any, number: int, radius: float, turn: float, centre: Floats) -> Any:
        other = outline_of(number, radius, turn)
        if other is None:
            return usual(number, radius, turn, centre)
        hole = parts_scene._polygon(48, radius * bore, turn, centre) if bore else None
        return (other + centre).astype(np.float32), hole

    return drawn_with("_shape", wrapped)


def _square(number: int, radius: float, turn: float) -> Floats | None:
    return parts_scene._polygon(4, radius, turn, np.zeros(2, np.float32)) if number == 0 else None


def _halved(number: int, radius: float, turn: float) -> Floats | None:
    angles = turn + np.linspace(0, math.pi, 24)
    edge = np.stack([np.cos(angles), np.sin(angles)], 1)
    return np.concatenate([edge, 0.55 * edge[::-1]]) * radius if number == 0 else None


def sized(share: float) -> Make:
    return drawn_with("_shape", lambda usual, number, radius, turn, centre: usual(number, radius * share, turn, centre))


def without(*numbers: int) -> Make:
    """Classes that are no longer made; scenes without a part are left empty."""

    def wrapped(usual: Any, scene: Any) -> Any:
        return [part for part in usual(scene) if part.number not in numbers]

    return drawn_with("_place_parts", wrapped)


def piled(usual: Any, scene: Any) -> Any:
    """Parts on parts: those of a second scene lie on top of the first."""
    return usual(scene) + usual(replace(scene, seed=scene.seed + 5_000_000))


def other_belt(colour: tuple[float, float, float], coarse: float) -> Make:
    """Another background under the same parts."""

    def wrapped(_usual: Any, scene: Any) -> Floats:
        rng = np.random.default_rng([scene.seed, 99])
        grain = cv2.GaussianBlur(rng.normal(0, 1, (SIZE, SIZE)).astype(np.float32), (0, 0), coarse, None, 4 * coarse)
        return np.asarray(np.array(colour, np.float32) + 12 * (grain / grain.std())[:, :, None], np.float32)

    return drawn_with("_belt_under", wrapped)


def tray(usual: Any, scene: Any) -> Floats:
    """A tray with cells lies under the parts."""
    canvas = usual(scene).copy()
    for at in range(16, SIZE, 56):
        canvas[at : at + 5] = canvas[:, at : at + 5] = 150
        canvas[at + 5 : at + 7] = canvas[:, at + 5 : at + 7] = 40
    return np.asarray(canvas, np.float32)


def printed(mirrored: bool) -> Make:
    """Letters are printed on the belt, the right way round or in mirror writing."""

    def wrapped(usual: Any, scene: Any) -> Floats:
        sheet = np.zeros((SIZE, SIZE), np.uint8)
        for row, word in enumerate(("PARTS 4711", "LINE B  88", "FRAGILE 21", "BATCH 0037")):
            cv2.putText(sheet, word, (6, 50 + 60 * row), cv2.FONT_HERSHEY_SIMPLEX, 1.3, 255, 4, cv2.LINE_AA)
        ink = (sheet[:, ::-1] if mirrored else sheet).astype(np.float32)[:, :, None] / 255
        return np.asarray(usual(scene) * (1 - ink) + 215 * ink, np.float32)

    return drawn_with("_belt_under", wrapped)


def wrapped_up(image: Image, rng: np.random.Generator) -> NDArray[np.float32]:
    """Clear film over everything: soft, pale, with bright creases."""
    creases = np.zeros((SIZE, SIZE), np.float32)
    for x, y, right, down in rng.integers((0, 0, -40, -40), (SIZE, SIZE, 40, 40), (14, 4)).tolist():
        cv2.line(creases, (x - right, y - down), (x + right, y + down), 1.0, 2, cv2.LINE_AA)
    soft = cv2.GaussianBlur(image.astype(np.float32), (0, 0), 0.8) * 0.85 + 30
    return np.asarray(soft + 90 * cv2.GaussianBlur(creases, (0, 0), 0.8)[:, :, None], np.float32)


def stamped(image: Image, _rng: np.random.Generator) -> Image:
    """A camera that writes date and name into the picture."""
    cv2.rectangle(image, (0, 0), (SIZE, 26), (0, 0, 0), -1)
    cv2.putText(image, "2026-11-21 07:41", (4, 19), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (255, 255, 255), 1, cv2.LINE_AA)
    return image


def gears(world: str, n: int) -> list[Scene]:
    """Parts of a class that nobody taught, two a scene where there is room, in the usual finish."""
    found = []
    for i, scene in enumerate(scenes(world, n)):
        rng, image, placed = np.random.default_rng([13, i]), scene.image.copy(), 0
        for x, y, turn in rng.uniform((30, 30, 0), (SIZE - 30, SIZE - 30, 6), (60, 3)):
            taken = (scene.boxes[:, :2] - 24 < (x, y)).all(1) & (scene.boxes[:, 2:] + 24 > (x, y)).all(1)
            if taken.any() or placed == 2:
                continue
            placed, angles = placed + 1, turn + np.arange(36) * (math.pi / 18)
            reach = 22 * np.where(np.arange(36) // 2 % 2, 0.75, 1.0)
            edge = np.rint(np.stack([np.cos(angles), np.sin(angles)], 1) * reach[:, None] + (x, y)).astype(np.int32)
            cv2.fillPoly(image, [edge], (194, 192, 190), cv2.LINE_AA)
            cv2.polylines(image, [edge], True, (90, 90, 90), 1, cv2.LINE_AA)
        found.append(replace(scene, image=image))
    return found


def handed(world: str, n: int) -> list[Scene]:
    """A gloved hand reaches into every picture; what it hides by half is no object."""
    found = []
    for i, scene in enumerate(scenes(world, n)):
        rng, image = np.random.default_rng([11, i]), scene.image.copy()
        x, y = int(rng.uniform(70, 190)), int(rng.uniform(70, 150))
        mask = np.zeros((SIZE, SIZE), np.uint8)
        cv2.line(mask, (x, SIZE), (x, y + 40), 255, 60)
        for finger in range(4):
            cv2.line(mask, (x, y + 40), (x - 36 + 24 * finger, y), 255, 18)
        image[mask > 0] = (60, 90, 40)
        sides = [mask[int(a[1]) : int(a[3]), int(a[0]) : int(a[2])] for a in scene.boxes]
        seen = np.array([side.mean() < 127 if side.size else True for side in sides], bool)
        found.append(replace(scene, image=image, boxes=scene.boxes[seen], classes=scene.classes[seen]))
    return found


def turned_by(quarters: int) -> Make:
    """The camera was mounted the other way round."""
    middle = (SIZE - 1) / 2
    turn = np.vstack([cv2.getRotationMatrix2D((middle, middle), 90 * quarters, 1.0), [0, 0, 1]])
    return lambda world, n: warped(world, n, np.asarray(turn, np.float64))


def zoomed(x: float, y: float) -> Make:
    """The picture is stretched about its middle."""
    matrix = np.array([[x, 0, SIZE * (1 - x) / 2], [0, y, SIZE * (1 - y) / 2], [0, 0, 1.0]])
    return lambda world, n: warped(world, n, matrix)


SEEN: dict[str, Make] = {
    "brass parts": tinted(0.35, 0.78, 1.0),
    "square washers": reshaped(_square),
    "larger product": sized(1.3),
    "no bolts": without(2),
    "bright belt": other_belt((190, 196, 200), 1.2),
    "stamp": shown_as(stamped),
    "gears": gears,
    "camera on its side": turned_by(1),
}
"""Families that limits were chosen with, beside those of `label_free_worlds.CHANGES`."""

HELD: dict[str, Make] = {
    "blue parts": tinted(1.0, 0.5, 0.25),
    "rusty parts": paint(_rust),
    "striped parts": paint(_stripes),
    "broken washers": reshaped(_halved, 0.0),
    "smaller product": sized(0.65),
    "only nuts": without(0, 2),
    "piled parts": drawn_with("_place_parts", piled),
    "wooden belt": other_belt((60, 105, 150), 3.0),
    "tray": drawn_with("_belt_under", tray),
    "printed belt": printed(False),
    "mirror writing": printed(True),
    "film": shown_as(wrapped_up),
    "hand": handed,
    "colours swapped": shown_as(lambda image, _rng: image[:, :, ::-1]),
    "negative": shown_as(lambda image, _rng: 255 - image),
    "camera upside down": turned_by(2),
    "picture squeezed": zoomed(0.75, 1.0),
    "camera lower": zoomed(1.6, 1.6),
}
"""Families that limits were not chosen with."""
