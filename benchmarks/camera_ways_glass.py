"""What sits on the glass and what light does, as a stranger would think it up, and healthy twins of both.

Part of the ways of `camera_ways_unseen.py`.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from camera_ways import Change, Floats, Image, Rng, Way, clipped, every, jpeg, noisy
from camera_ways_fresh import grid, texture

# --- dirty lens ---------------------------------------------------------------------------------------------------


def web(rng: Rng) -> Change:
    """A spider's web close to the lens: broad soft threads that glow."""
    x0, y0 = rng.uniform(0.2, 0.8, 2)
    angles = [float(each) for each in rng.uniform(0, 2 * math.pi, 9)]
    reach, strength = float(rng.uniform(0.35, 0.6)), float(rng.uniform(0.45, 0.7))

    def change(image: Image) -> Image:
        height, width = image.shape[:2]
        film, centre = np.zeros((height, width), np.float32), np.array([x0 * width, y0 * height])
        thick = max(1, round(0.012 * height))
        for angle in angles:
            end = centre + reach * height * np.array([math.cos(angle), math.sin(angle)])
            cv2.line(film, tuple(map(int, centre)), tuple(map(int, end)), 1.0, thick)
        for radius in (0.25, 0.5, 0.75, 1.0):
            cv2.circle(film, tuple(map(int, centre)), int(radius * reach * height), 1.0, thick)
        film = strength * np.clip(1.6 * cv2.GaussianBlur(film, (0, 0), 0.008 * height), 0, 1)[:, :, None]
        return clipped(image * (1 - film) + 185 * film)

    return change


def dried(rng: Rng) -> Change:
    """Drops that dried and left chalk: pale rings around a thin film."""
    rings = [(*rng.uniform(0.08, 0.92, 2), float(rng.uniform(0.04, 0.09))) for _ in range(int(rng.integers(6, 14)))]

    def change(image: Image) -> Image:
        x, y = grid(image)
        film = np.zeros(image.shape[:2], np.float32)
        for across, down, radius in rings:
            far = np.hypot(x - across * image.shape[1] / image.shape[0], y - down) / radius
            film = np.maximum(film, 0.7 * np.exp(-(((far - 1) / 0.18) ** 2)) + 0.3 * (far < 1))
        film = cv2.GaussianBlur(film, (0, 0), 0.006 * image.shape[0])[:, :, None]
        return clipped(image * (1 - film) + 200 * film)

    return change


def insect(rng: Rng) -> Change:
    """A moth that sits on the glass: a dark soft body with wings, about a thirtieth of the picture."""
    x0, y0 = rng.uniform(0.2, 0.8, 2)
    angle, size = float(rng.uniform(0, math.pi)), float(rng.uniform(0.07, 0.1))

    def change(image: Image) -> Image:
        x, y = grid(image)
        across, down = x - x0 * image.shape[1] / image.shape[0], y - y0
        u, v = across * math.cos(angle) + down * math.sin(angle), down * math.cos(angle) - across * math.sin(angle)
        body = np.hypot(u / size, v / (0.3 * size))
        wings = np.minimum(*(np.hypot((u - 0.2 * size) / size, (v - s * 0.7 * size) / (0.8 * size)) for s in (-1, 1)))
        film = 0.9 / (1 + np.exp((np.minimum(body, wings) - 1) * 10))
        return clipped(image * (1 - film[:, :, None]) + 35 * film[:, :, None])

    return change


def pollen(rng: Rng) -> Change:
    """Yellow dust, uneven: a film that is thick in places and leaves others clear."""
    seed, thick = int(rng.integers(1e9)), float(rng.uniform(0.5, 0.8))

    def change(image: Image) -> Image:
        film = (thick * np.clip(texture(image, 0.12, seed) - 0.6, 0, 1))[:, :, None]
        return clipped(image * (1 - film) + np.array([60, 170, 190]) * film)

    return change


# --- light --------------------------------------------------------------------------------------------------------


def vignette(rng: Rng) -> Change:
    """An iris that hangs half closed: a third of the light in the middle, hardly any at the edges."""
    middle, edge = float(rng.uniform(0.45, 0.7)), float(rng.uniform(0.1, 0.2))

    def change(image: Image) -> Image:
        x, y = grid(image)
        far = np.clip(np.hypot(x - 0.5 * image.shape[1] / image.shape[0], y - 0.5) / 0.65, 0, 1)[:, :, None]
        return noisy(image * (middle + (edge - middle) * far**2), 0.7, rng)

    return change


def against_light(rng: Rng) -> Change:
    """A bright door in one corner, against which the exposure closes: the rest has half of its light and less."""
    factor, flip = float(rng.uniform(0.3, 0.5)), rng.integers(0, 2, 2)

    def change(image: Image) -> Image:
        x, y = grid(image)
        far = np.hypot(x / x.max() - flip[0], y - flip[1]) / 0.3
        return noisy(image * factor + (240 / (1 + np.exp((far - 1) * 8)))[:, :, None], 0.7, rng)

    return change


def strobe(images: list[Image], rng: Rng) -> list[Image]:
    """A flash that misses two thirds to nine tenths of the exposures."""
    missed, left = float(rng.uniform(0.67, 0.9)), float(rng.uniform(0.2, 0.4))
    return [noisy(image * (left if rng.random() < missed else 1.0), 0.7, rng) for image in images]


def pushed(rng: Rng) -> Change:
    """A picture setting: contrast and light pushed up together."""
    contrast, light = float(rng.uniform(1.15, 1.4)), float(rng.uniform(45, 75))
    return lambda image: clipped((image - 128.0) * contrast + 128 + light)


def lamp_near(rng: Rng) -> Change:
    """A lamp put up close to one camera: 1.4 times the light at the far end, more than twice at the near one."""
    angle, most = float(rng.uniform(0, 2 * math.pi)), float(rng.uniform(2.1, 2.8))

    def change(image: Image) -> Image:
        x, y = grid(image)
        along = (x - 0.5 * image.shape[1] / image.shape[0]) * math.cos(angle) + (y - 0.5) * math.sin(angle)
        return noisy(image * (1.4 + (most - 1.4) * np.clip(along + 0.5, 0, 1))[:, :, None], 0.7, rng)

    return change


# --- healthy twins ------------------------------------------------------------------------------------------------


def lamp_more(rng: Rng) -> Change:
    """One more lamp, well placed: up to an eighth more light on one side."""
    angle, more = float(rng.uniform(0, 2 * math.pi)), float(rng.uniform(0.06, 0.12))

    def change(image: Image) -> Image:
        x, y = grid(image)
        along = (x - 0.5 * image.shape[1] / image.shape[0]) * math.cos(angle) + (y - 0.5) * math.sin(angle)
        return clipped(image * (1 + more * np.clip(along + 0.5, 0, 1))[:, :, None])

    return change


def cleaned(rng: Rng) -> Change:
    """A lens that was wiped: a little crisper than it was known."""
    more = float(rng.uniform(0.15, 0.35))
    return lambda image: clipped(image + more * (image - cv2.GaussianBlur(image, (0, 0), 1.5).astype(np.float32)))


def idle(images: list[Image], rng: Rng) -> list[Image]:
    """Two pictures in five show the place without anything that passes, each with the noise of its own."""
    empty: Floats = np.median(np.stack(images), axis=0).astype(np.float32)
    return [noisy(empty * float(rng.uniform(0.9, 1.1)), 2.0, rng) if rng.random() < 0.4 else image for image in images]


def season(rng: Rng) -> Change:
    """Another season: less or more light on everything, and from another side; grey stays grey."""
    factor, side = float(rng.uniform(0.6, 1.35)), float(rng.uniform(-0.2, 0.2))

    def change(image: Image) -> Image:
        x, _ = grid(image)
        return noisy(image * (factor * (1 + side * (x / x.max() - 0.5)))[:, :, None], 0.0, rng)

    return change


def packed(rng: Rng) -> Change:
    quality = int(rng.integers(45, 70))
    return lambda image: jpeg(image, quality)


DIRTY: dict[str, Way] = {
    "web": every(web), "dried": every(dried), "insect": every(insect), "pollen": every(pollen),
}  # fmt: skip
DARK: dict[str, Way] = {"vignette": every(vignette), "against light": every(against_light), "strobe": strobe}
BRIGHT: dict[str, Way] = {"pushed": every(pushed), "lamp near": every(lamp_near)}
SOUND: dict[str, Way] = {"lamp more": every(lamp_more), "cleaned": every(cleaned), "idle": idle}
SOUND_ALL: dict[str, Way] = {"season": every(season), "packed": every(packed)}
