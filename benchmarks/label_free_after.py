"""Changes of objects and ground, and harmless kinds, drawn after the look inside boxes was committed.

For `label_free.py`.
No rule or limit was changed after they were counted.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from label_free_held import Make, drawn_with, shown_as
from label_free_unseen import BOLT, NUT, WASHER, Floats, Image, painted, ring, shaped, spun
from numpy.typing import NDArray

from tasks.scenarios.parts_scene import SIZE


def off_centre(turn: float) -> tuple[Floats, Floats]:
    """A washer whose bore is not in its middle."""
    return ring(48, turn), ring(48, turn, 0.55) + spun([(0.25, 0.0)], turn)


def bent(turn: float) -> tuple[Floats, None]:
    """A bolt that is bent in the middle."""
    side = [(-0.95, 0.3), (-0.95, -0.3), (-0.6, -0.36), (-0.6, -0.16), (0.2, -0.16), (0.95, 0.25), (0.8, 0.5)]
    return spun([*side, (0.1, 0.16), (-0.6, 0.16), (-0.6, 0.36)], turn), None


def bevel(canvas: Floats, part: Any, _rng: Any) -> None:
    """A dark bevel around the bore."""
    middle = (part.outline.max(0) + part.outline.min(0)) / 2
    reach = float(np.hypot(*(part.outline - middle).T).max())
    cv2.circle(canvas, tuple(np.rint(middle).astype(int).tolist()), round(0.68 * reach), (95, 95, 95), 4, cv2.LINE_AA)


def grease(canvas: Floats, part: Any, rng: Any) -> None:
    """A brown smear on one side of the part."""
    x, y = (float(v) for v in rng.choice(part.outline))
    rows, columns = np.mgrid[:SIZE, :SIZE]
    cover = np.clip(1.4 - np.hypot(columns - x, rows - y) / 16, 0, 0.85)[:, :, None].astype(np.float32)
    canvas[:] = canvas * (1 - cover) + np.array([40, 70, 110], np.float32) * cover


def crack(canvas: Floats, part: Any, rng: Any) -> None:
    """A crack runs across the part."""
    a, b = (part.outline.max(0) + part.outline.min(0)) / 2, rng.uniform(-1, 1, 2)
    along = 40 * b / max(float(np.hypot(*b)), 1e-6)
    cv2.line(canvas, np.rint(a - along).astype(int).tolist(), np.rint(a + along).astype(int).tolist(), (45, 45, 45), 3)


def capped(canvas: Floats, part: Any, _rng: Any) -> None:
    """The head is in a black plastic cap."""
    head = part.outline[[0, 1, 2, 8]].mean(0)
    cv2.circle(canvas, tuple(np.rint(head).astype(int).tolist()), 9, (35, 35, 35), -1, cv2.LINE_AA)


def mesh(usual: Any, scene: Any) -> Floats:
    """A mat of wire lies under the parts."""
    canvas, start = usual(scene).copy(), scene.seed % 24
    for at in range(-SIZE + start, 2 * SIZE, 24):
        cv2.line(canvas, (at, 0), (at + SIZE, SIZE), (132, 134, 136), 2, cv2.LINE_AA)
        cv2.line(canvas, (at, 0), (at - SIZE, SIZE), (132, 134, 136), 2, cv2.LINE_AA)
    return np.asarray(canvas, np.float32)


def ruler(usual: Any, scene: Any) -> Floats:
    """A steel rule lies along the edge of the belt."""
    canvas = usual(scene).copy()
    canvas[:, :20] = (176, 178, 178)
    for at in range(0, SIZE, 8):
        canvas[at : at + 2, : 14 if at % 40 == 0 else 8] = 30
    return np.asarray(canvas, np.float32)


def sprayed(usual: Any, scene: Any) -> Floats:
    """Arrows were sprayed on the belt."""
    canvas = usual(scene).copy()
    for x in (50, 180):
        y = 40 + scene.seed % 150
        cv2.arrowedLine(canvas, (x, y), (x + 8, y + 58), (190, 205, 70), 8, cv2.LINE_AA, 0, 0.35)
    return np.asarray(canvas, np.float32)


AFTER: dict[str, Make] = {
    "square bores": shaped(NUT, lambda turn: (ring(6, turn), ring(4, turn, 0.5))),
    "bores off centre": shaped(WASHER, off_centre),
    "bent bolts": shaped(BOLT, bent),
    "bevelled washers": painted(bevel, WASHER),
    "greasy nuts": painted(grease, NUT),
    "cracked parts": painted(crack, WASHER, NUT, BOLT),
    "capped bolts": painted(capped, BOLT),
    "wire mesh": drawn_with("_belt_under", mesh),
    "steel rule": drawn_with("_belt_under", ruler),
    "sprayed arrows": drawn_with("_belt_under", sprayed),
}
"""Families drawn after the last rule and limit was set."""


def hum(image: Image, rng: np.random.Generator) -> NDArray[Any]:
    """A slanted pattern of interference, three grey levels."""
    y, x = np.mgrid[:SIZE, :SIZE]
    return np.asarray(image + 3 * np.sin(x / 3 + y / 7 + rng.uniform(0, 6))[:, :, None], np.float32)


def smaller(image: Image, _rng: np.random.Generator) -> NDArray[Any]:
    """Sent at three quarters of the size and brought back."""
    few = cv2.resize(image, (3 * SIZE // 4, 3 * SIZE // 4), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(few, (SIZE, SIZE), interpolation=cv2.INTER_CUBIC), np.uint8)


def brighter_side(image: Image, _rng: np.random.Generator) -> NDArray[Any]:
    """Daylight from one side."""
    return np.asarray(image * np.linspace(1.12, 0.95, SIZE)[None, :, None], np.float32)


MILD_AFTER: dict[str, Make] = {
    "hum": shown_as(hum),
    "sent smaller": shown_as(smaller),
    "light from a side": shown_as(brighter_side),
    "denoised": shown_as(lambda image, _rng: cv2.medianBlur(image, 3)),
    "colder white": shown_as(lambda image, _rng: image * np.array([1.07, 1.0, 0.95])),
    "raised black": shown_as(lambda image, _rng: 12 + image * 0.95),
}
"""Harmless kinds drawn after the last rule and limit was set."""
