"""Ways in which a camera goes wrong that no rule was made on: the last question of `camera_faults.py`.

They do the same damage by other physics than `camera_ways.py`: photons are counted, optics is a transfer function,
water bends light, light scatters, a sensor's shoulder is soft. They were written before the rules that they test, and
looked at once; what was mended after that was mended for all worlds and ways (`RESULTS.md`).
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from camera_ways import Change, Floats, Image, Rng, Way, clipped, every, field, jpeg, noisy, similar, warped


def texture(image: Image, scale: float, seed: int) -> Floats:
    """Fixed smooth noise with a standard deviation of 1."""
    made = field(image.shape, scale, seed)
    return np.asarray(made / made.std(), dtype=np.float32)


def grid(image: Image) -> tuple[Floats, Floats]:
    """Places of all pixels across and down, as shares of the height."""
    y, x = np.mgrid[0 : image.shape[0], 0 : image.shape[1]].astype(np.float32)
    return x / image.shape[0], y / image.shape[0]


def leaf(rng: Rng) -> Change:
    """A leaf on the glass: a dark green blot with veins over a quarter to a half of the picture."""
    area, seed, tone = float(rng.uniform(0.25, 0.5)), int(rng.integers(1e9)), rng.uniform(30, 110)

    def change(image: Image) -> Image:
        shape = texture(image, 0.14, seed)
        over = (shape >= np.quantile(shape, 1 - area)).astype(np.float32)
        over = cv2.GaussianBlur(over, (0, 0), 0.01 * image.shape[0])[:, :, None]
        veins = 12 * np.sign(texture(image, 0.01, seed + 1))
        under = (tone + veins)[:, :, None] * np.array([0.4, 1.0, 0.6], np.float32)
        return noisy(image * (1 - over) + under * over, 1.0, rng)

    return change


def lit_cap(rng: Rng) -> Change:
    """A cap that lets a little light in at one edge."""
    leak, angle = float(rng.uniform(20, 80)), float(rng.uniform(0, 2 * math.pi))

    def change(image: Image) -> Image:
        x, y = grid(image)
        glow = leak * np.exp(4 * ((x - 0.5) * math.cos(angle) + (y - 0.5) * math.sin(angle) - 0.5))
        return noisy(np.repeat((6 + glow)[:, :, None], 3, axis=2), 2.0, rng)

    return change


def foil(rng: Rng) -> Change:
    """Crumpled bright foil: fixed highlights, next to nothing of the scene, and the light of the scene's day."""
    base, seed = float(rng.uniform(60, 170)), int(rng.integers(1e9))

    def change(image: Image) -> Image:
        creases = 20 * np.abs(texture(image, 0.03, seed))
        lit = float(image.mean()) / 255
        return noisy(np.repeat((base * (0.8 + 0.4 * lit) + creases)[:, :, None], 3, axis=2), 1.5, rng)

    return change


def noisy_still(images: list[Image], rng: Rng) -> list[Image]:
    """The same picture, each time with a little noise of the transmission."""
    sigma = float(rng.uniform(0.5, 2.0))
    return [noisy(images[0], sigma, rng) for _ in images]


def buffer(images: list[Image], rng: Rng) -> list[Image]:
    """Old pictures from a ring buffer of two to four, encoded anew, from the start of the window."""
    count = int(rng.integers(2, 5))
    return [jpeg(images[n % count], int(rng.integers(60, 95))) for n in range(len(images))]


def slipped(rng: Rng) -> Change:
    """The mount slipped: a turn of 4 to 12 degrees and a shift of 5 to 12 %, no empty edge (the view is nearer)."""
    angle = float(rng.uniform(4, 12) * rng.choice([-1, 1]))
    way, far = float(rng.uniform(0, 2 * math.pi)), float(rng.uniform(0.05, 0.12))
    return warped(similar(angle, 1.35, far * math.cos(way), far * math.sin(way)), cv2.BORDER_REFLECT_101)


def swivelled(rng: Rng) -> Change:
    """Panned by 10 to 20 % of the width: what comes into view was never seen before."""
    far, seed = float(rng.uniform(0.1, 0.2) * rng.choice([-1, 1])), int(rng.integers(1e9))

    def change(image: Image) -> Image:
        shift = round(far * image.shape[1])
        seen = np.roll(image, shift, axis=1)
        strip = slice(0, shift) if shift > 0 else slice(shift, None)
        new = image.mean() + 40 * texture(image, 0.02, seed)
        seen[:, strip] = clipped(np.repeat(new[:, strip, None], 3, axis=2))
        return seen

    return change


def lowpass(rng: Rng) -> Change:
    """An optical transfer function that falls off, in the Fourier plane; the sensor's noise comes after it."""
    cut, sigma = float(rng.uniform(0.05, 0.16)), float(rng.uniform(0, 1.5))

    def change(image: Image) -> Image:
        down = np.fft.fftfreq(image.shape[0])[:, None]
        across = np.fft.rfftfreq(image.shape[1])[None, :]
        kept = np.exp(-((np.hypot(down, across) / cut) ** 2))
        planes = [np.fft.irfft2(np.fft.rfft2(image[:, :, c]) * kept, image.shape[:2]) for c in range(3)]
        return noisy(np.stack(planes, axis=2), sigma, rng)

    return change


def astigmatic(rng: Rng) -> Change:
    """Blurred more one way than the other."""
    wide, narrow = float(rng.uniform(2.5, 5)), float(rng.uniform(1.2, 2))
    turned = bool(rng.integers(2))

    def change(image: Image) -> Image:
        return np.asarray(cv2.GaussianBlur(image, (0, 0), *((wide, narrow) if turned else (narrow, wide))), np.uint8)

    return change


def haze(rng: Rng) -> Change:
    """Grease or dust all over the lens: a veil over the whole picture and half of the contrast gone."""
    left = float(rng.uniform(0.4, 0.65))
    veil = float(rng.uniform(0.3, 0.6)) * 255 * (1 - left)
    return lambda image: clipped(image * left + veil)


def breath(rng: Rng) -> Change:
    """Condensation in the middle of the glass: light is scattered there, by some tens of pixels."""
    x0, y0 = rng.uniform(0.35, 0.65, 2)
    size, veil = float(rng.uniform(0.18, 0.3)), float(rng.uniform(130, 200))

    def change(image: Image) -> Image:
        x, y = grid(image)
        film = np.clip(1.3 - np.hypot(x - x0, y - y0) / size, 0, 0.85)[:, :, None]
        soft = cv2.GaussianBlur(image, (0, 0), 0.03 * image.shape[0]).astype(np.float32)
        return clipped(image * (1 - film) + (0.5 * soft + 0.5 * veil) * film)

    return change


def dust(rng: Rng) -> Change:
    """Ten to thirty specks, dark and soft because they are far out of focus."""
    specks = [(*rng.uniform(0.03, 0.97, 2), float(rng.uniform(0.02, 0.05))) for _ in range(int(rng.integers(10, 30)))]
    dark = float(rng.uniform(0.4, 0.8))

    def change(image: Image) -> Image:
        x, y = grid(image)
        film = np.zeros(image.shape[:2], np.float32)
        for across, down, radius in specks:
            far = np.hypot(x - across * image.shape[1] / image.shape[0], y - down) / radius
            film = np.maximum(film, 1 / (1 + np.exp((far - 1) * 8)))
        return clipped(image * (1 - dark * film[:, :, None]))

    return change


def rain(rng: Rng) -> Change:
    """Drops that bend the light: each shows what lies on its other side, blurred, and a brighter rim."""
    drops = [(*rng.uniform(0.1, 0.9, 2), float(rng.uniform(0.05, 0.11))) for _ in range(int(rng.integers(3, 8)))]

    def change(image: Image) -> Image:
        x, y = grid(image)
        wide = image.shape[1] / image.shape[0]
        over, from_x, from_y = np.zeros(image.shape[:2], np.float32), x.copy(), y.copy()
        for across, down, radius in drops:
            far = np.hypot(x - across * wide, y - down)
            inside = far < radius
            from_x[inside] = across * wide - 2.5 * (x[inside] - across * wide)
            from_y[inside] = down - 2.5 * (y[inside] - down)
            over = np.maximum(over, inside * (far / radius) ** 6)
        height = image.shape[0]
        seen = cv2.remap(image, from_x * height, from_y * height, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
        soft = cv2.GaussianBlur(seen, (0, 0), 0.008 * height).astype(np.float32)
        bent = (np.abs(from_x - x) + np.abs(from_y - y) > 0)[:, :, None]
        return clipped(np.where(bent, soft + 60 * over[:, :, None], image))

    return change


def photons(low: float, high: float) -> Way:
    """Less light, counted: what is left is noisier."""

    def drawn(rng: Rng) -> Change:
        factor = float(rng.uniform(low, high))
        return lambda image: noisy(rng.poisson(image * factor * 8.0) / 8.0, 0.7, rng)

    return every(drawn)


def crushed(rng: Rng) -> Change:
    """An iris that closes, and a black level that is too high."""
    factor, off = float(rng.uniform(0.5, 0.75)), float(rng.uniform(8, 25))
    return lambda image: clipped(image * factor - off)


def shoulder(rng: Rng) -> Change:
    """Twice to four times the light on a sensor that saturates softly."""
    factor = float(rng.uniform(2, 4))
    most = 1 - math.exp(-max(factor, 2.5))
    return lambda image: clipped(255 * (1 - np.exp(image * (-factor / 255))) / most)


def in_stops(rng: Rng) -> Change:
    """Linear light times 1.6 to 3, seen through the display curve of 2.2."""
    factor = float(rng.uniform(1.6, 3)) ** (1 / 2.2) * 1.12
    return lambda image: clipped(image * factor)


def night_mode(rng: Rng) -> Change:
    """The red part alone, amplified, with noise and a lamp in the middle."""
    gain, lamp, sigma = float(rng.uniform(0.8, 1.3)), float(rng.uniform(0, 0.6)), float(rng.uniform(2, 8))

    def change(image: Image) -> Image:
        x, y = grid(image)
        lit = 1 + lamp * (0.35 - np.hypot(x - 0.5 * image.shape[1] / image.shape[0], y - 0.5))
        grey = noisy(image[:, :, 2] * gain * lit, sigma, rng)
        return np.repeat(grey[:, :, None], 3, axis=2)

    return change


def tinted(rng: Rng) -> Change:
    """A tenth of the colour is left, over another curve."""
    left, gamma = float(rng.uniform(0.0, 0.1)), float(rng.uniform(0.8, 1.3))

    def change(image: Image) -> Image:
        grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY).astype(np.float32)[:, :, None]
        return clipped(255 * (np.clip(grey * (1 - left) + image * left, 0, 255) / 255) ** gamma)

    return change


FRESH: dict[str, dict[str, Way]] = {
    "covered": {"leaf": every(leaf), "lit cap": every(lit_cap), "foil": every(foil)},
    "frozen": {"noisy still": noisy_still, "buffer": buffer},
    "moved": {"slipped": every(slipped), "swivelled": every(swivelled)},
    "out_of_focus": {"lowpass": every(lowpass), "astigmatic": every(astigmatic)},
    "dirty_lens": {"haze": every(haze), "breath": every(breath), "dust": every(dust), "rain": every(rain)},
    "too_dark": {"photons": photons(0.25, 0.6), "crushed": every(crushed)},
    "too_bright": {"shoulder": every(shoulder), "in stops": every(in_stops)},
    "colour_lost": {"night mode": every(night_mode), "tinted": every(tinted)},
}
