"""What lenses, sensors and software do to pictures that matters to nobody; for `label_free.py`.

None of it is on the ladder that calibrations are fitted on, and no limit was chosen with it. As long as the model is as
good as before within five points, a number has to be given.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
from label_free_held import Make, shown_as
from label_free_worlds import scenes
from numpy.typing import NDArray

from tasks.scenarios.parts_scene import SIZE, Scene

Image = NDArray[np.uint8]


def fading(image: Image, _rng: np.random.Generator) -> NDArray[Any]:
    """A lens whose corners are a sixth darker, its middle a little off."""
    y, x = np.mgrid[:SIZE, :SIZE] / SIZE - np.array([0.46, 0.55])[:, None, None]
    return np.asarray(image * (1 - 0.35 * (x**2 + y**2))[:, :, None], np.float32)


def jpeg(quality: int, *more: int) -> Callable[[Image, np.random.Generator], NDArray[Any]]:
    """Another compression; `more` are further parameters of the encoder."""

    def change(image: Image, _rng: np.random.Generator) -> NDArray[Any]:
        packed = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality, *more])[1]
        return np.asarray(cv2.imdecode(packed, 1), np.uint8)

    return change


def coarse_colour(image: Image, _rng: np.random.Generator) -> NDArray[Any]:
    """Colour at a quarter of the resolution."""
    parts = cv2.cvtColor(image, cv2.COLOR_BGR2YCrCb)
    few = cv2.resize(parts[:, :, 1:], (SIZE // 4, SIZE // 4), interpolation=cv2.INTER_AREA)
    parts[:, :, 1:] = cv2.resize(few, (SIZE, SIZE), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.cvtColor(parts, cv2.COLOR_YCrCb2BGR), np.uint8)


def dead_pixels(image: Image, _rng: np.random.Generator) -> NDArray[Any]:
    """Sixty pixels of the sensor are dead or stuck, always the same."""
    fixed = np.random.default_rng(3).integers(0, SIZE, (60, 2))
    image[fixed[:30, 0], fixed[:30, 1]], image[fixed[30:, 0], fixed[30:, 1]] = 0, 255
    return image


def banding(image: Image, rng: np.random.Generator) -> NDArray[Any]:
    """Lamps that flicker: six soft bands, five per cent, elsewhere in every picture."""
    wave = 1 + 0.05 * np.sin(np.arange(SIZE) * (12 * np.pi / SIZE) + rng.uniform(0, 6))
    return np.asarray(image * wave[:, None, None], np.float32)


def sharper(image: Image, _rng: np.random.Generator) -> NDArray[Any]:
    """A camera that sharpens."""
    plain = image.astype(np.float32)
    return np.asarray(plain + 0.6 * (plain - cv2.GaussianBlur(plain, (0, 0), 1.2)), np.float32)


def gained(image: Image, rng: np.random.Generator) -> NDArray[Any]:
    """A fifth less light, made up for by the sensor, with its noise."""
    return np.asarray((image * 0.8 + rng.normal(0, 4, image.shape)) * 1.25, np.float32)


def bent(world: str, n: int) -> list[Scene]:
    """A lens that bends straight lines by two pixels; boxes follow."""
    y, x = (np.mgrid[:SIZE, :SIZE] - SIZE / 2).astype(np.float32)
    push = 1 - 0.02 * (x**2 + y**2) / (SIZE / 2) ** 2
    found = []
    for scene in scenes(world, n):
        shown = cv2.remap(scene.image, x * push + SIZE / 2, y * push + SIZE / 2, cv2.INTER_LINEAR)
        away = scene.boxes.reshape(-1, 2) - SIZE / 2
        out = away * (1 + 0.02 * (away**2).sum(1, keepdims=True) / (SIZE / 2) ** 2) + SIZE / 2
        found.append(replace(scene, image=shown, boxes=np.clip(out, 0, SIZE).reshape(-1, 4).astype(np.float32)))
    return found


def fringes(image: Image, _rng: np.random.Generator) -> NDArray[Any]:
    """Red and blue lie half a pixel beside green."""
    for channel, shift in ((0, 0.5), (2, -0.5)):
        matrix = np.array([[1, 0, shift], [0, 1, 0]], np.float32)
        image[:, :, channel] = cv2.warpAffine(image[:, :, channel], matrix, (SIZE, SIZE), borderMode=1)
    return image


MILD: dict[str, Make] = {
    "darker corners": shown_as(fading),
    "coarse colour": shown_as(coarse_colour),
    "JPEG 60": shown_as(jpeg(60)),
    "JPEG 30": shown_as(jpeg(30)),
    "dead pixels": shown_as(dead_pixels),
    "banding": shown_as(banding),
    "sharpened": shown_as(sharper),
    "gain and noise": shown_as(gained),
    "warmer white": shown_as(lambda image, _rng: image * np.array([0.94, 1.0, 1.06])),
    "bent lines": bent,
    "colour fringes": shown_as(fringes),
    "six bits": shown_as(lambda image, _rng: image // 4 * 4 + 2),
    "shaken": shown_as(lambda image, _rng: cv2.blur(image, (3, 1))),
    "grey": shown_as(lambda image, _rng: np.repeat(image.mean(2, keepdims=True), 3, 2)),
}
"""Harmless kinds that no rule or limit was chosen with."""
