"""The sensor of a camera, and the way of its signal, as a second stranger would spoil them.

Part of the ways of `camera_ways_second.py`. For ways with *any name* a site engineer would take several of the names
for right: what counts is that the camera is found at fault.
"""

from __future__ import annotations

import math
from itertools import pairwise

import cv2
import numpy as np
from camera_ways import Change, Image, Rng, Way, clipped, every, noisy
from camera_ways_fresh import grid

# --- the sensor and the way of its signal -------------------------------------------------------------------------


def hot_pixels(rng: Rng) -> Change:
    """An aged sensor: one pixel in 150 to 300 is white for ever, with its neighbour."""
    share, seed = float(rng.uniform(1 / 300, 1 / 150)), int(rng.integers(1e9))

    def change(image: Image) -> Image:
        hot = np.random.default_rng(seed).random(image.shape[:2]) < share
        hot[:, 1:] |= hot[:, :-1]
        seen = image.copy()
        seen[hot] = 250
        return seen

    return change


def dead_lines(rng: Rng) -> Change:
    """Five to ten dead columns or rows, each one to three pixels wide, black or white."""
    lines = [(float(rng.uniform(0.03, 0.97)), int(rng.integers(1, 4))) for _ in range(int(rng.integers(5, 11)))]
    down, tone = bool(rng.integers(2)), int(rng.choice([2, 250]))

    def change(image: Image) -> Image:
        seen = image.copy()
        for place, wide in lines:
            start = int(place * seen.shape[0 if down else 1])
            seen[(slice(start, start + wide), slice(None))[:: 1 if down else -1]] = tone
        return seen

    return change


def overlay(images: list[Image], rng: Rng) -> list[Image]:
    """Date, time and name are burnt into the picture from now on."""
    height = images[0].shape[0]
    top = bool(rng.integers(2))
    found = []
    for n, image in enumerate(images):
        picture = image.copy()
        words = f"2026-11-22 {n // 60:02d}:{n % 60:02d}:17 CAM 03 LINE"
        place = (5, height // 12 if top else height - height // 25)
        for tone, thick in ((0, 3), (255, 1)):
            cv2.putText(picture, words, place, cv2.FONT_HERSHEY_SIMPLEX, height / 480, (tone,) * 3, thick, cv2.LINE_AA)
        found.append(picture)
    return found


def noise(rng: Rng) -> Change:
    """A sensor at the end of its gain: the picture as bright as before, under noise of 14 to 24 levels."""
    sigma = float(rng.uniform(14, 24))
    return lambda image: noisy(image, sigma, rng)


def hum(images: list[Image], rng: Rng) -> list[Image]:
    """Interference on a long cable: slanted waves over the picture, elsewhere in every one."""
    pitch, strength = float(rng.uniform(0.03, 0.08)), float(rng.uniform(14, 25))
    found = []
    for image in images:
        x, y = grid(image)
        wave = np.sin(2 * math.pi * ((y + 0.3 * x) / pitch + float(rng.uniform())))
        found.append(noisy(image + strength * wave[:, :, None], 1.0, rng))
    return found


def lost_packets(images: list[Image], rng: Rng) -> list[Image]:
    """Blocks that did not arrive: a fifth to a third of every picture is grey or smeared, elsewhere in every one."""
    share = float(rng.uniform(0.2, 0.33))
    found = []
    for image in images:
        size = image.shape[0] // 16
        lost = rng.random((16, math.ceil(image.shape[1] / size))) < share
        mask = np.kron(lost, np.ones((size, size), bool))[: image.shape[0], : image.shape[1]]
        mask = np.pad(mask, ((0, image.shape[0] - mask.shape[0]), (0, image.shape[1] - mask.shape[1])))
        found.append(np.where(mask[:, :, None], np.uint8(128), image))
    return found


def four_bits(rng: Rng) -> Change:
    """Eight to twelve levels are left of 256."""
    step = 256 / float(rng.integers(8, 13))
    return lambda image: clipped(np.floor(image / step) * step + step / 2)


def combed(images: list[Image], rng: Rng) -> list[Image]:
    """Half pictures that do not belong together: every second line is of the picture before."""
    found = [images[0].copy()]
    for last, image in pairwise(images):
        seen = image.copy()
        seen[1::2] = last[1::2]
        found.append(seen)
    return found


SENSOR: dict[str, dict[str, Way]] = {
    "dirty_lens": {"hot pixels": every(hot_pixels), "dead lines": every(dead_lines), "overlay": overlay},
    "any name": {
        "noise": every(noise), "hum": hum, "packets": lost_packets, "four bits": every(four_bits), "combed": combed,
    },
}  # fmt: skip
