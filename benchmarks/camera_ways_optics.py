"""Ways in which lens, light and colour of a camera go wrong, and the table of all ways."""

from __future__ import annotations

import math

import cv2
import numpy as np
from camera_ways import (
    Change,
    Floats,
    Image,
    Rng,
    Way,
    bag,
    cap,
    clipped,
    cloth,
    cut_out,
    encoded,
    every,
    exact,
    field,
    from_then_on,
    hand,
    in_turns,
    knocked,
    noisy,
    side,
    stamped,
    stamped_and_encoded,
    sticker,
    tilted,
    upside_down,
    zoomed,
)
from numpy.typing import NDArray

# --- out of focus -------------------------------------------------------------------------------------------------


def gauss(rng: Rng) -> Change:
    sigma = float(rng.uniform(1.2, 4))
    return lambda image: np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), dtype=np.uint8)


def kernel(made: NDArray[np.floating], sigma: float, rng: Rng) -> Change:
    return lambda image: noisy(cv2.filter2D(image.astype(np.float32), -1, made / made.sum()), sigma, rng)


def disc(rng: Rng) -> Change:
    """Light passes the lens before it meets the sensor: the noise stays sharp."""
    radius = float(rng.uniform(2, 6))
    y, x = np.mgrid[-8:9, -8:9]
    return kernel(np.clip(radius + 0.5 - np.hypot(x, y), 0, 1), float(rng.uniform(0, 2)), rng)


def box(rng: Rng) -> Change:
    side_ = int(rng.integers(2, 6)) * 2 + 1
    return kernel(np.ones((side_, side_)), 1.0, rng)


def small(rng: Rng) -> Change:
    factor = float(rng.uniform(2, 4))

    def change(image: Image) -> Image:
        size = image.shape[1::-1]
        little = cv2.resize(image, (round(size[0] / factor), round(size[1] / factor)), interpolation=cv2.INTER_AREA)
        return np.asarray(cv2.resize(little, size, interpolation=cv2.INTER_CUBIC), dtype=np.uint8)

    return change


def shaken(rng: Rng) -> Change:
    length, angle = int(rng.integers(4, 9)) * 2 + 1, float(rng.uniform(0, 180))
    line = np.zeros((length, length), np.float32)
    line[length // 2] = 1
    turn = cv2.getRotationMatrix2D((length / 2 - 0.5, length / 2 - 0.5), angle, 1.0)
    return kernel(cv2.warpAffine(line, turn, (length, length)) + 1e-6, 1.0, rng)


# --- dirty lens: small places that stay where they are ------------------------------------------------------------


def through(image: Image, film: Floats, kind: str) -> Image:
    """What is seen where something sticks (`film`, 0..1): a smear, a blur, or nothing."""
    soft = cv2.GaussianBlur(image, (0, 0), 6).astype(np.float32)
    mean = image.mean(axis=(0, 1), dtype=np.float32)
    under = {"grease": 0.35 * soft + 0.65 * mean, "blur": soft, "mud": np.zeros_like(soft) + 25}[kind]
    return clipped(image * (1 - film[:, :, None]) + under * film[:, :, None])


def blobs(rng: Rng) -> Change:
    """Blobs over 2 to 12 % of the lens: grease, a blur, or mud."""
    area, kind = float(rng.uniform(0.02, 0.12)), str(rng.choice(["grease", "blur", "mud"]))
    scale, seed = float(rng.uniform(0.03, 0.08)), int(rng.integers(1e9))

    def change(image: Image) -> Image:
        found = field(image.shape, scale, seed)
        stuck = (found >= np.quantile(found, 1 - area)).astype(np.float32)
        return through(image, np.asarray(cv2.GaussianBlur(stuck, (0, 0), 2), dtype=np.float32), kind)

    return change


def drop(rng: Rng) -> Change:
    """One to three round drops, each 7 to 14 % of the height in radius."""
    spots = [(*rng.uniform(0.1, 0.9, 2), float(rng.uniform(0.07, 0.14))) for _ in range(int(rng.integers(1, 4)))]
    kind = str(rng.choice(["grease", "blur"]))

    def change(image: Image) -> Image:
        film = np.zeros(image.shape[:2], np.float32)
        for x, y, radius in spots:
            place = (int(x * image.shape[1]), int(y * image.shape[0]))
            cv2.circle(film, place, int(radius * image.shape[0]), 1.0, -1)
        return through(image, np.asarray(cv2.GaussianBlur(film, (0, 0), 3), dtype=np.float32), kind)

    return change


def smear(rng: Rng) -> Change:
    """A bright streak as a wiping cloth leaves it: light is scattered and detail faded."""
    x, y = rng.uniform(0.25, 0.75, 2)
    long, wide, angle = float(rng.uniform(0.2, 0.4)), float(rng.uniform(0.06, 0.12)), float(rng.uniform(0, 180))
    strength = float(rng.uniform(0.5, 0.8))

    def change(image: Image) -> Image:
        height, width = image.shape[:2]
        film = np.zeros((height, width), np.float32)
        axes = (int(long * width), int(wide * height))
        cv2.ellipse(film, (int(x * width), int(y * height)), axes, angle, 0, 360, 1.0, -1)
        film = cv2.GaussianBlur(film, (0, 0), 4)[:, :, None] * strength
        return clipped(image * (1 - film) + 190 * film)

    return change


def corner(rng: Rng) -> Change:
    """Dirt that has gathered in a corner."""
    flip, reach = rng.integers(0, 2, 2), float(rng.uniform(0.25, 0.45))
    kind = str(rng.choice(["grease", "blur", "mud"]))

    def change(image: Image) -> Image:
        height, width = image.shape[:2]
        y, x = np.mgrid[0:height, 0:width].astype(np.float32)
        far = abs(x / width - flip[0]) + abs(y / height - flip[1])
        return through(image, (1 / (1 + np.exp((far - reach) * 50))).astype(np.float32), kind)

    return change


def water(rng: Rng) -> Change:
    """Drops that show the scene upside down and small, as water does."""
    spots = [(*rng.uniform(0.15, 0.85, 2), float(rng.uniform(0.05, 0.1))) for _ in range(int(rng.integers(3, 7)))]

    def change(image: Image) -> Image:
        seen = image.copy()
        for x, y, radius in spots:
            r = int(radius * image.shape[0])
            top, left = int(y * image.shape[0]) - r, int(x * image.shape[1]) - r
            top, left = max(0, top), max(0, left)
            patch = seen[top : top + 2 * r, left : left + 2 * r]
            tiny = cv2.GaussianBlur(cv2.resize(image[::-1, ::-1], patch.shape[1::-1], interpolation=cv2.INTER_AREA),
                                    (0, 0), 2)  # fmt: skip
            mask = np.zeros(patch.shape[:2], np.uint8)
            cv2.circle(mask, (patch.shape[1] // 2, patch.shape[0] // 2), r, 1, -1)
            patch[mask > 0] = tiny[mask > 0]
        return seen

    return change


# --- light and colour ---------------------------------------------------------------------------------------------


def gained(low: float, high: float) -> Way:
    return every(lambda rng: _gain(float(rng.uniform(low, high))))


def _gain(factor: float) -> Change:
    return lambda image: clipped(image.astype(np.float32) * factor)


def curved(low: float, high: float) -> Way:
    """Gamma, as a wrong setting of the camera does it."""
    return every(lambda rng: _curve(float(rng.uniform(low, high))))


def _curve(gamma: float) -> Change:
    return lambda image: clipped(255 * (image / 255.0) ** gamma)


def shifted(low: float, high: float) -> Way:
    """The black level is wrong."""
    return every(lambda rng: _offset(float(rng.uniform(low, high))))


def _offset(levels: float) -> Change:
    return lambda image: clipped(image + levels)


def drifting(low: float, high: float) -> Way:
    """Exposure that goes away over the whole window."""

    def change(images: list[Image], rng: Rng) -> list[Image]:
        end = math.log(float(rng.uniform(low, high)))
        return [_gain(math.exp(end * n / (len(images) - 1)))(image) for n, image in enumerate(images)]

    return change


def infrared(noise: float = 0.0, curve: float = 1.0, lamp: float = 0.0) -> Way:
    """Grey pictures, with noise, another curve, or an infrared lamp that lights the middle only."""

    def drawn(rng: Rng) -> Change:
        def change(image: Image) -> Image:
            grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY).astype(np.float32)
            height, width = grey.shape
            y, x = np.mgrid[0:height, 0:width]
            far = np.hypot(x / width - 0.5, y / height - 0.5)
            grey = 255 * (grey / 255) ** curve * (1 + lamp * (0.4 - far))
            return clipped(np.repeat((grey + rng.normal(0, noise, grey.shape))[:, :, None], 3, axis=2))

        return change

    return every(drawn)


TUNED: dict[str, dict[str, Way]] = {
    "covered": {"side": every(side), "cap": every(cap), "sticker": every(sticker), "hand": every(hand)},
    "frozen": {"encoded": encoded, "exact": exact, "stamped": stamped, "later": from_then_on, "in turns": in_turns},
    "moved": {"knocked": every(knocked), "zoomed": every(zoomed), "tilted": every(tilted)},
    "out_of_focus": {"gauss": every(gauss), "disc": every(disc)},
    "dirty_lens": {"blobs": every(blobs), "drop": every(drop), "smear": every(smear)},
    "too_dark": {"gain": gained(0.25, 0.65), "drifting": drifting(0.15, 0.4)},
    "too_bright": {"gain": gained(1.5, 2.5), "drifting": drifting(2.4, 4)},
    "colour_lost": {"grey": infrared(), "noise": infrared(6)},
}
HELD: dict[str, dict[str, Way]] = {
    "covered": {"bag": every(bag), "cloth": every(cloth)},
    "frozen": {"stamped, encoded": stamped_and_encoded},
    "moved": {"cut out": every(cut_out), "upside down": every(upside_down)},
    "out_of_focus": {"box": every(box), "small": every(small), "shaken": every(shaken)},
    "dirty_lens": {"corner": every(corner), "water": every(water)},
    "too_dark": {"curve": curved(1.7, 2.6), "offset": shifted(-70, -35)},
    "too_bright": {"curve": curved(0.35, 0.6), "offset": shifted(45, 90)},
    "colour_lost": {"lamp": infrared(9, 0.8, 1.2), "curve": infrared(3, 1.3)},
}
