"""More ways in which a camera goes wrong: things of a factory and of its weather (`camera_faults.py --other`).

Shutters, snow and tape, prints of fingers, scratches and mud, mounts that sag, lenses that shake, lamps that fail on
one side, the sun in the lens, colours that fade. Rules were mended on `--seed 20`, other seeds are unseen.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from camera_ways import Change, Floats, Image, Rng, Way, clipped, every, jpeg, noisy, similar, warped
from camera_ways_fresh import grid, texture


def shutter(rng: Rng) -> Change:
    """Slats that came half down or more."""
    reach, slats, tone = float(rng.uniform(0.3, 1.0)), float(rng.uniform(8, 20)), float(rng.uniform(40, 160))

    def change(image: Image) -> Image:
        _, y = grid(image)
        slat = tone + 18 * np.sin(y * slats * 2 * math.pi)
        return noisy(np.where((y < reach)[:, :, None], slat[:, :, None], image), 1.0, rng)

    return change


def carton(rng: Rng) -> Change:
    """Something was put down before the camera: a quarter to a half of the picture, lit as the scene is."""
    wide, high = rng.uniform(0.5, 0.75, 2)
    left, top = float(rng.uniform(0, 1 - wide)), float(rng.uniform(0, 1 - high))
    tone, seed = rng.uniform(0.5, 1.4) * np.array([0.6, 0.8, 1.0]), int(rng.integers(1e9))

    def change(image: Image) -> Image:
        height, width = image.shape[:2]
        rows, columns = (slice(int(a * n), int((a + b) * n)) for a, b, n in ((top, high, height), (left, wide, width)))
        lit = float(np.median(image)) * tone * (1 + 0.05 * texture(image, 0.01, seed)[:, :, None])
        seen = image.astype(np.float32)
        seen[rows, columns] = lit[rows, columns]
        return noisy(seen, 1.0, rng)

    return change


def snow(rng: Rng) -> Change:
    """A soft white heap that grew from below."""
    reach, seed, tone = float(rng.uniform(0.25, 0.6)), int(rng.integers(1e9)), float(rng.uniform(150, 215))

    def change(image: Image) -> Image:
        _, y = grid(image)
        over = 1 / (1 + np.exp(-(y - 1 + reach + 0.03 * texture(image, 0.08, seed)) * 40))
        heap = tone + 6 * texture(image, 0.03, seed + 1)
        return noisy(image * (1 - over[:, :, None]) + (heap * over)[:, :, None], 1.0, rng)

    return change


def stutter(images: list[Image], rng: Rng) -> list[Image]:
    """A new picture only every fifth to eighth time."""
    held = int(rng.integers(5, 9))
    return [jpeg(images[n - n % held], int(rng.integers(75, 95))) for n in range(len(images))]


def trembling(images: list[Image], rng: Rng) -> list[Image]:
    """The same picture, decoded with a little other light every time."""
    return [clipped(images[0] * float(rng.uniform(0.99, 1.01)) + rng.normal(0, 0.5, images[0].shape)) for _ in images]


def sagged(rng: Rng) -> Change:
    """Looks down further than before, and a little nearer: no empty edge."""
    return warped(similar(0.0, 1.3, float(rng.uniform(-0.03, 0.03)), -float(rng.uniform(0.07, 0.13))), cv2.BORDER_WRAP)


def rolled(rng: Rng) -> Change:
    """Rolled about its axis by 8 to 25 degrees, cut out of a larger picture."""
    return warped(similar(float(rng.uniform(8, 25) * rng.choice([-1, 1])), 1.4, 0.0, 0.0), cv2.BORDER_REFLECT_101)


def edgewise(rng: Rng) -> Change:
    """A lens that is sharper in the middle than at the edges, where it is soft now."""
    near, far = float(rng.uniform(1.2, 2)), float(rng.uniform(3, 5))

    def change(image: Image) -> Image:
        x, y = grid(image)
        outside = np.clip(np.hypot(x - 0.5 * image.shape[1] / image.shape[0], y - 0.5) / 0.6, 0, 1)[:, :, None]
        soft, softer = (cv2.GaussianBlur(image, (0, 0), sigma).astype(np.float32) for sigma in (near, far))
        return noisy(soft * (1 - outside) + softer * outside, 1.0, rng)

    return change


def vibrating(images: list[Image], rng: Rng) -> list[Image]:
    """Every exposure is smeared along a way of its own."""
    found = []
    for image in images:
        length, angle = int(rng.integers(4, 8)) * 2 + 1, float(rng.uniform(0, 180))
        line = np.zeros((length, length), np.float32)
        line[length // 2] = 1
        line = cv2.warpAffine(line, cv2.getRotationMatrix2D((length // 2, length // 2), angle, 1.0), (length, length))
        found.append(noisy(cv2.filter2D(image.astype(np.float32), -1, line / line.sum()), 0.7, rng))
    return found


def soft_and_packed(rng: Rng) -> Change:
    """Out of focus, and packed hard after that: blocks have edges of their own."""
    sigma, quality = float(rng.uniform(1.8, 3.5)), int(rng.integers(35, 60))
    return lambda image: jpeg(np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.uint8), quality)


def veil_over(image: Image, film: Floats, tone: float, blur: float) -> Image:
    """What scatters light: the scene blurred, half of it gone to an even tone where the film is (0..1)."""
    soft = cv2.GaussianBlur(image, (0, 0), blur * image.shape[0]).astype(np.float32)
    return clipped(image * (1 - film[:, :, None]) + (0.6 * soft + 0.4 * tone) * film[:, :, None])


def fingerprint(rng: Rng) -> Change:
    """An oval of ridges, greasy: a tenth of the picture."""
    x0, y0 = rng.uniform(0.25, 0.75, 2)
    long, wide, angle = float(rng.uniform(0.18, 0.26)), float(rng.uniform(0.12, 0.17)), float(rng.uniform(0, math.pi))
    tone = float(rng.uniform(100, 190))

    def change(image: Image) -> Image:
        x, y = grid(image)
        across, down = x - x0 * image.shape[1] / image.shape[0], y - y0
        u, v = across * math.cos(angle) + down * math.sin(angle), down * math.cos(angle) - across * math.sin(angle)
        over = np.clip(4 * (1 - np.hypot(u / long, v / wide)), 0, 1)
        ridges = 0.75 + 0.25 * np.sin(np.hypot(u, 1.6 * v) * 2 * math.pi * 28)
        return veil_over(image, (over * ridges).astype(np.float32), tone, 0.02)

    return change


def scratches(rng: Rng) -> Change:
    """Four to nine scratches that glow, each some pixels wide."""
    lines = [(*rng.uniform(0.05, 0.95, 4), float(rng.uniform(0.008, 0.015))) for _ in range(int(rng.integers(4, 10)))]

    def change(image: Image) -> Image:
        height, width = image.shape[:2]
        film = np.zeros((height, width), np.float32)
        for a, b, c, d, wide in lines:
            ends = ((int(a * width), int(b * height)), (int(c * width), int(d * height)))
            cv2.line(film, *ends, 1.0, max(1, round(wide * height)))
        film = 0.8 * cv2.GaussianBlur(film, (0, 0), 0.004 * height)[:, :, None]
        return clipped(image * (1 - film) + 205 * film)

    return change


def splash(rng: Rng) -> Change:
    """Mud: a blot with smaller ones around it, nearly opaque."""
    x0, y0 = rng.uniform(0.25, 0.75, 2)
    blots = [(x0, y0, float(rng.uniform(0.06, 0.11)))] + [
        (*(np.array([x0, y0]) + rng.normal(0, 0.13, 2)), float(rng.uniform(0.015, 0.04))) for _ in range(12)
    ]
    tone = rng.uniform(20, 70) * np.array([0.6, 0.8, 1.0])

    def change(image: Image) -> Image:
        x, y = grid(image)
        film = np.zeros(image.shape[:2], np.float32)
        for across, down, radius in blots:
            far = np.hypot(x - across * image.shape[1] / image.shape[0], y - down) / radius
            film = np.maximum(film, 0.9 / (1 + np.exp((far - 1) * 10)))
        return clipped(image * (1 - film[:, :, None]) + tone * film[:, :, None])

    return change


def oil(rng: Rng) -> Change:
    """A film over one side of the glass, thicker outwards."""
    angle, reach = float(rng.uniform(0, 2 * math.pi)), float(rng.uniform(-0.05, 0.2))
    tone = float(rng.uniform(110, 180))

    def change(image: Image) -> Image:
        x, y = grid(image)
        far = (x - 0.5 * image.shape[1] / image.shape[0]) * math.cos(angle) + (y - 0.5) * math.sin(angle)
        return veil_over(image, np.clip((far - reach) * 4, 0, 0.85).astype(np.float32), tone, 0.025)

    return change


def lamp_out(rng: Rng) -> Change:
    """The lamp on one side is out: light falls from nine tenths to a quarter across the picture."""
    angle, dark = float(rng.uniform(0, 2 * math.pi)), float(rng.uniform(0.2, 0.35))

    def change(image: Image) -> Image:
        x, y = grid(image)
        along = (x - 0.5 * image.shape[1] / image.shape[0]) * math.cos(angle) + (y - 0.5) * math.sin(angle)
        lit = np.clip((0.8 + dark) / 2 + (0.8 - dark) * along, dark, 0.8)[:, :, None]
        return noisy(image * lit, 0.7, rng)

    return change


def sun(rng: Rng) -> Change:
    """The sun near the picture: a glow that reaches from one side over most of it."""
    x0, y0 = ((float(rng.uniform(0, 1)), float(rng.integers(2))) if rng.integers(2) else
              (float(rng.integers(2)), float(rng.uniform(0, 1))))  # fmt: skip
    strength, wide = float(rng.uniform(150, 260)), float(rng.uniform(0.6, 0.9))

    def change(image: Image) -> Image:
        x, y = grid(image)
        far = np.hypot(x - x0 * image.shape[1] / image.shape[0], y - y0) / wide
        return clipped(image * 1.2 + (strength * np.exp(-far * far))[:, :, None])

    return change


def slow_shutter(rng: Rng) -> Change:
    """Exposed 1.6 to 3 times as long: what moves is smeared a little, and the whole brighter."""
    factor = float(rng.uniform(1.6, 3))
    return lambda image: noisy(cv2.blur(image, (3, 1)) * factor, 1.0, rng)


def washed(rng: Rng) -> Change:
    """A filter that hangs: a tenth of the colour and less is left, each colour with noise of its own."""
    left, sigma = float(rng.uniform(0.02, 0.1)), float(rng.uniform(0.3, 1.2))

    def change(image: Image) -> Image:
        grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY).astype(np.float32)[:, :, None]
        return noisy(grey * (1 - left) + image * left, sigma, rng)

    return change


def grey_at_once(images: list[Image], rng: Rng) -> list[Image]:
    """Grey from the first sixth of the window on."""
    start = len(images) // 6
    grey = [np.repeat(cv2.cvtColor(each, cv2.COLOR_BGR2GRAY)[:, :, None], 3, axis=2) for each in images[start:]]
    return images[:start] + [np.ascontiguousarray(each) for each in grey]


OTHER: dict[str, dict[str, Way]] = {
    "covered": {"shutter": every(shutter), "carton": every(carton), "snow": every(snow)},
    "frozen": {"stutter": stutter, "trembling": trembling},
    "moved": {"sagged": every(sagged), "rolled": every(rolled)},
    "out_of_focus": {"edgewise": every(edgewise), "vibrating": vibrating, "packed": every(soft_and_packed)},
    "dirty_lens": {
        "fingerprint": every(fingerprint), "scratches": every(scratches), "splash": every(splash), "oil": every(oil),
    },
    "too_dark": {"lamp out": every(lamp_out)},
    "too_bright": {"sun": every(sun), "slow shutter": every(slow_shutter)},
    "colour_lost": {"washed": every(washed), "grey": grey_at_once},
}  # fmt: skip
