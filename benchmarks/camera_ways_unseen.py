"""Ways in which a camera goes wrong as a stranger would think them up for acceptance (`camera_faults.py --unseen`).

They were written before any rule knew of them, with their healthy twins: what changes a picture as much and is no
fault. What the rules of then said of them is the first look in `RESULTS.md`. How images come is in
`camera_ways_delivery.py`, glass, light and their twins in `camera_ways_glass.py`, pictures of one colour and with a
cast in `camera_ways_colour.py`.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from camera_ways import Change, Image, Rng, Way, every, jpeg, noisy, similar, warped
from camera_ways_colour import CAST, MONOCHROME, SOUND_COLOUR, SOUND_COLOUR_ALL
from camera_ways_fresh import grid, texture
from camera_ways_glass import BRIGHT, DARK, DIRTY, SOUND, SOUND_ALL
from camera_ways_optics import kernel

# --- covered ------------------------------------------------------------------------------------------------------


def tape(rng: Rng) -> Change:
    """A strip of crepe tape across the lens, out of focus, lit as the scene is: a third of the picture and more."""
    angle, wide, seed = float(rng.uniform(0, math.pi)), float(rng.uniform(0.2, 0.35)), int(rng.integers(1e9))
    tone = float(rng.uniform(0.5, 1.1)) * np.array([0.6, 0.85, 1.0])

    def change(image: Image) -> Image:
        x, y = grid(image)
        across = (x - 0.5 * image.shape[1] / image.shape[0]) * math.cos(angle) + (y - 0.5) * math.sin(angle)
        over = (1 / (1 + np.exp((np.abs(across) - wide) * 60)))[:, :, None]
        crepe = 1 + 0.08 * texture(image, 0.02, seed)[:, :, None]
        return noisy(image * (1 - over) + over * (0.05 * image + tone * crepe * float(image.mean())), 1.0, rng)

    return change


def palm(images: list[Image], rng: Rng) -> list[Image]:
    """A hand that fills most of the picture and is never quite still."""
    angle, reach, seed = float(rng.uniform(0, 2 * math.pi)), float(rng.uniform(0.15, 0.35)), int(rng.integers(1e9))
    tone = float(rng.uniform(40, 150)) * np.array([0.55, 0.7, 1.0])
    found = []
    for image in images:
        x, y = grid(image)
        far = (x - 0.5 * image.shape[1] / image.shape[0]) * math.cos(angle) + (y - 0.5) * math.sin(angle)
        over = (1 / (1 + np.exp((far - reach - float(rng.normal(0, 0.01))) * 30)))[:, :, None]
        skin = tone * (1 + 0.1 * texture(image, 0.1, seed)[:, :, None]) * float(rng.uniform(0.95, 1.05))
        found.append(noisy(image * (1 - over) + skin * over, 1.0, rng))
    return found


def foam(rng: Rng) -> Change:
    """Suds over a third to all of the picture: bright bubbles with dark walls."""
    share, seed, tone = float(rng.uniform(0.35, 1.0)), int(rng.integers(1e9)), float(rng.uniform(120, 200))

    def change(image: Image) -> Image:
        shape = texture(image, 0.12, seed)
        over = (shape >= np.quantile(shape, 1 - share)).astype(np.float32)
        over = 0.97 * cv2.GaussianBlur(over, (0, 0), 0.015 * image.shape[0])[:, :, None]
        walls = np.exp(-((texture(image, 0.025, seed + 1) / 0.3) ** 2))[:, :, None]
        return noisy(image * (1 - over) + (tone - 50 * walls) * over, 1.0, rng)

    return change


# --- frozen -------------------------------------------------------------------------------------------------------


def noisy_and_packed(images: list[Image], rng: Rng) -> list[Image]:
    """The same picture with the noise of an amplifier, packed harder and harder or less."""
    sigma = float(rng.uniform(2, 5))
    return [jpeg(noisy(images[0], sigma, rng), int(rng.integers(15, 60))) for _ in images]


def bannered(images: list[Image], rng: Rng) -> list[Image]:
    """The same picture under a banner over a tenth of it in which place, date and a counter run on."""
    height, top = images[0].shape[0], bool(rng.integers(2))
    found = []
    for n, _ in enumerate(images):
        picture = images[0].copy()
        rows = slice(0, height // 10) if top else slice(-(height // 10), None)
        picture[rows] = 20
        place = (4 + n % 5, (height // 10 if top else height) - 6)
        words = f"CAM {n * 7919 % 10_000:04d} 21.11.2026 {n // 6:02d}:{n * 10 % 60:02d}"
        cv2.putText(picture, words, place, cv2.FONT_HERSHEY_SIMPLEX, height / 500, (255, 255, 255), 1)
        found.append(jpeg(picture, 85))
    return found


def breathing(images: list[Image], rng: Rng) -> list[Image]:
    """The same picture, with an automatic gain that comes and goes by a tenth."""
    deep = float(rng.uniform(0.04, 0.1))
    return [noisy(images[0] * (1 + deep * math.sin(0.7 * n)), 1.0, rng) for n, _ in enumerate(images)]


# --- moved --------------------------------------------------------------------------------------------------------


def nudged(rng: Rng) -> Change:
    """Five to seven degrees, cut out of a slightly larger picture."""
    return warped(similar(float(rng.uniform(5, 7) * rng.choice([-1, 1])), 1.12, 0.0, 0.0), cv2.BORDER_REFLECT_101)


def aside(rng: Rng) -> Change:
    """A shift of 8 to 11 % to one side, or up or down; what comes in goes on like what was at the edge."""
    far, down = float(rng.uniform(0.08, 0.11) * rng.choice([-1, 1])), bool(rng.integers(2))
    return warped(similar(0.0, 1.0, 0.0 if down else far, far if down else 0.0), cv2.BORDER_REFLECT)


def keystone(rng: Rng) -> Change:
    """Seen at a slant without an empty edge: one side is drawn out by a quarter to a half."""
    push, turns = float(rng.uniform(0.12, 0.25)), int(rng.integers(4))

    def change(image: Image) -> Image:
        turned = np.ascontiguousarray(np.rot90(image, turns))
        height, width = turned.shape[:2]
        frame = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
        out = np.array([[-push * width, 0], [(1 + push) * width, 0], [width, height], [0, height]], np.float32)
        found = cv2.warpPerspective(turned, cv2.getPerspectiveTransform(frame, out), (width, height))
        return np.ascontiguousarray(np.rot90(found, -turns))

    return change


def mirrored(rng: Rng) -> Change:
    """Somebody set the camera to show its picture mirrored."""
    return lambda image: np.ascontiguousarray(image[:, ::-1])


# --- out of focus -------------------------------------------------------------------------------------------------


def oblique(rng: Rng) -> Change:
    """The lens sits askew: one side is nearly sharp, the other far out of focus."""
    angle, far = float(rng.uniform(0, 2 * math.pi)), float(rng.uniform(3.5, 6))

    def change(image: Image) -> Image:
        x, y = grid(image)
        along = (x - 0.5 * image.shape[1] / image.shape[0]) * math.cos(angle) + (y - 0.5) * math.sin(angle)
        part = np.clip(along + 0.5, 0, 1)[:, :, None]
        near, soft = (cv2.GaussianBlur(image, (0, 0), sigma).astype(np.float32) for sigma in (1.2, far))
        return noisy(near * (1 - part) + soft * part, 0.7, rng)

    return change


def ring(rng: Rng) -> Change:
    """Light comes as rings, as from a mirror lens out of focus."""
    radius = float(rng.uniform(2.5, 5))
    y, x = np.mgrid[-8:9, -8:9]
    return kernel(np.clip(1.2 - np.abs(np.hypot(x, y) - radius), 0, 1), float(rng.uniform(0.3, 1)), rng)


def slanted(rng: Rng) -> Change:
    """Blurred three times as much along one slanted direction as across it."""
    long, angle = float(rng.uniform(3, 5)), float(rng.uniform(0, math.pi))
    y, x = np.mgrid[-12:13, -12:13]
    along, across = x * math.cos(angle) + y * math.sin(angle), y * math.cos(angle) - x * math.sin(angle)
    return kernel(np.exp(-((along / long) ** 2 + (across * 3 / long) ** 2) / 2), 0.7, rng)


def hunting(images: list[Image], rng: Rng) -> list[Image]:
    """An automatic focus that never finds: another blur in every picture."""
    return [cv2.GaussianBlur(image, (0, 0), float(rng.uniform(1.2, 4))).astype(np.uint8) for image in images]


UNSEEN: dict[str, dict[str, Way]] = {
    "covered": {"tape": every(tape), "palm": palm, "foam": every(foam)},
    "frozen": {"noisy, packed": noisy_and_packed, "bannered": bannered, "breathing": breathing},
    "moved": {"nudged": every(nudged), "aside": every(aside), "keystone": every(keystone), "mirrored": every(mirrored)},
    "out_of_focus": {
        "oblique": every(oblique), "ring": every(ring), "slanted": every(slanted), "hunting": hunting,
    },
    "dirty_lens": DIRTY,
    "too_dark": DARK,
    "too_bright": BRIGHT,
    "colour_lost": MONOCHROME,
    "colour_cast": CAST,
    "sound, one": SOUND | SOUND_COLOUR,
    "sound, all": SOUND_ALL | SOUND_COLOUR_ALL,
}  # fmt: skip
