"""Light and colour of a camera as a second stranger would spoil them; part of the ways of `camera_ways_second.py`."""

from __future__ import annotations

import math

import cv2
import numpy as np
from camera_ways import Change, Image, Rng, Way, clipped, every, jpeg, noisy
from camera_ways_fresh import grid

# --- light --------------------------------------------------------------------------------------------------------


def banded(images: list[Image], rng: Rng) -> list[Image]:
    """A lamp that flickers with the mains under a rolling shutter: dark bands that wander, half of the light gone."""
    count, deep = float(rng.uniform(1.5, 4)), float(rng.uniform(0.7, 0.9))
    found = []
    for image in images:
        _, y = grid(image)
        wave = 0.5 + 0.5 * np.sin(2 * math.pi * (count * y + float(rng.uniform())))
        found.append(noisy(image * (0.9 - deep * wave)[:, :, None], 0.7, rng))
    return found


def flicker(images: list[Image], rng: Rng) -> list[Image]:
    """A lamp at its end: every exposure catches another part of its light, a half on average."""
    return [noisy(image * float(rng.uniform(0.2, 0.8)), 1.0, rng) for image in images]


def tube_out(rng: Rng) -> Change:
    """Two of three tubes are out: light is left along one side only."""
    turns, left = int(rng.integers(4)), float(rng.uniform(0.25, 0.4))

    def change(image: Image) -> Image:
        turned = np.rot90(image, turns)
        x, _ = grid(turned)
        lit = left + (0.9 - left) * np.exp(-(((x / x.max() - 0.15) / 0.25) ** 2))
        return noisy(np.rot90(turned * lit[:, :, None], -turns), 0.7, rng)

    return change


def ten_bits(rng: Rng) -> Change:
    """A driver that reads the wrong bits: half or a quarter of every value."""
    shift = int(rng.integers(1, 3))
    return lambda image: np.asarray(image >> shift, np.uint8)


def long_exposure(images: list[Image], rng: Rng) -> list[Image]:
    """The exposure is stuck at its longest: 1.7 to 2.4 times the light, and things that pass leave a ghost."""
    factor, before = float(rng.uniform(1.7, 2.4)), [images[0], *images[:-1]]
    return [clipped((0.75 * image + 0.25 * last) * factor) for image, last in zip(images, before, strict=True)]


def gain_up(rng: Rng) -> Change:
    """The gain is up: 1.5 to 2 times as bright, and as much more noise."""
    factor = float(rng.uniform(1.5, 2))
    return lambda image: noisy(image * factor, 4 * factor, rng)


def double_flash(images: list[Image], rng: Rng) -> list[Image]:
    """A flash that fires along with that of the next station in three pictures of four."""
    factor = float(rng.uniform(1.6, 2.2))
    return [clipped(image * (factor if rng.random() < 0.75 else 1.0)) for image in images]


def shadows_lifted(rng: Rng) -> Change:
    """A tone curve for deep shadows was switched on: dark is twice as bright and more, bright is hardly changed."""
    lift = float(rng.uniform(0.45, 0.6))
    return lambda image: clipped(255 * (image / 255.0) ** lift)


# --- colour -------------------------------------------------------------------------------------------------------


def saturation_off(rng: Rng) -> Change:
    """The saturation is set to a twentieth or a tenth, and packed as such."""
    left = float(rng.uniform(0.02, 0.1))

    def change(image: Image) -> Image:
        hsv = cv2.cvtColor(image, cv2.COLOR_BGR2HSV).astype(np.float32)
        hsv[:, :, 1] *= left
        return jpeg(np.asarray(cv2.cvtColor(clipped(hsv), cv2.COLOR_HSV2BGR), np.uint8), 90)

    return change


def luma_only(images: list[Image], rng: Rng) -> list[Image]:
    """A bad contact in the chroma wire: four pictures in five are grey."""
    return [np.repeat(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)[:, :, None], 3, axis=2) if n % 5 else image
            for n, image in enumerate(images)]  # fmt: skip


def sepia(rng: Rng) -> Change:
    """A picture effect that somebody switched on."""
    matrix = np.array([[0.131, 0.534, 0.272], [0.168, 0.686, 0.349], [0.189, 0.769, 0.393]])
    return lambda image: clipped(image.astype(np.float32) @ matrix.T)


def swapped_channels(rng: Rng) -> Change:
    """Red and blue are exchanged, as by a decoder with another order of bytes, under a lamp that is not quite white."""
    return lambda image: clipped(image[:, :, ::-1] * np.array([1.12, 1.0, 0.92]))


def dead_channel(rng: Rng) -> Change:
    """One colour of the sensor reads a third of its value."""
    gains = np.ones(3)
    gains[int(rng.integers(3))] = float(rng.uniform(0.25, 0.45))
    return lambda image: clipped(image * gains)


def half_filter(rng: Rng) -> Change:
    """An infrared-cut filter that is stuck a tenth of the way: all but one edge is reddish and pale."""
    red, turns = float(rng.uniform(0.4, 0.6)), int(rng.integers(4))

    def change(image: Image) -> Image:
        turned = np.rot90(image, turns)
        x, _ = grid(turned)
        open_ = (1 / (1 + np.exp((0.1 - x / x.max()) * 40)))[:, :, None]
        plain = cv2.cvtColor(np.ascontiguousarray(turned), cv2.COLOR_BGR2GRAY).astype(np.float32)[:, :, None]
        seen = 0.8 * (0.75 * turned + 0.25 * plain + plain * np.array([0.2, 0.0, red]))
        return clipped(np.rot90(turned * (1 - open_) + seen * open_, -turns))

    return change


def drifting_balance(images: list[Image], rng: Rng) -> list[Image]:
    """A white balance that runs away over the window, towards blue or towards yellow."""
    end = float(rng.choice([-1, 1]) * rng.uniform(0.35, 0.5))
    return [
        clipped(image * np.exp(np.array([end, 0, -end]) * min(1.0, 1.5 * n / len(images))))
        for n, image in enumerate(images)
    ]


def street_lamp(rng: Rng) -> Change:
    """Sodium light: yellow and orange alone are lit, a third of green and a tenth of blue is left."""
    kept = np.array([0.2, 0.65, 1.05]) * rng.uniform(0.95, 1.05, 3)
    return lambda image: noisy(image * kept, 0.7, rng)


DARK: dict[str, Way] = {
    "banded": banded, "flicker": flicker, "tube out": every(tube_out), "ten bits": every(ten_bits),
}  # fmt: skip
BRIGHT: dict[str, Way] = {
    "long exposure": long_exposure, "gain up": every(gain_up), "double flash": double_flash,
    "shadows lifted": every(shadows_lifted),
}  # fmt: skip
GREY: dict[str, Way] = {"saturation": every(saturation_off), "luma only": luma_only, "sepia": every(sepia)}
CAST: dict[str, Way] = {
    "swapped channels": every(swapped_channels), "dead channel": every(dead_channel), "half filter": every(half_filter),
    "drifting": drifting_balance, "street lamp": every(street_lamp),
}  # fmt: skip
