"""Ways in which the colours of one camera go wrong: pictures of one colour only, and casts over all of them.

Beside them healthy twins that a cast is easily taken for: things of another colour, and another light on all cameras.
"""

from __future__ import annotations

import cv2
import numpy as np
from camera_ways import Change, Image, Rng, Way, clipped, every, noisy
from camera_ways_fresh import grid
from numpy.typing import NDArray

GREEN, AMBER, PURPLE = (0.15, 1.0, 0.25), (0.1, 0.65, 1.0), (0.9, 0.35, 0.85)
"""Blue, green and red of night vision in one colour."""


def one_colour(tone: tuple[float, float, float], noise: float = 2.0, hot: float = 0.0) -> Way:
    """Grey values shown in one colour, with noise; `hot` is the extra light of a lamp on the middle."""

    def drawn(rng: Rng) -> Change:
        tint = np.array(tone) * rng.uniform(0.9, 1.1, 3)

        def change(image: Image) -> Image:
            grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY).astype(np.float32)
            x, y = grid(image)
            lit = 1 + hot * (0.3 - np.hypot(x - 0.5 * image.shape[1] / image.shape[0], y - 0.5))
            shown = (grey * lit + rng.normal(0, noise, grey.shape))[:, :, None] * tint
            return clipped(shown)

        return change

    return every(drawn)


def palette(rng: Rng) -> Change:
    """False colours: dark is shown in one tone and bright in another, as a thermal or night-vision display does."""
    low, high = np.array([70.0, 10, 20]), np.array([170.0, 250, 255])

    def change(image: Image) -> Image:
        grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)[:, :, None] / 255.0
        return noisy(low + (high - low) * grey, 1.0, rng)

    return change


def filtered(low: tuple[float, float, float], high: tuple[float, float, float]) -> Way:
    """Something coloured over the whole lens: each channel is let through in part."""

    def drawn(rng: Rng) -> Change:
        kept = rng.uniform(low, high)
        return lambda image: noisy(image * kept, 0.7, rng)

    return every(drawn)


def infrared_leak(rng: Rng) -> Change:
    """An infrared-cut filter that hangs open: red and blue gain light that green does not, and all colours pale."""
    red, blue, pale = float(rng.uniform(0.35, 0.6)), float(rng.uniform(0.25, 0.45)), float(rng.uniform(0.5, 0.8))

    def change(image: Image) -> Image:
        grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY).astype(np.float32)[:, :, None]
        seen = image * pale + grey * (1 - pale)
        return clipped(0.85 * (seen + grey * np.array([blue, 0.0, red])))

    return change


def unbalanced(rng: Rng) -> Change:
    """A white balance that ran away to one side."""
    ways = ((1.5, 1.0, 0.65), (0.6, 1.0, 1.45), (0.75, 1.3, 0.75))
    gains = np.array(ways[int(rng.integers(3))]) * rng.uniform(0.95, 1.05, 3)
    return lambda image: clipped(image * gains)


def repainted(images: list[Image], rng: Rng) -> list[Image]:
    """What passes has another colour; what is fixed keeps its own. Grey pictures stay as they are."""
    return _painted(images, rng.uniform(0.4, 1.6, 3))


def _painted(images: list[Image], tint: NDArray[np.float64]) -> list[Image]:
    if all(np.ptp(image[::8, ::8].astype(int), axis=2).max() <= 2 for image in images):
        return images
    usual = np.median(np.stack(images), axis=0)
    found = []
    for image in images:
        passes = (np.abs(image - usual).max(axis=2) >= 30).astype(np.float32)
        passes = cv2.GaussianBlur(passes, (0, 0), 1.5)[:, :, None]
        found.append(clipped(image * (1 - passes + passes * tint)))
    return found


def mild(rng: Rng) -> Change:
    """Light of a slightly other colour, as from a window; grey pictures stay grey."""
    tint = rng.uniform(0.96, 1.04, 3)
    return lambda image: image if np.ptp(image[::8, ::8].astype(int), axis=2).max() <= 2 else clipped(image * tint)


def evening(rng: Rng) -> Change:
    """Warm light on everything; grey pictures stay grey."""
    tint = np.array([0.7, 0.95, 1.15]) * rng.uniform(0.97, 1.03, 3)
    return lambda image: image if np.ptp(image[::8, ::8].astype(int), axis=2).max() <= 2 else clipped(image * tint)


MONOCHROME: dict[str, Way] = {
    "green": one_colour(GREEN), "amber": one_colour(AMBER), "purple": one_colour(PURPLE),
    "hot spot": one_colour((1.0, 1.0, 1.0), 4.0, 1.6), "palette": every(palette),
}  # fmt: skip
CAST: dict[str, Way] = {
    "infrared leak": every(infrared_leak),
    "orange foil": filtered((0.3, 0.6, 0.9), (0.5, 0.75, 1.0)),
    "blue foil": filtered((0.85, 0.6, 0.3), (1.0, 0.75, 0.5)),
    "white balance": every(unbalanced),
}
SOUND_COLOUR: dict[str, Way] = {"repainted": repainted, "mild": every(mild)}
SOUND_COLOUR_ALL: dict[str, Way] = {"repainted": repainted, "evening": every(evening)}
