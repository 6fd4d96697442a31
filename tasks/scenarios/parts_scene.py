"""Washers, nuts and bolts on conveyor belts, drawn so that every box is known exactly: the `parts` demonstration.

A scene is made as a photograph is: a belt, parts lying on it with their shadows, the light of the hour, what sticks
to the lens, the noise of the sensor, in that order. Each draws from its own random stream, so that one change in a
:class:`SceneSpec` changes one thing: the same seed in failing light holds the same parts in the same places.

Three things can go wrong, each by one number of the specification:

- `light`: a lamp fails over one camera; 1/3 leaves a third of the light, while the sensor's noise stays as it was;
- `dirt`: grease on the lens, in a pattern that belongs to the camera and stays where it is;
- `new_share`: parts in a new finish, black oxide instead of bright zinc. Classes stay, their look does not.
"""

import math
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.scenarios.parts_cameras import BELT, CAMERAS, SIZE, Floats, grease, lamp_field, weave

CLASSES: Final = ("washer", "nut", "bolt")
"""Class names; the place of a name is its class number."""

_NOISE_SIGMA, _MARGIN = 3.0, 4.0
_LAYOUT, _LOOK, _SENSOR = range(3)

_REACH: Final = 24
"""Pixels beyond its outline that a part's shadow can touch: moved by 3, and blurred over a kernel of 21."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneSpec:
    """Everything that decides a scene; equal specifications give equal pixels.

    `hour` is the time of day in [0, 24). `light` multiplies the light (1 is healthy), `dirt` is the share of the lens
    covered, `new_share` the chance of each part to have the new finish; both lie in [0, 1].
    """

    seed: int
    camera: str = "cam-1"
    hour: float = 12.0
    light: float = 1.0
    dirt: float = 0.0
    new_share: float = 0.0

    def __post_init__(self) -> None:
        """Refuses what cannot be drawn, naming the value that is wrong."""
        if self.camera not in CAMERAS:
            raise ValueError(f"camera {self.camera!r} is not one of {', '.join(CAMERAS)}")
        if self.seed < 0 or self.light < 0:
            raise ValueError(f"seed and light must not be negative: seed={self.seed}, light={self.light}")
        if not (0 <= self.dirt <= 1 and 0 <= self.new_share <= 1):
            raise ValueError(f"dirt and new_share lie in [0, 1]: {self.dirt}, {self.new_share}")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scene:
    """A picture and its truth: `image` (256, 256, 3) uint8 BGR, `boxes` (n, 4) float32 xyxy pixels, `classes` (n,).

    n is 2 to 6. Boxes touch the outermost drawn point of a part, shadow excluded, and lie inside the picture.
    """

    image: NDArray[np.uint8]
    boxes: Floats
    classes: NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Part:
    """A part before it is drawn: outer outline (k, 2) in pixels, optional hole (m, 2), class number, finish."""

    outline: Floats
    hole: Floats | None
    number: int
    is_new: bool


def render(scene: SceneSpec) -> Scene:
    """The picture that `scene` describes, with the box and class of every part in it (about 10 ms).

    >>> truth = render(SceneSpec(seed=7))
    >>> truth.image.shape, truth.boxes.shape[1], len(truth.boxes) == len(truth.classes)
    ((256, 256, 3), 4, True)
    """
    parts = _place_parts(scene)
    canvas = _belt_under(scene)
    look = _stream(scene, _LOOK)
    for part in parts:
        _draw(canvas, part, look)
    canvas *= (daylight(scene.hour) * scene.light * lamp_field(scene.camera))[:, :, None]
    canvas = _through_dirt(canvas, scene)
    canvas += _stream(scene, _SENSOR).normal(0, _NOISE_SIGMA, canvas.shape).astype(np.float32)
    np.clip(np.rint(canvas, out=canvas), 0, 255, out=canvas)
    return Scene(
        image=canvas.astype(np.uint8),
        boxes=np.array([_box(part) for part in parts], dtype=np.float32).reshape(-1, 4),
        classes=np.array([part.number for part in parts], dtype=np.int64),
    )


def daylight(hour: float) -> float:
    """The light of the hall as a factor: a smooth daily wave, 1.0 at 13:00 and 0.7 at 01:00.

    >>> round(daylight(13), 2), round(daylight(1), 2), round(daylight(25), 2)
    (1.0, 0.7, 0.7)
    """
    return 0.85 + 0.15 * math.cos(2 * math.pi * (hour - 13) / 24)


def _stream(scene: SceneSpec, purpose: int) -> np.random.Generator:
    """A random stream of its own for each purpose, so that drawing more of one thing never moves another."""
    return np.random.default_rng([scene.seed, list(CAMERAS).index(scene.camera), purpose])


def _place_parts(scene: SceneSpec) -> list[_Part]:
    """Two to six parts that neither touch each other nor leave the picture."""
    rng = _stream(scene, _LAYOUT)
    wanted, zoom = int(rng.integers(2, 7)), CAMERAS[scene.camera].zoom
    placed: list[tuple[float, float, float]] = []
    parts: list[_Part] = []
    for _ in range(200):
        if len(parts) == wanted:
            break
        number, radius = int(rng.integers(len(CLASSES))), float(rng.uniform(17, 29)) * zoom
        x, y = rng.uniform(radius + _MARGIN, SIZE - radius - _MARGIN, size=2)
        turn, chance = rng.uniform(0, 2 * math.pi), rng.uniform()
        if all(math.hypot(x - a, y - b) > radius + r + _MARGIN for a, b, r in placed):
            placed.append((x, y, radius))
            outline, hole = _shape(number, radius, turn, np.array([x, y], dtype=np.float32))
            parts.append(_Part(outline=outline, hole=hole, number=number, is_new=bool(chance < scene.new_share)))
    return parts


def _shape(number: int, radius: float, turn: float, centre: Floats) -> tuple[Floats, Floats | None]:
    """Outline and hole of a part of class `number` that fits into a circle of `radius` around `centre`."""
    if CLASSES[number] != "bolt":
        corners, bore = (48, 0.6) if CLASSES[number] == "washer" else (6, 0.4)
        return _polygon(corners, radius, turn, centre), _polygon(48, radius * bore, turn, centre)
    side = [(-0.95, 0.3), (-0.95, -0.3), (-0.6, -0.36), (-0.6, -0.16), (0.95, -0.16), (0.98, 0.0), (0.95, 0.16)]
    bolt = np.array([*side, (-0.6, 0.16), (-0.6, 0.36)]) * radius
    spin = np.array([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]])
    return (bolt @ spin + centre).astype(np.float32), None


def _polygon(corners: int, radius: float, turn: float, centre: Floats) -> Floats:
    """A regular polygon, (corners, 2)."""
    angles = turn + np.arange(corners) * (2 * math.pi / corners)
    return (radius * np.stack([np.cos(angles), np.sin(angles)], axis=1) + centre).astype(np.float32)


def _box(part: _Part) -> Floats:
    """The smallest upright box around the outline, (4,) xyxy."""
    return np.asarray(np.concatenate([part.outline.min(axis=0), part.outline.max(axis=0)]), dtype=np.float32)


def _around(part: _Part) -> tuple[slice, slice]:
    """Rows and columns that the part and its shadow can reach: the rest of the picture stays as it is."""
    left, top = np.floor(part.outline.min(axis=0)).astype(int) - _REACH
    right, bottom = np.ceil(part.outline.max(axis=0)).astype(int) + _REACH
    return slice(max(top, 0), min(bottom, SIZE)), slice(max(left, 0), min(right, SIZE))


def _mask(part: _Part) -> NDArray[np.uint8]:
    """How much of each pixel the part covers, (256, 256) in 0 to 255."""
    canvas = np.zeros((SIZE, SIZE), dtype=np.uint8)
    for edge, value in ((part.outline, 255), (part.hole, 0)):
        if edge is not None:
            points = np.rint((edge - 0.5) * 16).astype(np.int32)
            cv2.fillPoly(canvas, [points], (value,), lineType=cv2.LINE_AA, shift=4)
    return canvas


def _shares(mask: NDArray[np.uint8]) -> Floats:
    """The same in [0, 1]."""
    return np.asarray(mask, dtype=np.float32) / np.float32(255)


def _draw(canvas: Floats, part: _Part, rng: np.random.Generator) -> None:
    """Puts the part on `canvas`: a soft shadow, then the body in its finish with a rim where the edge turns."""
    rows, columns = _around(part)
    whole = _mask(part)
    mask, under = _shares(whole[rows, columns]), canvas[rows, columns]
    shade, tilt = float(rng.uniform(0.9, 1.1)), float(rng.uniform(0, 2 * math.pi))
    shadow = cv2.GaussianBlur(_shares(np.roll(whole, (3, 3), axis=(0, 1))[rows, columns]), (0, 0), 2.5)
    rim = mask * (1 - cv2.GaussianBlur(mask, (0, 0), 1.5))
    grid = np.linspace(-18, 18, SIZE, dtype=np.float32)
    sheen = 14 * np.sin(math.cos(tilt) * grid[None, columns] + math.sin(tilt) * grid[rows, None])
    if part.is_new:
        body = np.array([34, 30, 30], dtype=np.float32) * shade + 0.25 * sheen[:, :, None] + 150 * rim[:, :, None]
    else:
        body = np.array([196, 194, 190], dtype=np.float32) * shade + sheen[:, :, None] - 110 * rim[:, :, None]
    cover = mask[:, :, None]
    canvas[rows, columns] = under * (1 - 0.45 * shadow)[:, :, None] * (1 - cover) + body * cover


def _belt_under(scene: SceneSpec) -> Floats:
    """The piece of belt that lies under this scene, (256, 256, 3): the camera's texture, moved along by the seed."""
    moved = _stream(scene, BELT).integers(SIZE, size=2)
    texture = np.roll(weave(scene.camera), (int(moved[0]), int(moved[1])), axis=(0, 1))
    return (np.array(CAMERAS[scene.camera].belt, dtype=np.float32) + texture[:, :, None]).astype(np.float32)


def _through_dirt(canvas: Floats, scene: SceneSpec) -> Floats:
    """What the camera sees through grease: where it sticks, the picture is blurred and washed out."""
    if scene.dirt == 0:
        return canvas
    pattern = grease(scene.camera)
    stuck = (pattern >= np.quantile(pattern, 1 - scene.dirt)).astype(np.float32)
    film = cv2.GaussianBlur(stuck, (0, 0), 4)[:, :, None]
    smeared = 0.35 * cv2.GaussianBlur(canvas, (0, 0), 6) + 0.65 * canvas.mean(axis=(0, 1))
    return np.asarray(canvas * (1 - film) + smeared * film, dtype=np.float32)
