"""Changes of what is shown, as a stranger would draw them for an acceptance test of estimates; for `label_free.py`.

Drawn before the sign of how objects look inside their boxes was thought of. Half of them change the objects and leave
their boxes as they are, half change what lies around or over them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
from label_free_fresh import put
from label_free_held import Make, drawn_with, shown_as
from label_free_worlds import scenes
from numpy.typing import NDArray

from tasks.scenarios import parts_scene
from tasks.scenarios.parts_scene import CAMERAS, SIZE, Scene, SceneSpec, render

Image = NDArray[np.uint8]
Floats = NDArray[np.float32]
Outline = Callable[[float], tuple[Floats, Floats | None]]
Brush = Callable[[Floats, Any, Any], None]

WASHER, NUT, BOLT = range(3)


def shaped(number: int, outline: Outline) -> Make:
    """One class in another outline: outline and hole (k, 2) of radius 1 around (0, 0), for a turn."""

    def wrapped(usual: Any, asked: int, radius: float, turn: float, centre: Floats) -> Any:
        if asked != number:
            return usual(asked, radius, turn, centre)
        return tuple(None if e is None else (e * radius + centre).astype(np.float32) for e in outline(turn))

    return drawn_with("_shape", wrapped)


def ring(corners: int, turn: float, reach: float | Floats = 1.0) -> Floats:
    """A closed line around (0, 0)."""
    angles = turn + np.arange(corners) * (2 * math.pi / corners)
    return np.asarray(np.stack([np.cos(angles), np.sin(angles)], 1) * np.reshape(reach, (-1, 1)), np.float32)


def spun(points: list[tuple[float, float]], turn: float) -> Floats:
    """Points turned about (0, 0), as bolts are."""
    spin = np.array([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]])
    return np.asarray(np.array(points) @ spin, np.float32)


def notched(turn: float) -> tuple[Floats, Floats | None]:
    """A washer with a notch in its rim."""
    inside = np.abs(np.arange(48) - 24) < 4
    return ring(48, turn, np.where(inside, 0.72, 1.0).astype(np.float32)), ring(48, turn, 0.6)


def star(turn: float) -> tuple[Floats, Floats | None]:
    """A toothed washer."""
    return ring(64, turn, np.where(np.arange(64) // 2 % 2, 0.8, 1.0).astype(np.float32)), ring(48, turn, 0.6)


def round_head(turn: float) -> tuple[Floats, None]:
    """A bolt with a round head."""
    angles = np.linspace(0.46, 2 * math.pi - 0.46, 24)
    head = [(-0.6 + 0.36 * math.cos(a), 0.36 * math.sin(a)) for a in angles]
    return spun([*head, (0.95, -0.16), (0.98, 0.0), (0.95, 0.16)], turn), None


def longer(turn: float) -> tuple[Floats, None]:
    """A bolt a fifth longer, as thick as before."""
    side = [(-1.15, 0.3), (-1.15, -0.3), (-0.8, -0.36), (-0.8, -0.16), (1.15, -0.16), (1.18, 0.0), (1.15, 0.16)]
    return spun([*side, (-0.8, 0.16), (-0.8, 0.36)], turn), None


def painted(brush: Brush, *numbers: int) -> Make:
    """`brush` paints over parts of these classes; nothing of it lies beside them."""

    def wrapped(usual: Any, canvas: Floats, part: Any, rng: Any) -> None:
        usual(canvas, part, rng)
        if part.number in numbers:
            over, mask = canvas.copy(), parts_scene._mask(part)[:, :, None]
            brush(over, part, rng)
            canvas[:] = canvas * (1 - mask) + over * mask

    return drawn_with("_draw", wrapped)


def _frame(part: Any) -> tuple[Floats, Floats, float]:
    """Middle, long axis (2,) and half length of a part."""
    middle = (part.outline.max(0) + part.outline.min(0)) / 2
    axis = np.linalg.svd(part.outline - part.outline.mean(0))[2][0]
    return middle, axis, float(np.abs((part.outline - middle) @ axis).max())


def dot(canvas: Floats, part: Any, rng: Any) -> None:
    """A dot of red paint."""
    y, x = rng.choice(np.argwhere(parts_scene._mask(part) > 0.9))
    cv2.circle(canvas, (int(x), int(y)), 6, (40, 40, 205), -1, cv2.LINE_AA)


def engraving(canvas: Floats, part: Any, _rng: Any) -> None:
    """Letters are cut into the part."""
    x, y = np.rint(_frame(part)[0]).astype(int).tolist()
    cut = np.zeros((SIZE, SIZE, 1), np.uint8)
    cv2.putText(cut, "HX8", (x - 24, y + 8), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (255,), 2, cv2.LINE_AA)
    canvas[:] = np.where(cut > 127, 70, canvas)


def gloss(canvas: Floats, part: Any, rng: Any) -> None:
    """A polished part mirrors a bright window and the dark hall."""
    (x, y), turn = _frame(part)[0], float(rng.uniform(0, 2 * math.pi))
    rows, columns = np.mgrid[:SIZE, :SIZE]
    across = ((columns - x) * math.cos(turn) + (rows - y) * math.sin(turn)) / 6
    canvas[:] = canvas * 0.6 + 125 * (np.exp(-(across**2)))[:, :, None].astype(np.float32)


def threads(canvas: Floats, part: Any, _rng: Any) -> None:
    """A thread that can be seen."""
    middle, axis, _ = _frame(part)
    y, x = np.mgrid[:SIZE, :SIZE]
    along = (x - middle[0]) * axis[0] + (y - middle[1]) * axis[1]
    canvas *= (0.75 + 0.25 * np.sign(np.sin(along * (2 * math.pi / 5))))[:, :, None].astype(np.float32)


def foil(usual: Any, canvas: Floats, part: Any, rng: Any) -> None:
    """Half of every part is packed in crinkled foil."""
    usual(canvas, part, rng)
    (x, y), axis, reach = _frame(part)
    rows, columns = np.mgrid[:SIZE, :SIZE]
    side = (columns - x) * axis[0] + (rows - y) * axis[1]
    pack = (side > 0) & (np.hypot(columns - x, rows - y) < reach)
    crinkled = cv2.GaussianBlur(rng.normal(0, 1, (SIZE, SIZE)).astype(np.float32), (0, 0), 1.5)
    canvas[pack] = (165 + 170 * crinkled[pack])[:, None] * np.array([1.0, 0.98, 0.95], np.float32)


def with_nut(usual: Any, canvas: Floats, part: Any, rng: Any) -> None:
    """A nut is screwed on every bolt."""
    usual(canvas, part, rng)
    if part.number == BOLT:
        middle, axis, reach = _frame(part)
        nut = (ring(6, 0.3) * 0.34 * reach + middle + 0.1 * reach * axis).astype(np.float32)
        usual(canvas, replace(part, outline=nut, hole=None), rng)


def two_shadows(usual: Any, canvas: Floats, part: Any, rng: Any) -> None:
    """A second lamp: every part throws another shadow, hard and far."""
    shadow = np.roll(parts_scene._mask(part), (16, -18), axis=(0, 1))[:, :, None]
    canvas *= 1 - 0.6 * shadow
    usual(canvas, part, rng)


def barcodes(usual: Any, scene: Any) -> Floats:
    """White labels with bar codes stick to the belt."""
    canvas, rng = usual(scene).copy(), np.random.default_rng([scene.seed, 61])
    for x, y in rng.integers(0, SIZE - 64, (2, 2)).tolist():
        cv2.rectangle(canvas, (x, y), (x + 60, y + 34), (222, 224, 224), -1)
        for bar in rng.integers(5, 55, 14).tolist():
            cv2.line(canvas, (x + bar, y + 5), (x + bar, y + 29), (25, 25, 25), int(rng.integers(1, 4)))
    return np.asarray(canvas, np.float32)


def stripes(usual: Any, scene: Any) -> Floats:
    """A belt with broad stripes."""
    wave = ((np.arange(SIZE) + scene.seed % 40) // 20 % 2).astype(np.float32) * 30
    return np.asarray(usual(scene) + wave[None, :, None], np.float32)


def half_other(usual: Any, scene: Any) -> Floats:
    """A seam: half of the belt is of felt."""
    canvas, grain = usual(scene).copy(), np.random.default_rng([scene.seed, 67]).normal(0, 9, (SIZE, SIZE // 2, 1))
    canvas[:, SIZE // 2 :] = np.array([120, 112, 58], np.float32) + grain
    return np.asarray(canvas, np.float32)


def oil_film(image: Image, rng: np.random.Generator) -> Floats:
    """Oil on the glass before the lens: bands of colour."""
    thick = cv2.GaussianBlur(rng.normal(0, 1, (SIZE, SIZE)).astype(np.float32), (0, 0), 22)
    bands = 9 * thick[:, :, None] / thick.std() / 2 + np.array([0.0, 2.1, 4.2], np.float32)
    return np.asarray(image * (1 + 0.22 * np.sin(bands)), np.float32)


def recorder(image: Image, _rng: np.random.Generator) -> Image:
    """A recorder writes into the picture, on no ground of its own."""
    cv2.putText(image, "CAM 03  REC", (110, 246), cv2.FONT_HERSHEY_SIMPLEX, 0.65, (250, 250, 250), 2, cv2.LINE_AA)
    return image


def inset(image: Image, rng: np.random.Generator) -> None:
    """A small picture of another camera in the corner."""
    other = render(SceneSpec(seed=int(rng.integers(10**9)), camera=list(CAMERAS)[int(rng.integers(4))])).image
    image[6:86, 170:250] = cv2.resize(other, (80, 80), interpolation=cv2.INTER_AREA)


def drops(image: Image, rng: np.random.Generator) -> Image:
    """Drops of water stand on everything."""
    for x, y, r in rng.integers((8, 8, 4), (SIZE - 8, SIZE - 8, 9), (22, 3)).tolist():
        cv2.circle(image, (x, y), r, tuple((image[y, x] * 0.75).tolist()), -1, cv2.LINE_AA)
        cv2.circle(image, (x - r // 3, y - r // 3), max(r // 3, 1), (245, 245, 245), -1, cv2.LINE_AA)
    return image


def flipped(world: str, n: int) -> list[Scene]:
    """The camera shows everything mirrored."""
    turned = [(s, s.boxes[:, [2, 1, 0, 3]] * np.array([-1, 1, -1, 1]) + [SIZE, 0, SIZE, 0]) for s in scenes(world, n)]
    return [replace(s, image=np.ascontiguousarray(s.image[:, ::-1]), boxes=np.float32(b)) for s, b in turned]


UNSEEN: dict[str, Make] = {
    "filled nuts": shaped(NUT, lambda turn: (ring(6, turn), None)),
    "thin washers": shaped(WASHER, lambda turn: (ring(48, turn), ring(48, turn, 0.8))),
    "octagon nuts": shaped(NUT, lambda turn: (ring(8, turn), ring(48, turn, 0.4))),
    "notched washers": shaped(WASHER, notched),
    "toothed washers": shaped(WASHER, star),
    "round-headed bolts": shaped(BOLT, round_head),
    "longer bolts": shaped(BOLT, longer),
    "red dots": painted(dot, WASHER, NUT, BOLT),
    "engraved parts": painted(engraving, WASHER, NUT, BOLT),
    "glossy parts": painted(gloss, WASHER, NUT, BOLT),
    "threaded bolts": painted(threads, BOLT),
    "half in foil": drawn_with("_draw", foil),
    "nuts on bolts": drawn_with("_draw", with_nut),
    "two shadows": drawn_with("_draw", two_shadows),
    "bar codes": drawn_with("_belt_under", barcodes),
    "striped belt": drawn_with("_belt_under", stripes),
    "half of felt": drawn_with("_belt_under", half_other),
    "oil film": shown_as(oil_film),
    "recorder": shown_as(recorder),
    "inset picture": put(inset),
    "drops": shown_as(drops),
    "mirrored camera": flipped,
}
"""Families that no rule or limit was chosen with."""
