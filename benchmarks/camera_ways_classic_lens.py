"""Classic faults before and in the lens: covered, out of focus, dirty. A way draws place and severity for each case."""

from __future__ import annotations

import cv2
import numpy as np
from camera_ways import Change, Floats, Image, Rng, Way, clipped, every


def sensed(light: Floats, image: Image, rng: Rng) -> Image:
    """What the sensor of this image makes of other light: its noise comes behind the lens, then a JPEG."""
    grey = not np.ptp(image[::7, ::7].astype(np.int16), axis=2).any()
    noise = rng.normal(0, 1.5, light.shape[:2] + ((1,) if grey else (3,)))
    made = cv2.imencode(".jpg", clipped(light + noise), [cv2.IMWRITE_JPEG_QUALITY, 92])[1]
    found = np.asarray(cv2.imdecode(made, cv2.IMREAD_COLOR), dtype=np.uint8)
    return np.repeat(found[:, :, 1:2], 3, axis=2) if grey else found


def veiled(image: Image, mask: Floats, tone: Floats | float) -> Floats:
    """Something of this tone before the picture, as opaque as the mask."""
    part = mask[:, :, None]
    return np.asarray(image * (1 - part) + tone * part, dtype=np.float32)


def ambient(image: Image) -> float:
    """How much light falls on something before the lens, by the light of the scene."""
    return float(np.clip(image.mean() / 110, 0.12, 1.3))


def toned(image: Image, tone: Floats) -> Floats:
    """The tone of a thing, without its colour where the sensor sees none."""
    grey = not np.ptp(image[::7, ::7].astype(np.int16), axis=2).any()
    return np.full(3, tone.mean(), np.float32) if grey else tone.astype(np.float32)


def grown(shape: tuple[int, ...], scale: float, share: float, soft: float, rng: Rng) -> Floats:
    """A cloud over this share of the picture, its edge this soft; scales are shares of the height."""
    made = cv2.GaussianBlur(rng.normal(0, 1, shape[:2]).astype(np.float32), (0, 0), scale * shape[0])
    over = (made > np.quantile(made, 1 - share)).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(over, (0, 0), soft * shape[0]), dtype=np.float32)


# --- covered ------------------------------------------------------------------------------------------------------


def carton(rng: Rng) -> Change:
    """Somebody put a carton or a sheet of paper before the camera: it hides three fifths and more from one side."""
    share, lean, side = rng.uniform(0.6, 0.92), rng.uniform(-0.15, 0.15), int(rng.integers(4))
    tone = np.array([[105, 150, 190], [215, 220, 222], [70, 70, 75]][int(rng.integers(3))], np.float32)

    def change(image: Image) -> Image:
        high, wide = image.shape[:2]
        row, column = np.indices((high, wide)).astype(np.float32)
        along, across = (column / wide, row / high) if side % 2 else (row / high, column / wide)
        along = 1 - along if side > 1 else along
        mask = np.clip((share + lean * (across - 0.5) - along) * 40 + 0.5, 0, 1)
        shade = toned(image, tone) * ambient(image) * (0.85 + 0.2 * across)[:, :, None]
        return sensed(veiled(image, mask, shade), image, rng)

    return change


def cap(rng: Rng) -> Change:
    """The cap was left on the lens, or the lens was taped over: black, but for the noise of the sensor."""
    level = float(rng.uniform(1, 12))
    return lambda image: sensed(np.full(image.shape, level, np.float32), image, rng)


def paint(rng: Rng) -> Change:
    """Somebody sprayed paint on the glass: a cloud without focus over most of the picture, opaque in its middle."""
    share, seed = rng.uniform(0.6, 0.85), int(rng.integers(1 << 30))
    tone = rng.uniform(15, 200, 3).astype(np.float32)

    def change(image: Image) -> Image:
        mask = grown(image.shape, 0.18, share, 0.035, np.random.default_rng(seed))
        return sensed(veiled(image, 0.97 * mask, toned(image, tone) * ambient(image)), image, rng)

    return change


# --- out of focus -------------------------------------------------------------------------------------------------


def soft(rng: Rng) -> Change:
    """The focus ring was turned: everything is soft."""
    share = rng.uniform(0.009, 0.018)
    return lambda image: sensed(
        cv2.GaussianBlur(image.astype(np.float32), (0, 0), share * image.shape[0]), image, rng
    )  # fmt: skip


def disc(rng: Rng) -> Change:
    """The lens came off its distance: every point becomes a disc."""
    share = rng.uniform(0.012, 0.026)

    def change(image: Image) -> Image:
        radius = max(round(share * image.shape[0]), 2)
        kernel = np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1)), np.float32)
        spread = cv2.filter2D(image.astype(np.float32), -1, kernel / kernel.sum(), borderType=cv2.BORDER_REFLECT)
        return sensed(spread, image, rng)

    return change


def growing(images: list[Image], rng: Rng) -> list[Image]:
    """A loose focus ring creeps: sharp at the start of the window, plainly soft from its second third on."""
    end = rng.uniform(0.015, 0.025)
    shares = end * np.clip(np.linspace(0.05, 1.6, len(images)), 0, 1)
    return [
        sensed(cv2.GaussianBlur(image.astype(np.float32), (0, 0), max(share * image.shape[0], 0.2)), image, rng)
        for image, share in zip(images, shares, strict=True)
    ]


# --- dirty lens ---------------------------------------------------------------------------------------------------


def smudges(rng: Rng) -> Change:
    """Greasy fingers on the glass: four to eight smudges that stay in place, without detail."""
    count, seed, shade = int(rng.integers(4, 9)), int(rng.integers(1 << 30)), rng.uniform(0.35, 0.58)

    def change(image: Image) -> Image:
        drawn, (high, wide) = np.random.default_rng(seed), image.shape[:2]
        mask = np.zeros((high, wide), np.float32)
        for _ in range(count):
            at = (int(drawn.uniform(0.08, 0.92) * wide), int(drawn.uniform(0.08, 0.92) * high))
            size = tuple((drawn.uniform(0.05, 0.12, 2) * high).astype(int).tolist())
            cv2.ellipse(mask, at, size, drawn.uniform(0, 180), 0, 360, 1.0, -1)
        mask = cv2.GaussianBlur(mask, (0, 0), 0.018 * high)[:, :, None]
        lift = 8 if image.mean() > 50 else 95 * max(ambient(image), 0.5)  # grease glows before what is dark
        dull = cv2.GaussianBlur(image.astype(np.float32), (0, 0), 0.03 * high) * shade + lift
        return sensed(image * (1 - 0.85 * mask) + dull * 0.85 * mask, image, rng)

    return change


def dust(rng: Rng) -> Change:
    """Dust and splashes on the glass: tens of dark, soft specks that stay in place."""
    count, seed, depth = int(rng.integers(35, 90)), int(rng.integers(1 << 30)), rng.uniform(0.5, 0.8)

    def change(image: Image) -> Image:
        drawn, (high, wide) = np.random.default_rng(seed), image.shape[:2]
        mask = np.zeros((high, wide), np.float32)
        for _ in range(count):
            at = (int(drawn.uniform(0, wide)), int(drawn.uniform(0, high)))
            cv2.circle(mask, at, max(int(drawn.uniform(0.006, 0.018) * high), 2), float(drawn.uniform(0.7, 1)), -1)
        mask = depth * cv2.GaussianBlur(mask, (0, 0), 0.004 * high)
        return sensed(veiled(image, mask, 15.0), image, rng)

    return change


def drops(rng: Rng) -> Change:
    """Rain or coolant on the glass: drops that show the scene small and upside down, with a bright rim."""
    count, seed = int(rng.integers(7, 15)), int(rng.integers(1 << 30))

    def change(image: Image) -> Image:
        drawn, (high, wide) = np.random.default_rng(seed), image.shape[:2]
        light = image.astype(np.float32)
        row, column = np.indices((high, wide)).astype(np.float32)
        for _ in range(count):
            x, y, radius = drawn.uniform(0, wide), drawn.uniform(0, high), drawn.uniform(0.04, 0.1) * high
            away = np.hypot(row - y, column - x) / radius
            turned = cv2.remap(image, x - 4 * (column - x), y - 4 * (row - y), cv2.INTER_LINEAR,
                               borderMode=cv2.BORDER_REFLECT).astype(np.float32)  # fmt: skip
            turned = cv2.GaussianBlur(turned, (0, 0), 4.0) * (0.55 + 0.65 * np.clip(away, 0, 1)[:, :, None])
            mask = np.clip((1 - away) * radius / 6 + 0.5, 0, 1)[:, :, None]
            light = light * (1 - mask) + turned * mask
        return sensed(light, image, rng)

    return change


def oil(rng: Rng) -> Change:
    """A film of oil over a third to two thirds of the glass: milky and without detail there, clear beside it."""
    share, seed, veil = rng.uniform(0.33, 0.66), int(rng.integers(1 << 30)), rng.uniform(0.3, 0.5)

    def change(image: Image) -> Image:
        mask = grown(image.shape, 0.16, share, 0.025, np.random.default_rng(seed))
        blurred = cv2.GaussianBlur(image.astype(np.float32), (0, 0), 0.016 * image.shape[0])
        milky = blurred * (1 - veil) + veil * (0.5 * blurred.mean() + 65)
        return sensed(image * (1 - mask[:, :, None]) + milky * mask[:, :, None], image, rng)

    return change


LENS: dict[str, dict[str, Way]] = {
    "covered": {"carton": every(carton), "cap": every(cap), "paint": every(paint)},
    "out_of_focus": {"soft": every(soft), "disc": every(disc), "growing": growing},
    "dirty_lens": {"smudges": every(smudges), "dust": every(dust), "drops": every(drops), "oil": every(oil)},
}
