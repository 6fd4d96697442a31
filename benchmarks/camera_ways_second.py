"""A second stranger's ways in which a camera goes wrong (`camera_faults.py --second`): covers, moves, lenses, glass.

They were drawn before any rule knew of them, by mechanisms that the other sets do not have, as somebody would who
accepts a system. What sits on the glass and the healthy twins are in `camera_ways_second_glass.py`, light and colour in
`camera_ways_second_light.py`, the sensor in `camera_ways_second_sensor.py`, how images come in
`camera_ways_second_sent.py`. What the rules of then said of them is the first look in `RESULTS.md`.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from camera_ways import Change, Image, Rng, Way, every, jpeg, noisy, similar, warped
from camera_ways_fresh import grid, texture
from camera_ways_second_glass import GLASS, SOUND, SOUND_ALL
from camera_ways_second_light import BRIGHT, CAST, DARK, GREY
from camera_ways_second_sensor import SENSOR

# --- covered ------------------------------------------------------------------------------------------------------


def strips(rng: Rng) -> Change:
    """A strip curtain that hangs over a third to half of the picture: cloudy plastic, hardly a trace of the scene."""
    share, side, seed = float(rng.uniform(0.33, 0.55)), int(rng.integers(2)), int(rng.integers(1e9))
    tone = float(rng.uniform(0.8, 1.3)) * np.array([0.8, 1.0, 1.0])

    def change(image: Image) -> Image:
        x, _ = grid(image)
        x = x / x.max() if side else 1 - x / x.max()
        over = 0.93 / (1 + np.exp((x - share) * 80))[:, :, None]
        fold = (1 + 0.15 * np.sin(x * 2 * math.pi * 9) + 0.03 * texture(image, 0.03, seed))[:, :, None]
        return noisy(image * (1 - over) + over * fold * tone * float(image.mean()), 1.0, rng)

    return change


def ice(images: list[Image], rng: Rng) -> list[Image]:
    """Frost that grows inwards from all edges during the first fifth of the window and stays: half of the picture."""
    reach, seed, tone = float(rng.uniform(0.16, 0.26)), int(rng.integers(1e9)), float(rng.uniform(150, 210))
    found = []
    for n, image in enumerate(images):
        x, y = grid(image)
        edge = np.minimum(np.minimum(x, x.max() - x), np.minimum(y, 1 - y)) + 0.03 * texture(image, 0.05, seed)
        over = 1 / (1 + np.exp((edge - reach * min(1.0, 5 * n / len(images))) * 60))
        crystal = tone + 14 * texture(image, 0.008, seed + 1)
        found.append(noisy(image * (1 - over[:, :, None]) + (crystal * over)[:, :, None], 1.0, rng))
    return found


def no_signal(rng: Rng) -> Change:
    """Colour bars, as a converter shows them that gets no signal."""
    bars = np.array([[255, 255, 255], [0, 255, 255], [255, 255, 0], [0, 255, 0], [255, 0, 255], [0, 0, 255]]) * 0.75

    def change(image: Image) -> Image:
        x, _ = grid(image)
        return noisy(bars[np.minimum((6 * x / (x.max() + 1e-3)).astype(int), 5)], 0.7, rng)

    return change


# --- frozen -------------------------------------------------------------------------------------------------------


def loop(images: list[Image], rng: Rng) -> list[Image]:
    """The last six to ten pictures are played again and again."""
    count = int(rng.integers(6, 11))
    return [jpeg(images[n % count], int(rng.integers(80, 95))) for n in range(len(images))]


def crawling(images: list[Image], rng: Rng) -> list[Image]:
    """The same picture, which an electronic stabiliser shifts by up to two pixels."""
    found = []
    for n, _ in enumerate(images):
        across, down = rng.integers(-2, 3, 2)
        found.append(jpeg(np.roll(images[0], (int(down), int(across)), axis=(0, 1)), 85 + n % 5))
    return found


def hidden_clock(images: list[Image], rng: Rng) -> list[Image]:
    """The same picture with a small light in it that blinks: the recorder's own sign of life."""
    height, width = images[0].shape[:2]
    place, radius = (int(rng.uniform(0.1, 0.9) * width), int(rng.uniform(0.1, 0.9) * height)), max(3, height // 25)
    found = []
    for n, _ in enumerate(images):
        picture = images[0].copy()
        cv2.circle(picture, place, radius, (0, 0, 255) if n % 2 else (0, 30, 0), -1)
        found.append(jpeg(picture, 88))
    return found


# --- moved --------------------------------------------------------------------------------------------------------


def loose(images: list[Image], rng: Rng) -> list[Image]:
    """A loose bracket: it hangs by 8 to 13 %, and trembles by one."""
    way, far = float(rng.uniform(0, 2 * math.pi)), float(rng.uniform(0.08, 0.13))
    found = []
    for image in images:
        across, down = np.array([math.cos(way), math.sin(way)]) * far + rng.normal(0, 0.01, 2)
        angle = 2.0 + float(rng.normal(0, 0.7))
        found.append(warped(similar(angle, 1.0, float(across), float(down)), cv2.BORDER_REPLICATE)(image))
    return found


def other_lens(rng: Rng) -> Change:
    """A lens of another focal length: everything 1.7 to 2.2 times as large."""
    factor = float(rng.uniform(1.7, 2.2))
    return lambda image: noisy(warped(similar(0.0, factor, 0.0, 0.0), cv2.BORDER_REFLECT)(image), 2.0, rng)


def letterbox(rng: Rng) -> Change:
    """Another format: the picture is squeezed to three quarters of its height, with black bars above and below."""
    part = float(rng.uniform(0.65, 0.78))

    def change(image: Image) -> Image:
        height, width = image.shape[:2]
        rows = round(part * height)
        seen, top = np.full_like(image, 3), (height - rows) // 2
        seen[top : top + rows] = cv2.resize(image, (width, rows), interpolation=cv2.INTER_AREA)
        return seen

    return change


def barrel(rng: Rng) -> Change:
    """A wide lens was put on: straight lines bend outwards, the edges show what was never seen."""
    bend = float(rng.uniform(0.5, 0.9))

    def change(image: Image) -> Image:
        height, width = image.shape[:2]
        x, y = grid(image)
        across, down = x - 0.5 * width / height, y - 0.5
        out = 1 + bend * (across**2 + down**2) / 0.5
        maps = ((across * out + 0.5 * width / height) * height, (down * out + 0.5) * height)
        found = cv2.remap(image, *(each.astype(np.float32) for each in maps), cv2.INTER_LINEAR,
                          borderMode=cv2.BORDER_REFLECT_101)  # fmt: skip
        return np.asarray(found, np.uint8)

    return change


def second_preset(images: list[Image], rng: Rng) -> list[Image]:
    """A camera on a motor that stands at a wrong preset for two thirds of the window."""
    there = knock(rng)
    start = len(images) // 3
    return images[:start] + [there(image) for image in images[start:]]


def knock(rng: Rng) -> Change:
    angle, far = float(rng.uniform(7, 14) * rng.choice([-1, 1])), float(rng.uniform(0.1, 0.18))
    return warped(similar(angle, 1.2, far, -far / 2), cv2.BORDER_REFLECT_101)


# --- out of focus -------------------------------------------------------------------------------------------------


def warming(images: list[Image], rng: Rng) -> list[Image]:
    """A lens that warms up and runs out of focus over the window, from sharp to three to five pixels."""
    end = float(rng.uniform(3, 5))
    return [noisy(cv2.GaussianBlur(image, (0, 0), 0.3 + end * min(1.0, 1.6 * n / len(images))), 0.7, rng)
            for n, image in enumerate(images)]  # fmt: skip


def sharpened_blur(rng: Rng) -> Change:
    """Out of focus, and the camera sharpens what is left of the edges."""
    sigma, more = float(rng.uniform(2, 3.2)), float(rng.uniform(0.4, 0.8))

    def change(image: Image) -> Image:
        soft = cv2.GaussianBlur(image, (0, 0), sigma).astype(np.float32)
        return noisy(soft + more * (soft - cv2.GaussianBlur(soft, (0, 0), sigma)), 0.7, rng)

    return change


def denoised(rng: Rng) -> Change:
    """Noise reduction at its strongest: fine detail is wiped away, edges stay."""
    size = int(rng.choice([7, 9]))
    return lambda image: np.asarray(cv2.medianBlur(image, size), np.uint8)


def low_resolution(rng: Rng) -> Change:
    """The second stream is delivered: a third of the resolution, drawn up in squares."""
    factor = float(rng.uniform(2.5, 4))

    def change(image: Image) -> Image:
        size = image.shape[1::-1]
        little = cv2.resize(image, (round(size[0] / factor), round(size[1] / factor)), interpolation=cv2.INTER_AREA)
        return np.asarray(cv2.resize(jpeg(little, 80), size, interpolation=cv2.INTER_LINEAR), np.uint8)

    return change


SECOND: dict[str, dict[str, Way]] = {
    "covered": {"strips": every(strips), "ice": ice, "no signal": every(no_signal)},
    "frozen": {"loop": loop, "crawling": crawling, "blinking": hidden_clock},
    "moved": {
        "loose": loose, "other lens": every(other_lens), "letterbox": every(letterbox), "barrel": every(barrel),
        "preset": second_preset, "neighbour": lambda images, _: images,
    },
    "out_of_focus": {
        "warming": warming, "sharpened": every(sharpened_blur), "denoised": every(denoised),
        "low resolution": every(low_resolution),
    },
    "dirty_lens": GLASS | SENSOR["dirty_lens"],
    "too_dark": DARK,
    "too_bright": BRIGHT,
    "colour_lost": GREY,
    "colour_cast": CAST,
    "any name": SENSOR["any name"],
    "sound, one": SOUND,
    "sound, all": SOUND_ALL,
}  # fmt: skip
"""`neighbour` are the pictures of another camera under this one's name: `camera_faults.py` puts them there."""
