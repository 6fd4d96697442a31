"""What a sensor makes of light, and the first plant of a third stranger: a yard by day and night."""

from __future__ import annotations

import cv2
import numpy as np
from camera_ways import Floats, Image, Rng, clipped

YARD = (320, 448)
"""Height and width of the pictures."""
YARDS = {"bay": 11, "gate": 12, "ramp": 13, "weighbridge": 14}


def taken(light: Floats, rng: Rng, grain: float = 1.5, quality: int = 92) -> Image:
    """What a sensor makes of this light: shot and read noise, and a JPEG; grey stays grey."""
    deviation = np.sqrt(grain**2 + 0.02 * grain * np.clip(light, 0, 255))
    pixels = clipped(light + rng.normal(0, 1, light.shape) * deviation)
    made = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    how = cv2.IMREAD_GRAYSCALE if light.ndim == 2 else cv2.IMREAD_COLOR
    image = np.asarray(cv2.imdecode(made, how), dtype=np.uint8)
    return np.repeat(image[:, :, None], 3, axis=2) if light.ndim == 2 else image


def cloudy(shape: tuple[int, ...], sigma: float, rng: Rng) -> Floats:
    """Smooth noise of deviation one."""
    small = max(int(sigma / 2), 1)
    made = rng.normal(0, 1, (shape[0] // small + 8, shape[1] // small + 8)).astype(np.float32)
    made = cv2.GaussianBlur(made, (0, 0), sigma / small)[4:-4, 4:-4]
    return np.asarray(cv2.resize(made / made.std(), shape[1::-1], interpolation=cv2.INTER_CUBIC), dtype=np.float32)


def box(at: tuple[float, float], size: tuple[float, float], turn: float) -> np.ndarray:
    frame = (tuple(map(float, at)), tuple(map(float, size)), float(turn))
    return np.asarray(cv2.boxPoints(frame)).astype(np.int32)


# --- the yard -----------------------------------------------------------------------------------------------------


def asphalt(seed: int) -> Floats:
    """The ground, its markings, a roof and planting; always the same for a camera."""
    rng = np.random.default_rng(seed)
    high, wide = YARD
    ground = np.full((high, wide, 3), (112, 114, 116), np.float32)
    ground += (6 * cloudy(YARD, 40, rng) + 4 * cloudy(YARD, 2, rng))[:, :, None]
    edge = int(rng.uniform(50, 90))
    corners = box((wide * rng.uniform(0.2, 0.8), 0), (rng.uniform(150, 300), edge * 1.6), rng.uniform(-4, 4))
    cv2.fillPoly(ground, [corners], (92, 88, 150) if seed % 2 else (150, 146, 140))
    cv2.polylines(ground, [corners], True, (60, 60, 62), 3)
    for _ in range(3):
        at = (int(rng.uniform(0, wide)), int(high * rng.choice([0.02, 0.98])))
        cv2.ellipse(ground, at, (int(rng.uniform(25, 60)), int(rng.uniform(12, 28))), 0, 0, 360, (55, 98, 70), -1)
    for x in np.arange(rng.uniform(10, 50), wide, rng.uniform(48, 62)):
        cv2.line(ground, (int(x), high - 95), (int(x) + seed % 3 * 8, high - 25), (205, 208, 210), 3, cv2.LINE_AA)
    for x in range(0, wide, 46):
        cv2.line(ground, (x, 150), (x + 24, 150 + seed % 4), (200, 205, 208), 3, cv2.LINE_AA)
    cv2.circle(ground, (int(rng.uniform(60, wide - 60)), 190), 9, (70, 70, 72), -1)
    return ground


def vehicles(picture: Floats, new: bool, night: bool, slant: np.ndarray, rng: Rng) -> Floats:
    """Cars and lorries in lanes and lots, with their shadows; lamps light the ground before them at night."""
    beams = np.zeros(YARD, np.float32)
    for _ in range(int(rng.integers(0, 7))):
        lot = rng.random() < 0.5
        at = (rng.uniform(20, 430), rng.uniform(262, 282) if lot else rng.choice([128.0, 174.0]) + rng.normal(0, 4))
        turn, long = (90.0 if lot else 0.0) + rng.normal(0, 3), rng.uniform(44, 56) if lot else rng.uniform(46, 110)
        size = (long, rng.uniform(22, 27) if long < 60 else 31.0)
        tone = np.array([30.0, 150.0, 245.0]) if new else rng.uniform(25, 230) * rng.uniform(0.75, 1.15, 3)
        shade = box((at[0] + 0.12 * slant[0], at[1] + 0.12 * slant[1]), size, turn)
        cv2.fillConvexPoly(picture, shade, (48, 46, 44), cv2.LINE_AA)
        cv2.fillConvexPoly(picture, box(at, size, turn), tone.tolist(), cv2.LINE_AA)
        head = np.array([np.cos(np.radians(turn)), np.sin(np.radians(turn))])
        glass = np.array(at) + head * size[0] * 0.22
        cv2.fillConvexPoly(picture, box((glass[0], glass[1]), (size[0] * 0.13, size[1] * 0.8), turn), (40, 36, 34))
        if new:
            cv2.polylines(picture, [box(at, (size[0] * 0.7, size[1] * 0.5), turn)], True, (250, 250, 250), 3)
        if night and not lot:
            front = np.array(at) + head * (size[0] * 0.5 + 26)
            cv2.ellipse(beams, (int(front[0]), int(front[1])), (30, 13), turn, 0, 360, 1.0, -1)
    return np.asarray(cv2.GaussianBlur(beams, (0, 0), 7), dtype=np.float32)


def yard(camera: str, new: bool, hour: float, rng: Rng) -> Image:
    """An hour of the day: sun with wandering shadows, a dull sky, or the lamps of the yard."""
    seed, dull = YARDS[camera], rng.random() < 0.4
    height = np.sin(np.pi * (hour - 6) / 14) if 6 < hour < 20 else -1.0
    night, fixed = height < 0.08, np.random.default_rng(seed + 100)
    course = np.pi * (hour - 6) / 14
    slant = np.array([np.cos(course), 0.45]) * 26 / max(height, 0.3) if not night else np.zeros(2)
    picture = asphalt(seed)
    mask = np.zeros(YARD, np.float32)
    for _ in range(5):
        foot, wide = fixed.uniform((20, 20), (430, 140)), fixed.uniform(4, 26)
        here = np.concatenate([box(tuple(foot), (wide, wide), 0), box(tuple(foot + 2.2 * slant), (wide, wide), 0)])
        cv2.fillConvexPoly(mask, cv2.convexHull(here), 1.0)
    beams = vehicles(picture, new, night, np.zeros(2) if dull else slant, rng)
    if night:
        lamp = np.full(YARD, 0.16, np.float32)
        for x, y in fixed.uniform((40, 60), (410, 280), (3, 2)):
            away = np.hypot(*(np.indices(YARD) - np.array([y, x])[:, None, None]))
            lamp += (0.55 * np.exp(-((away / 95) ** 2))).astype(np.float32)
        light = picture * (lamp[:, :, None] * np.array([0.72, 0.92, 1.1], np.float32) + 0.7 * beams[:, :, None])
        return taken(light * rng.uniform(0.93, 1.07), rng, 4.5, 88)
    if not dull:
        picture *= 1 - 0.5 * cv2.GaussianBlur(mask, (0, 0), 1.2)[:, :, None]
    tint = (
        np.array([1.06, 1.0, 0.95], np.float32)
        if dull
        else np.array([0.9 + 0.1 * height, 1.0, 1.08 - 0.06 * height], np.float32)
    )
    return taken(picture * tint * (0.7 + 0.35 * height) * (1.0 if dull else 1.12) * rng.uniform(0.94, 1.06), rng)
