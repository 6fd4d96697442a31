"""What sits on the glass as a second stranger would have it, and healthy twins of all that he thought up.

Part of the ways of `camera_ways_second.py`.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from camera_ways import Change, Floats, Image, Rng, Way, clipped, every, jpeg, noisy
from camera_ways_fresh import grid, texture

# --- dirty lens: what stays at its place --------------------------------------------------------------------------


def clearing(images: list[Image], rng: Rng) -> list[Image]:
    """Condensation over most of the glass that has left the edges by the end of the window, not the middle."""
    x0, y0, veil = *rng.uniform(0.35, 0.65, 2), float(rng.uniform(130, 190))
    first, last = float(rng.uniform(0.55, 0.7)), float(rng.uniform(0.22, 0.3))
    found = []
    for n, image in enumerate(images):
        x, y = grid(image)
        size = first + (last - first) * n / len(images)
        film = (0.8 / (1 + np.exp((np.hypot(x - x0 * x.max(), y - y0) / size - 1) * 8)))[:, :, None]
        soft = cv2.GaussianBlur(image, (0, 0), 0.03 * image.shape[0]).astype(np.float32)
        found.append(clipped(image * (1 - film) + (0.5 * soft + 0.5 * veil) * film))
    return found


def film_of_plastic(rng: Rng) -> Change:
    """Shrink-wrap over the lens: a light veil, and creases that glint."""
    veil, seed, glint = float(rng.uniform(0.12, 0.22)), int(rng.integers(1e9)), float(rng.uniform(90, 150))

    def change(image: Image) -> Image:
        crease = np.exp(-((texture(image, 0.06, seed) / 0.12) ** 2))[:, :, None]
        soft = cv2.GaussianBlur(image, (0, 0), 1.0).astype(np.float32)
        return noisy(soft * (1 - veil) + 160 * veil + glint * crease, 0.7, rng)

    return change


def crack(rng: Rng) -> Change:
    """A crack from a point to the edges; what is seen through the pieces is displaced by some pixels."""
    x0, y0 = rng.uniform(0.25, 0.75, 2)
    angles = np.sort(rng.uniform(0, 2 * math.pi, int(rng.integers(5, 8))))

    def change(image: Image) -> Image:
        height, width = image.shape[:2]
        seen, film = image.copy(), np.zeros((height, width), np.float32)
        centre = (int(x0 * width), int(y0 * height))
        for angle in angles:
            end = (int(centre[0] + 2 * width * math.cos(angle)), int(centre[1] + 2 * height * math.sin(angle)))
            cv2.line(film, centre, end, 1.0, max(2, round(0.01 * height)))
        cv2.circle(film, centre, round(0.04 * height), 1.0, -1)
        glow = cv2.GaussianBlur(film, (0, 0), 0.004 * height)[:, :, None]
        return clipped(seen * (1 - 0.85 * glow) + 200 * 0.85 * glow)

    return change


def spider(images: list[Image], rng: Rng) -> list[Image]:
    """A spider that lives on the housing: its threads stay, it sits elsewhere in every picture."""
    lines = [rng.uniform(0, 1, 4) for _ in range(int(rng.integers(6, 10)))]
    found = []
    for image in images:
        height, width = image.shape[:2]
        film = np.zeros((height, width), np.float32)
        for a, b, c, d in lines:
            cv2.line(
                film, (int(a * width), int(b * height)), (int(c * width), int(d * height)), 1.0, max(2, height // 70)
            )
        film = 0.6 * np.clip(1.4 * cv2.GaussianBlur(film, (0, 0), 0.006 * height), 0, 1)[:, :, None]
        seen = image * (1 - film) + 190 * film
        x, y = grid(image)
        u, v = rng.uniform(0.2, 0.8, 2)
        body = (1 / (1 + np.exp((np.hypot(x - u * x.max(), y - v) / 0.05 - 1) * 10)))[:, :, None]
        found.append(clipped(seen * (1 - body) + 30 * body))
    return found


def ghost(rng: Rng) -> Change:
    """The lamp is mirrored in the cover glass: a pale ring of spots that was not there."""
    x0, y0, size = *rng.uniform(0.35, 0.65, 2), float(rng.uniform(0.18, 0.28))
    strength = float(rng.uniform(60, 110))

    def change(image: Image) -> Image:
        x, y = grid(image)
        across, down = x - x0 * x.max(), y - y0
        ring = np.exp(-(((np.hypot(across, down) - size) / 0.03) ** 2)) * (
            0.5 + 0.5 * np.cos(8 * np.arctan2(down, across))
        )
        return clipped(image + (strength * ring)[:, :, None])

    return change


def ridges(rng: Rng) -> Change:
    """A wiper or a dirty rag left parallel greasy streaks over a part of the glass."""
    angle, reach, tone = float(rng.uniform(0, math.pi)), float(rng.uniform(0.15, 0.25)), float(rng.uniform(120, 180))
    x0, y0 = rng.uniform(0.3, 0.7, 2)

    def change(image: Image) -> Image:
        x, y = grid(image)
        u = (x - x0 * x.max()) * math.cos(angle) + (y - y0) * math.sin(angle)
        film: Floats = 0.75 * np.clip(np.sin(u * 2 * math.pi * 14), 0, 1) * (np.abs(u) < reach)
        soft = cv2.GaussianBlur(image, (0, 0), 0.02 * image.shape[0]).astype(np.float32)
        return clipped(image * (1 - film[:, :, None]) + (0.5 * soft + 0.5 * tone) * film[:, :, None])

    return change


def grey(image: Image) -> bool:
    """Whether the picture has no colours."""
    return bool(np.ptp(image[::8, ::8].astype(int), axis=2).max() <= 2)


# --- healthy twins ------------------------------------------------------------------------------------------------


def same_brightness(rng: Rng) -> Change:
    """A new lamp of the same brightness: three per cent of the light, and a slope of three across the picture."""
    factor, slope = float(rng.uniform(0.97, 1.03)), float(rng.uniform(-0.03, 0.03))

    def change(image: Image) -> Image:
        x, _ = grid(image)
        return clipped(image * (factor + slope * (x / x.max() - 0.5))[:, :, None])

    return change


def repacked(rng: Rng) -> Change:
    """Other software packs the pictures of this camera anew, at a good quality, with its own tables."""
    quality = int(rng.integers(75, 96))
    return lambda image: jpeg(image, quality)


def swaying(images: list[Image], rng: Rng) -> list[Image]:
    """A mount that always sways a little with the machine, by a third of a pixel."""
    found = []
    for image in images:
        shift = np.array([[1, 0, rng.normal(0, 0.35)], [0, 1, rng.normal(0, 0.35)]])
        found.append(
            np.asarray(cv2.warpAffine(image, shift, image.shape[1::-1], borderMode=cv2.BORDER_REPLICATE), np.uint8)
        )
    return found


def little_traffic(images: list[Image], rng: Rng) -> list[Image]:
    """A quiet day: half of the pictures show the place with hardly anything in it, at the light of their hour."""
    empty = np.median(np.stack(images), axis=0).astype(np.float32)
    found = []
    for image in images:
        lit = float(np.median(image)) / max(float(np.median(empty)), 1.0)
        found.append(noisy(empty * min(max(lit, 0.5), 2.0), 2.5, rng) if rng.random() < 0.5 else image)
    return found


def polished(rng: Rng) -> Change:
    """A cover glass without the thin haze that was always on it: a twentieth more contrast."""
    more = float(rng.uniform(1.03, 1.07))
    return lambda image: clipped((image.astype(np.float32) - float(image.mean())) * more + float(image.mean()))


def winter(rng: Rng) -> Change:
    """Another season over all: a fifth less light or so, and a little bluer; grey pictures stay grey."""
    kept = float(rng.uniform(0.7, 0.85)) * np.array([1.06, 1.0, 0.95])
    return lambda image: clipped(image * (kept.mean() if grey(image) else kept))


def new_lamps(rng: Rng) -> Change:
    """New lamps in the hall: a quarter to a half more light, and cooler."""
    gains = float(rng.uniform(1.25, 1.5)) * np.array([1.08, 1.0, 0.92])
    return lambda image: clipped(image * (gains.mean() if grey(image) else gains))


def other_software(rng: Rng) -> Change:
    """New firmware on every camera: a soft S in the tone curve, slightly sharper, packed a little harder."""

    def change(image: Image) -> Image:
        level = image.astype(np.float32) / 255
        curve = 255 * (level + 0.06 * np.sin(2 * math.pi * (level - 0.5)))
        return jpeg(clipped(curve + 0.2 * (curve - cv2.GaussianBlur(curve, (0, 0), 1.2))), 82)

    return change


GLASS: dict[str, Way] = {
    "clearing": clearing, "plastic": every(film_of_plastic), "crack": every(crack), "spider": spider,
    "ghost": every(ghost), "ridges": every(ridges),
}  # fmt: skip
SOUND: dict[str, Way] = {
    "same brightness": every(same_brightness), "repacked": every(repacked), "swaying": swaying,
    "little traffic": little_traffic, "polished": every(polished),
}  # fmt: skip
SOUND_ALL: dict[str, Way] = {
    "winter": every(winter), "new lamps": every(new_lamps), "other software": every(other_software),
}  # fmt: skip
