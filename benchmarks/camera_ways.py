"""Ways in which a camera goes wrong, several for every fault: what `camera_faults.py` does to its images.

A way takes the images of a window in order of time and gives them back spoilt; it draws its severity, shape and
place. Rules were tuned on the ways in `TUNED` only; those in `HELD` were written beforehand and not looked at.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Floats = NDArray[np.float32]
Rng = np.random.Generator
Change = Callable[[Image], Image]
Way = Callable[[list[Image], Rng], list[Image]]


def clipped(pixels: NDArray[np.floating]) -> Image:
    return np.clip(np.rint(pixels), 0, 255).astype(np.uint8)


def each(change: Callable[[Rng], Change], images: list[Image], rng: Rng) -> list[Image]:
    """The same change of every image."""
    drawn = change(rng)
    return [drawn(image) for image in images]


def every(change: Callable[[Rng], Change]) -> Way:
    return partial(each, change)


def noisy(pixels: NDArray[np.floating], sigma: float, rng: Rng) -> Image:
    return clipped(pixels + rng.normal(0, sigma, pixels.shape))


def jpeg(image: Image, quality: int) -> Image:
    encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR), dtype=np.uint8)


def field(shape: tuple[int, ...], scale: float, seed: int) -> Floats:
    """Smooth noise that is always the same for a seed; `scale` is a share of the height."""
    made = np.random.default_rng(seed).normal(0, 1, shape[:2]).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(made, (0, 0), scale * shape[0]), dtype=np.float32)


# --- covered: something opaque in front of a fifth of the picture and more ----------------------------------------


def side(rng: Rng) -> Change:
    share, way, shade = float(rng.uniform(0.2, 1.0)), int(rng.integers(4)), float(rng.uniform(5, 160))

    def change(image: Image) -> Image:
        turned = np.rot90(image, way).astype(np.float32)
        width = round(turned.shape[1] * share)
        turned[:, :width] = shade + rng.normal(0, 2, turned[:, :width].shape)
        return clipped(np.rot90(turned, -way))

    return change


def cap(rng: Rng) -> Change:
    level, sigma = float(rng.uniform(0, 12)), float(rng.uniform(0.5, 3))
    return lambda image: noisy(np.full(image.shape, level), sigma, rng)


def sticker(rng: Rng) -> Change:
    """Paper with something printed on it, over 22 to 60 % of the picture."""
    part, seed = math.sqrt(float(rng.uniform(0.22, 0.6))), int(rng.integers(1e9))
    top, left = rng.uniform(0, 1 - part, 2)
    base, print_ = float(rng.uniform(60, 230)), float(rng.uniform(5, 40))

    def change(image: Image) -> Image:
        height, width = image.shape[:2]
        paper = base + print_ * np.sign(field(image.shape, 0.02, seed))[:, :, None]
        rows = slice(int(top * height), int((top + part) * height))
        columns = slice(int(left * width), int((left + part) * width))
        covered = image.astype(np.float32)
        covered[rows, columns] = paper[rows, columns]
        return noisy(covered, 1.0, rng)

    return change


def hand(rng: Rng) -> Change:
    """A dark, soft-edged thing that reaches in from an edge."""
    angle, reach = float(rng.uniform(0, 2 * math.pi)), float(rng.uniform(0.0, 0.3))
    tone = rng.uniform(10, 110) * np.array([0.6, 0.8, 1.0])

    def change(image: Image) -> Image:
        height, width = image.shape[:2]
        y, x = np.mgrid[0:height, 0:width].astype(np.float32) / height
        far = (x - 0.5) * math.cos(angle) + (y - 0.5) * math.sin(angle)
        over = (1 / (1 + np.exp(-(far - 0.22 + reach) * 40)))[:, :, None]
        return noisy(image * (1 - over) + tone * over, 1.0, rng)

    return change


def bag(rng: Rng) -> Change:
    """Plastic over the whole lens: a veil through which next to nothing passes."""
    left, veil = float(rng.uniform(0.02, 0.06)), float(rng.uniform(90, 200))
    return lambda image: noisy(cv2.GaussianBlur(image, (0, 0), 14).astype(np.float32) * left + veil, 1.5, rng)


def cloth(rng: Rng) -> Change:
    pitch, tone = float(rng.uniform(3, 9)), float(rng.uniform(40, 140))

    def change(image: Image) -> Image:
        y, x = np.mgrid[0 : image.shape[0], 0 : image.shape[1]]
        weave = tone + 18 * np.sin(x * 2 * math.pi / pitch) * np.sin(y * 2 * math.pi / pitch)
        return noisy(np.repeat(weave[:, :, None], 3, axis=2), 2.0, rng)

    return change


# --- frozen -------------------------------------------------------------------------------------------------------


def encoded(images: list[Image], rng: Rng) -> list[Image]:
    return [jpeg(images[0], int(rng.integers(70, 97))) for _ in images]


def exact(images: list[Image], rng: Rng) -> list[Image]:
    return [images[0] for _ in images]


def stamped(images: list[Image], rng: Rng) -> list[Image]:
    """The same picture below a clock that goes on."""
    size = images[0].shape[0]
    place = (4, int(rng.choice([0.08, 0.97]) * size))
    return [
        np.asarray(
            cv2.putText(
                images[0].copy(), f"2026-11-21 {n // 60:02d}:{n % 60:02d}:{(n * 37) % 60:02d}", place,
                cv2.FONT_HERSHEY_SIMPLEX, size / 640, (255, 255, 255), 1 + size // 500,
            ),
            dtype=np.uint8,
        )
        for n in range(len(images))
    ]  # fmt: skip


def from_then_on(images: list[Image], rng: Rng) -> list[Image]:
    start = int(len(images) * rng.uniform(0.1, 0.35))
    return images[:start] + [jpeg(images[start], int(rng.integers(80, 97))) for _ in images[start:]]


def in_turns(images: list[Image], rng: Rng) -> list[Image]:
    """A buffer of two or three pictures that is sent again and again."""
    count = int(rng.integers(2, 4))
    return [jpeg(images[n % count], int(rng.integers(80, 97))) for n in range(len(images))]


def stamped_and_encoded(images: list[Image], rng: Rng) -> list[Image]:
    return [jpeg(image, int(rng.integers(75, 92))) for image in stamped(images, rng)]


# --- moved --------------------------------------------------------------------------------------------------------


def warped(matrix: Callable[[int, int], NDArray[np.float64]], border: int) -> Change:
    def change(image: Image) -> Image:
        height, width = image.shape[:2]
        found = cv2.warpPerspective(image, matrix(width, height), (width, height), borderMode=border)
        return np.asarray(found, dtype=np.uint8)

    return change


def similar(angle: float, zoom: float, across: float, down: float) -> Callable[[int, int], NDArray[np.float64]]:
    def matrix(width: int, height: int) -> NDArray[np.float64]:
        found = np.vstack([cv2.getRotationMatrix2D((width / 2, height / 2), angle, zoom), [0.0, 0.0, 1.0]])
        found[:2, 2] += (across * width, down * height)
        return np.asarray(found, dtype=np.float64)

    return matrix


def border_of(rng: Rng) -> int:
    return int(rng.choice([cv2.BORDER_REFLECT_101, cv2.BORDER_REPLICATE, cv2.BORDER_CONSTANT]))


def knocked(rng: Rng) -> Change:
    """A turn of 5 to 15 degrees with a small shift, or a shift of 8 to 15 % alone."""
    turned = bool(rng.integers(2))
    angle = float(rng.uniform(5, 15) * rng.choice([-1, 1])) if turned else 0.0
    way, far = float(rng.uniform(0, 2 * math.pi)), float(rng.uniform(0, 0.05) if turned else rng.uniform(0.08, 0.15))
    return warped(similar(angle, 1.0, far * math.cos(way), far * math.sin(way)), border_of(rng))


def zoomed(rng: Rng) -> Change:
    factor = float(rng.choice([rng.uniform(1.2, 1.6), rng.uniform(0.65, 0.82)]))
    return warped(similar(0.0, factor, 0.0, 0.0), border_of(rng))


def tilted(rng: Rng) -> Change:
    """Seen at a slant: one edge comes nearer by a sixth to a third."""
    push, corner = float(rng.uniform(0.16, 0.32)), int(rng.integers(4))

    def matrix(width: int, height: int) -> NDArray[np.float64]:
        frame = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float32)
        pushed = frame.copy()
        centre = frame.mean(axis=0)
        for place in (corner, (corner + 1) % 4):
            pushed[place] += (pushed[place] - centre) * push * 2
        return np.asarray(cv2.getPerspectiveTransform(frame, pushed), dtype=np.float64)

    return warped(matrix, border_of(rng))


def upside_down(rng: Rng) -> Change:
    turns = int(rng.integers(1, 4))
    return lambda image: np.ascontiguousarray(np.rot90(image, turns))


def cut_out(rng: Rng) -> Change:
    """Turned and moved without a border: 78 % of the picture, enlarged."""
    angle = float(rng.uniform(4, 12) * rng.choice([-1, 1]))
    across, down = rng.uniform(-0.08, 0.08, 2)
    return warped(similar(angle, 1.28, float(across), float(down)), cv2.BORDER_REFLECT_101)
