"""Healthy twins of the classic faults: nothing is wrong with the camera."""

from __future__ import annotations

import cv2
import numpy as np
from camera_ways import Change, Image, Rng, Way, clipped, every
from camera_ways_classic_lens import sensed


def light(low: float, high: float, tint: float) -> Way:
    """A little more or less light, of a slightly other colour where there is any."""

    def change(rng: Rng) -> Change:
        gains = rng.uniform(low, high) * rng.uniform(1 - tint, 1 + tint, 3)

        def made(image: Image) -> Image:
            grey = not np.ptp(image[::7, ::7].astype(np.int16), axis=2).any()
            return clipped(image * (gains.mean() if grey else gains))

        return made

    return every(change)


def firmware(low: int, high: int) -> Way:
    """New firmware: another quality of the JPEGs."""

    def change(rng: Rng) -> Change:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(low, high))]
        return lambda image: np.asarray(cv2.imdecode(cv2.imencode(".jpg", image, quality)[1], 1), dtype=np.uint8)

    return every(change)


def busier(images: list[Image], rng: Rng) -> list[Image]:
    """Another mix of things: one to four more in every picture, each elsewhere, in the light of the picture."""
    made = []
    for image in images:
        shown, (high, wide) = image.copy(), image.shape[:2]
        for _ in range(int(rng.integers(1, 5))):
            at = (float(rng.uniform(0.1, 0.9) * wide), float(rng.uniform(0.1, 0.9) * high))
            size = (float(rng.uniform(0.06, 0.16) * high), float(rng.uniform(0.06, 0.12) * high))
            tone = np.clip(image.mean() * rng.uniform(0.4, 1.7) * rng.uniform(0.7, 1.2, 3), 0, 250)
            corners = np.asarray(cv2.boxPoints((at, size, float(rng.uniform(-10, 10))))).astype(np.int32)
            cv2.fillConvexPoly(shown, corners, tone.tolist(), cv2.LINE_AA)
            cv2.polylines(shown, [corners], True, (0.6 * tone).tolist(), 1, cv2.LINE_AA)
        made.append(sensed(shown.astype(np.float32), image, rng))
    return made


def hours(first: float, last: float) -> Way:
    """Dusk or dawn, seen by all: light goes or comes over the window, and redder where it is less."""

    def way(images: list[Image], rng: Rng) -> list[Image]:
        levels = np.linspace(first, last, len(images)) * rng.uniform(0.95, 1.05)
        made = []
        for image, level in zip(images, levels, strict=True):
            grey = not np.ptp(image[::7, ::7].astype(np.int16), axis=2).any()
            tint = 1.0 if grey else np.array([1 - 0.12 * (1 - level), 1, 1 + 0.12 * (1 - level)], np.float32)
            made.append(clipped(image * level * tint))
        return made

    return way


SOUND: dict[str, dict[str, Way]] = {
    "sound, one": {"light": light(0.93, 1.07, 0.01), "firmware": firmware(80, 91), "busier": busier},
    "sound, all": {
        "lamps": light(0.8, 1.2, 0.05), "firmware": firmware(70, 91), "busier": busier,
        "dusk": hours(1.0, 0.4), "dawn": hours(0.4, 1.0),
    },
}  # fmt: skip
