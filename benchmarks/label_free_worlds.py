"""Sets of generated scenes for `label_free.py`: clean ones, pictures that get worse, and changes of what is shown.

None of these kinds of damage is on the ladder that calibrations are fitted on, and none was looked at while limits were
chosen: those were set on fog, night, motion blur, stuck dirt, pepper noise, glare, colour cast, a falling shade, and on
other seeds of the changes of what is shown.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.scenarios import parts_scene
from tasks.scenarios.parts_scene import CAMERAS, SIZE, Scene, SceneSpec, render

Image = NDArray[np.uint8]
Damage = Callable[[Image, float, np.random.Generator], NDArray[np.float32]]


def _flat(image: Image) -> NDArray[np.float32]:
    return image.astype(np.float32)


def gamma(image: Image, v: float, _rng: np.random.Generator) -> NDArray[np.float32]:
    return np.asarray((_flat(image) / 255) ** v * 255, np.float32)


def defocus(image: Image, v: float, _rng: np.random.Generator) -> NDArray[np.float32]:
    y, x = np.mgrid[-9:10, -9:10]
    disc = np.clip(v + 0.5 - np.hypot(x, y), 0, 1).astype(np.float32)
    return _flat(cv2.filter2D(image, -1, disc / disc.sum()))


def rows(image: Image, v: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """A sensor whose rows differ."""
    return _flat(image) + rng.normal(0, v, (image.shape[0], 1, 1)).astype(np.float32)


def vignette(image: Image, v: float, _rng: np.random.Generator) -> NDArray[np.float32]:
    grid = np.linspace(-1, 1, image.shape[0], dtype=np.float32)
    return np.asarray(_flat(image) * np.exp(-v * (grid[:, None] ** 2 + grid[None] ** 2))[:, :, None], np.float32)


def rain(image: Image, v: float, rng: np.random.Generator) -> NDArray[np.float32]:
    canvas = image.copy()
    for x, y in rng.integers(0, SIZE, (int(v), 2)).tolist():
        cv2.line(canvas, (x, y), (x + 6, y + 22), (190, 190, 190), 1, cv2.LINE_AA)
    return _flat(canvas)


def haze(image: Image, v: float, _rng: np.random.Generator) -> NDArray[np.float32]:
    """A veil that is thicker in one corner, and soft."""
    grid = np.linspace(0.5, 1, image.shape[0], dtype=np.float32)
    veil = v * (grid[:, None] * grid[None])[:, :, None]
    return np.asarray(cv2.GaussianBlur(_flat(image), (0, 0), 0.3 + v) * (1 - veil) + 150 * veil, np.float32)


DAMAGES: dict[str, tuple[Damage, tuple[float, ...]]] = {
    "gamma": (gamma, (1.1, 1.4, 1.9, 2.6, 3.5)),
    "defocus": (defocus, (0.6, 1.2, 2.0, 3.2, 5.0)),
    "row noise": (rows, (2.0, 6.0, 12.0, 22.0, 36.0)),
    "vignette": (vignette, (0.15, 0.4, 0.8, 1.3, 2.0)),
    "rain": (rain, (8.0, 25.0, 60.0, 120.0, 220.0)),
    "haze": (haze, (0.1, 0.25, 0.4, 0.55, 0.7)),
}


def scenes(name: str, n: int, new_share: float = 0.0) -> list[Scene]:
    seed, cameras = zlib.crc32(name.encode()) % 10_000, list(CAMERAS)
    specs = (
        SceneSpec(seed=10_000 * seed + i, camera=cameras[i % 4], hour=7 + 12 * i / n, new_share=new_share)
        for i in range(n)
    )
    return [render(spec) for spec in specs]


def damaged(kind: str, severity: int, n: int) -> list[Scene]:
    damage, strengths = DAMAGES[kind]
    found = []
    for i, scene in enumerate(scenes(f"{kind} {severity}", n)):
        worse = damage(scene.image, strengths[severity - 1], np.random.default_rng([severity, i]))
        found.append(replace(scene, image=np.clip(np.rint(worse), 0, 255).astype(np.uint8)))
    return found


def warped(name: str, n: int, matrix: NDArray[np.float64]) -> list[Scene]:
    """The camera was moved: boxes are moved with it, what leaves the picture by more than half is no object."""
    found = []
    for scene in scenes(name, n):
        image = cv2.warpPerspective(scene.image, matrix, (SIZE, SIZE), borderMode=cv2.BORDER_REFLECT_101)
        corners = scene.boxes[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 1, 2)
        moved = cv2.perspectiveTransform(corners, matrix).reshape(-1, 4, 2)
        whole = np.concatenate([moved.min(1), moved.max(1)], 1)
        boxes = np.clip(whole, 0, SIZE)
        area = (boxes[:, 2:] - boxes[:, :2]).prod(1) / (whole[:, 2:] - whole[:, :2]).prod(1)
        found.append(replace(scene, image=image, boxes=boxes[area > 0.5], classes=scene.classes[area > 0.5]))
    return found


def foreign(name: str, n: int, count: int) -> list[Scene]:
    """Rods and crosses that nobody taught lie between the parts."""
    found = []
    for i, scene in enumerate(scenes(name, n)):
        rng, image, placed = np.random.default_rng([count, i]), scene.image.copy(), 0
        for x, y in rng.uniform(30, SIZE - 30, (60, 2)):
            inside = (scene.boxes[:, :2] - 26 < (x, y)).all(1) & (scene.boxes[:, 2:] + 26 > (x, y)).all(1)
            if inside.any() or placed == count:
                continue
            placed, turn = placed + 1, rng.uniform(0, math.pi)
            for angle in (turn, turn + math.pi / 2)[: 1 + placed % 2]:
                reach = 22 * np.array([math.cos(angle), math.sin(angle)])
                ends = [tuple(int(side) for side in (x, y) + sign * reach) for sign in (-1, 1)]
                cv2.line(image, ends[0], ends[1], (120, 140, 150), 11, cv2.LINE_AA)
                cv2.line(image, ends[0], ends[1], (190, 195, 196), 7, cv2.LINE_AA)
        found.append(replace(scene, image=image))
    return found


def squashed(name: str, n: int, share: float) -> list[Scene]:
    """Another product of the same classes: every part is narrower in one direction of its own."""
    usual = parts_scene._shape

    def narrow(number: int, radius: float, turn: float, centre: parts_scene.Floats):  # type: ignore[no-untyped-def]
        outline, hole = usual(number, radius, turn, np.zeros(2, np.float32))
        spin = np.array([[math.cos(2 * turn), math.sin(2 * turn)], [-math.sin(2 * turn), math.cos(2 * turn)]])
        change = spin.T @ np.diag([1.0, share]) @ spin
        return [None if e is None else (e @ change + centre).astype(np.float32) for e in (outline, hole)]

    parts_scene._shape = narrow
    try:
        return scenes(name, n)
    finally:
        parts_scene._shape = usual


def _about(zoom: float, degrees: float = 0.0, right: float = 0.0) -> NDArray[np.float64]:
    turn = np.vstack([cv2.getRotationMatrix2D((SIZE / 2, SIZE / 2), degrees, zoom), [0, 0, 1]])
    turn[0, 2] += right
    return np.asarray(turn, np.float64)


def _oblique(share: float) -> NDArray[np.float64]:
    low, high = SIZE * share, SIZE * (1 - share)
    seen = np.float32([[low, 0], [SIZE, low / 2], [SIZE, high], [low / 2, SIZE]])
    return cv2.getPerspectiveTransform(np.float32([[0, 0], [SIZE, 0], [SIZE, SIZE], [0, SIZE]]), seen)


CHANGES: dict[str, Callable[[str, int], list[Scene]]] = {
    **{f"new finish {s:.0%}": lambda name, n, s=s: scenes(name, n, s) for s in (0.3, 0.6, 0.95)},
    **{f"foreign objects {c}": lambda name, n, c=c: foreign(name, n, c) for c in (1, 3)},
    **{f"narrow parts {s:g}": lambda name, n, s=s: squashed(name, n, s) for s in (0.75, 0.5)},
    **{f"camera nearer {z:g}": lambda name, n, z=z: warped(name, n, _about(z)) for z in (0.85, 1.3)},
    **{f"camera turned {d}": lambda name, n, d=d: warped(name, n, _about(1.0, d, 0.9 * d)) for d in (12, 25)},
    **{f"oblique view {s:g}": lambda name, n, s=s: warped(name, n, _oblique(s)) for s in (0.15, 0.3)},
}
