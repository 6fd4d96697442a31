"""Classic faults, those of which anyone who accepts a system thinks first, and healthy twins that are none.

They are as severe as a site engineer plainly sees: nothing subtle, nothing absurd. Before and in the lens:
`camera_ways_classic_lens.py`; how images come: `camera_ways_classic_sent.py`; twins: `camera_ways_classic_sound.py`.
"""

from __future__ import annotations

import cv2
import numpy as np
from camera_ways import Change, Floats, Image, Rng, Way, clipped, every
from camera_ways_classic_lens import LENS, sensed
from camera_ways_classic_sound import SOUND

# --- frozen -------------------------------------------------------------------------------------------------------


def same(images: list[Image], rng: Rng) -> list[Image]:
    """The camera hangs and delivers one picture over and over."""
    return [images[int(rng.integers(len(images)))]] * len(images)


def stuck(images: list[Image], rng: Rng) -> list[Image]:
    """The camera hangs in the midst of the window: from the second quarter or the middle on, one picture."""
    since = int(len(images) * rng.uniform(0.2, 0.5))
    return [image if place < since else images[since] for place, image in enumerate(images)]


def replayed(images: list[Image], rng: Rng) -> list[Image]:
    """An encoder repeats its last picture: the noise is new every time, what it shows is not."""
    still = images[int(rng.integers(len(images)))]
    return [sensed(still.astype(np.float32), still, rng) for _ in images]


# --- moved --------------------------------------------------------------------------------------------------------


def turned(image: Image, how: Floats, rng: Rng) -> Image:
    size = (image.shape[1], image.shape[0])
    seen = cv2.warpPerspective(
        image.astype(np.float32), how.astype(np.float64), size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT
    )
    return sensed(seen, image, rng)


def translated(rng: Rng) -> Change:
    """Somebody ran into the post: the picture is displaced by a twelfth to a fifth of its size."""
    course, share = rng.uniform(0, 2 * np.pi), rng.uniform(0.08, 0.2)

    def change(image: Image) -> Image:
        by = share * np.array([np.cos(course) * image.shape[1], np.sin(course) * image.shape[0]])
        return turned(image, np.array([[1, 0, by[0]], [0, 1, by[1]], [0, 0, 1.0]]), rng)

    return change


def rotated(rng: Rng) -> Change:
    """The bracket slipped: the picture is turned by five to fifteen degrees."""
    angle = float(rng.choice([-1, 1]) * rng.uniform(5, 15))

    def change(image: Image) -> Image:
        around = cv2.getRotationMatrix2D((image.shape[1] / 2, image.shape[0] / 2), angle, 1.0)
        return turned(image, np.vstack([around, [0, 0, 1]]), rng)

    return change


def tilted(rng: Rng) -> Change:
    """The camera looks from the side or from above now: a trapezium, one side a fifth to a third shorter."""
    share, side = rng.uniform(0.1, 0.17), int(rng.integers(4))

    def change(image: Image) -> Image:
        high, wide = image.shape[:2]
        corners = np.array([(0, 0), (wide, 0), (wide, high), (0, high)], np.float32)
        seen, one, other = corners.copy(), side, (side + 1) % 4
        seen[one] += share * (corners[other] - corners[one])
        seen[other] += share * (corners[one] - corners[other])
        return turned(image, cv2.getPerspectiveTransform(seen, corners), rng)

    return change


def zoomed(rng: Rng) -> Change:
    """Somebody turned the zoom, or mounted another lens: everything is a fifth to a half larger."""
    factor = rng.uniform(1.2, 1.5)

    def change(image: Image) -> Image:
        around = cv2.getRotationMatrix2D((image.shape[1] / 2, image.shape[0] / 2), 0.0, factor)
        return turned(image, np.vstack([around, [0, 0, 1]]), rng)

    return change


# --- light --------------------------------------------------------------------------------------------------------


def curve(image: Image, factor: float = 1.0, gamma: float = 1.0, lift: float = 0.0) -> Image:
    return clipped(255 * (image / 255.0) ** gamma * factor + lift)


def dark(rng: Rng) -> Change:
    """The iris stands almost closed, or a lamp of this camera failed: a quarter to not half of the light."""
    factor = rng.uniform(0.22, 0.42)
    return lambda image: sensed(image * np.float32(factor), image, rng)


def deep(rng: Rng) -> Change:
    """A wrong gamma in the settings: what was grey is almost black."""
    gamma = rng.uniform(2.2, 3.2)
    return lambda image: curve(image, gamma=gamma)


def dimming(images: list[Image], rng: Rng) -> list[Image]:
    """The lamp of this camera dies within the window: full light at first, a fifth from the middle on."""
    factors = np.interp(np.linspace(0, 1, len(images)), [0, 0.15, 0.5, 1], [1, 0.9, 0.3, rng.uniform(0.12, 0.25)])
    return [sensed(image * np.float32(each), image, rng) for image, each in zip(images, factors, strict=True)]


def bright(rng: Rng) -> Change:
    """The shutter is open for far too long: 1.7 to 2.4 times the light, and what was light is white."""
    factor = rng.uniform(1.7, 2.4)
    return lambda image: curve(image, factor=factor)


def pale(rng: Rng) -> Change:
    """A wrong gamma in the settings: what was dark is grey."""
    gamma = rng.uniform(0.35, 0.55)
    return lambda image: curve(image, gamma=gamma)


def blown(rng: Rng) -> Change:
    """Exposure against the light: raised, clipped, and light spreads beyond its edges."""
    factor, lift = rng.uniform(1.4, 1.8), rng.uniform(25, 60)

    def change(image: Image) -> Image:
        light = image * np.float32(factor)
        spread = cv2.GaussianBlur(np.maximum(light - 190, 0), (0, 0), 0.04 * image.shape[0])
        return sensed(light + lift + 0.7 * spread, image, rng)

    return change


# --- colour -------------------------------------------------------------------------------------------------------


def grey(image: Image, weights: tuple[float, float, float] = (0.114, 0.587, 0.299)) -> Image:
    return np.repeat(clipped(image.astype(np.float32) @ np.array(weights, np.float32))[:, :, None], 3, axis=2)


def no_chroma(rng: Rng) -> Change:
    """A setting or a cable: the picture comes in black and white."""
    return grey


def infrared(rng: Rng) -> Change:
    """The infrared filter hangs: the night picture, grey, by day too."""
    weights, lift = (0.2, 0.3, 0.5 + rng.uniform(0, 0.15)), rng.uniform(0, 15)
    return lambda image: sensed(grey(image, weights).astype(np.float32) * 0.95 + lift, grey(image), rng)


def switched(images: list[Image], rng: Rng) -> list[Image]:
    """The day and night switch falls into night within the window and stays there."""
    since, change = len(images) * rng.uniform(0.1, 0.4), infrared(rng)
    return [image if place < since else change(image) for place, image in enumerate(images)]


def balance(blue: tuple[float, float], green: tuple[float, float], red: tuple[float, float]) -> Way:
    """A white balance with these gains, at the same brightness."""

    def change(rng: Rng) -> Change:
        gains = np.array([rng.uniform(*blue), rng.uniform(*green), rng.uniform(*red)], np.float32)
        gains /= gains @ np.array([0.114, 0.587, 0.299], np.float32)
        return lambda image: clipped(image * gains)

    return every(change)


CLASSIC: dict[str, dict[str, Way]] = {
    **LENS,
    "frozen": {"same": same, "stuck": stuck, "replayed": replayed},
    "moved": {
        "translated": every(translated), "rotated": every(rotated), "tilted": every(tilted), "zoomed": every(zoomed),
    },
    "too_dark": {"dark": every(dark), "deep": every(deep), "dimming": dimming},
    "too_bright": {"bright": every(bright), "pale": every(pale), "blown": every(blown)},
    "colour_lost": {"no chroma": every(no_chroma), "infrared": every(infrared), "switched": switched},
    "colour_cast": {
        "warm": balance((0.55, 0.7), (0.95, 1.0), (1.25, 1.45)), "cool": balance((1.3, 1.5), (0.95, 1.0), (0.6, 0.75)),
        "green": balance((0.75, 0.85), (1.15, 1.25), (0.75, 0.85)),
    },
    **SOUND,
}  # fmt: skip
