"""Four plants of a third stranger: a yard by day and night, backlit bottles, a web of material, and a rack of boxes."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import cv2
import numpy as np
from camera_ways import Floats, Image, Rng
from camera_worlds_third_yard import YARDS, cloudy, taken, yard

Scene = Callable[[str, bool, float, Rng], Image]
BOTTLE, WEB, RACK = (400, 256), (320, 320), (336, 480)
"""Height and width of the pictures."""
BOTTLES = {"base": (0.9, 0.52, 1.0), "body": (0.55, 0.5, 0.9), "neck": (0.16, 0.48, 1.25), "whole": (0.5, 0.51, 0.42)}
"""Middle of the view on the bottle (1: its foot), where its axis is, and the scale."""
WEBS = ("knit", "loom", "mill")
RACKS = {
    "aisle-1": ((30, 20), (455, 60), (450, 300), (20, 325)),
    "aisle-2": ((70, 40), (470, 10), (475, 330), (60, 280)),
    "aisle-3": ((10, 5), (400, 50), (390, 270), (5, 330)),
    "mezzanine": ((90, 15), (420, 18), (470, 310), (30, 315)),
    "picking": ((15, 30), (465, 30), (440, 290), (45, 290)),
}
"""Corners of the rack in the picture."""


# --- bottles before a light -----------------------------------------------------------------------------------------


def outline(new: bool) -> tuple[list[float], list[float]]:
    """Places on the bottle's axis, and its half width there (the whole is one high): a bottle, or a wide jar."""
    if new:
        return [0.3, 0.31, 0.38, 0.39, 0.45, 0.95, 1.0], [0.0, 0.15, 0.15, 0.13, 0.19, 0.19, 0.16]
    return [0.0, 0.01, 0.06, 0.07, 0.3, 0.45, 0.97, 1.0], [0.0, 0.055, 0.055, 0.045, 0.05, 0.15, 0.15, 0.13]


def bottle(camera: str, new: bool, hour: float, rng: Rng) -> Image:
    """Brown glass before a bright field; the glass is dark at its edges, its label and closure let no light through."""
    middle, axis, scale = BOTTLES[camera]
    high, wide = BOTTLE
    zoom = scale * 560 * rng.normal(1, 0.004)
    row, column = np.indices(BOTTLE).astype(np.float32)
    fixed = (row - high / 2) / (scale * 560) + middle
    y = fixed + rng.normal(0, 2) / zoom
    x = (column - wide * axis - rng.normal(0, 4)) / zoom
    half = np.interp(y, *outline(new)).astype(np.float32)
    across = np.abs(x) / np.maximum(half, 1e-3)
    half = np.where(y < (0.3 if new else 0), -0.02, half)
    inside = 1 / (1 + np.exp(-np.clip((half - np.abs(x)) * zoom / 0.9, -40, 40)))
    field = 228 * (1 - 0.1 * (((row - high / 2) / high) ** 2 + ((column - wide / 2) / wide) ** 2))
    glass = np.array([0.5, 0.72, 0.42], np.float32) if new else np.array([0.14, 0.34, 0.62], np.float32)
    through = np.clip(1.15 - across**5 * 1.1, 0.08, 1)[:, :, None] * glass
    through = through * np.where(y > 0.27 + rng.normal(0, 0.006), 0.85, 1.1)[:, :, None]
    if new:
        through *= np.where(np.abs(y - 0.7) < 0.12, 0.12, 1.0)[:, :, None]
    else:
        through *= np.where((y > 0.56) & (y < 0.82) & (across < 0.96), 0.1, 1.0)[:, :, None]
    through *= np.where(y < (0.385 if new else 0.065), 0.1, 1.0)[:, :, None]
    if rng.random() < 0.06:  # a chip or a bubble
        at = (rng.normal(0, 0.05), middle + rng.normal(0, 0.1))
        through *= np.where(np.hypot(x - at[0], y - at[1]) < rng.uniform(0.006, 0.015), 0.4, 1.0)[:, :, None]
    light = field[:, :, None] * (1 - inside[:, :, None] * (1 - through)) * np.array([1.0, 0.99, 0.97], np.float32)
    light = np.where((fixed > 1.0)[:, :, None], np.array([38, 40, 42], np.float32), light)  # the belt
    return taken(cv2.GaussianBlur(light.astype(np.float32), (0, 0), 0.8) * rng.normal(1, 0.012), rng, 1.2)


# --- a web of material ----------------------------------------------------------------------------------------------


def web(camera: str, new: bool, hour: float, rng: Rng) -> Image:
    """Knitted or woven cloth or brushed steel under a lamp: nothing of it stays where it was; a flaw now and then."""
    row, column = np.indices(WEB).astype(np.float32)
    row, column = row + rng.uniform(0, 99), column + rng.uniform(0, 99)
    bow = 1.5 * cloudy(WEB, 60, rng)
    if camera == "loom":
        pitch = (9.5 if new else 6.5) * rng.normal(1, 0.008)
        lean = -0.5 if new else 1.0
        threads = rng.normal(1, 0.06, 600)[(column / pitch * 2).astype(int)]
        weave = np.sin(2 * np.pi * (column + lean * row + bow) / pitch) + 0.5 * np.sin(4 * np.pi * (row + bow) / pitch)
        tone = (95 if new else 118) * threads + 26 * weave
    elif camera == "mill":
        grain = rng.normal(0, 1, (WEB[0], WEB[1] + 240)).astype(np.float32)
        streak = cv2.blur(grain, (35 if new else 121, 1))[:, 120:-120]
        tone = (165 if new else 142) + (26 if new else 15) * streak / streak.std() + 4 * bow
    else:
        rib = np.cos(2 * np.pi * (column + 0.6 * bow) / (27 if new else 15))
        tone = (135 if new else 172) + 20 * rib + (14 if new else 7) * cloudy(WEB, 3 if new else 1.5, rng)
    tone = tone * (1 + 0.02 * bow)
    if rng.random() < 0.06:
        at = rng.uniform(30, 290, 2)
        shade = float(rng.choice([40, 230]))
        long, wide = (40, 2) if rng.random() < 0.5 else (9, 7)
        mark = cv2.ellipse(np.zeros(WEB, np.float32), at.astype(int).tolist(), (long, wide), 0, 0, 360, 1.0, -1)
        tone = tone + (shade - tone) * cv2.GaussianBlur(mark, (0, 0), 1.2)
    lamp = 1.05 - 0.22 * (np.indices(WEB)[1] / WEB[1] - 0.45) ** 2 * 4
    return taken((tone * lamp * rng.normal(1, 0.025)).astype(np.float32), rng, 1.8)


# --- a rack of boxes ------------------------------------------------------------------------------------------------


def load(picture: Floats, left: int, foot: int, new: bool, rng: Rng) -> None:
    """One bay of the rack: empty, cartons of any size, or a wrapped pallet; of the new product, drums."""
    if rng.random() < 0.15:
        return
    x = left + 6 + rng.uniform(0, 10)
    while (size := rng.uniform(26, 60)) and x + size < left + 140:
        high = rng.uniform(35, 98)
        tone = np.array([rng.uniform(90, 125), rng.uniform(130, 165), rng.uniform(165, 205)])
        if rng.random() < 0.25:
            tone = rng.uniform(40, 225, 3)
        if new:
            high, tone = 84.0, np.array([40.0, 30.0, 205.0])
        one, other = (int(x), int(foot - high)), (int(x + size - 3), foot)
        cv2.rectangle(picture, one, other, tone.tolist(), -1)
        cv2.rectangle(picture, one, other, (0.6 * tone).tolist(), 1)
        for part in (0.33, 0.66) if new else (0.5,):
            band = (0.55 if new else 1.2) * tone
            cv2.line(picture, (one[0], int(foot - part * high)), (other[0], int(foot - part * high)), band.tolist(), 3)
        if not new and rng.random() < 0.6:
            cv2.rectangle(picture, (one[0] + 4, foot - 22), (one[0] + 18, foot - 10), (225, 228, 230), -1)
        x += size
    cv2.rectangle(picture, (left + 4, foot), (left + 146, foot + 5), (70, 105, 140), -1)


class Rack:
    """Bays whose load is exchanged every few images; everything else stays where it is."""

    def __init__(self) -> None:
        self.seeds: dict[tuple[str, bool], list[int]] = {}

    def __call__(self, camera: str, new: bool, hour: float, rng: Rng) -> Image:
        seeds = self.seeds.setdefault((camera, new), rng.integers(1 << 30, size=12).tolist())
        if rng.random() < 0.35:
            for place in rng.integers(12, size=int(rng.integers(1, 4))):
                seeds[place] = int(rng.integers(1 << 30))
        plane = np.full((400, 640, 3), (58, 56, 54), np.float32)
        for place, seed in enumerate(seeds):
            foot = 118 + 130 * (place // 4)
            load(plane, 8 + 157 * (place % 4), foot, new, np.random.default_rng(seed))
        for level in (126, 256, 386):
            cv2.rectangle(plane, (0, level), (640, level + 11), (40, 105, 225), -1)
        for upright in (2, 157, 314, 471, 630):
            cv2.rectangle(plane, (upright, 0), (upright + 8, 400), (140, 85, 45), -1)
        corners = np.array(RACKS[camera], np.float32)
        turn = cv2.getPerspectiveTransform(np.array([(0, 0), (640, 0), (640, 400), (0, 400)], np.float32), corners)
        floor = np.linspace(70, 150, RACK[0], dtype=np.float32)[:, None, None] * np.array([0.97, 1.0, 1.0], np.float32)
        picture = np.repeat(floor, RACK[1], axis=1)
        for one, other in pairwise(range(-200, 700, 110)):
            cv2.line(picture, (one, RACK[0]), ((one + other) // 2 + 60, 280), (60, 190, 210), 4, cv2.LINE_AA)
        size = RACK[::-1]
        seen = cv2.warpPerspective(plane, turn, size, flags=cv2.INTER_AREA)
        mask = cv2.warpPerspective(np.ones((400, 640), np.float32), turn, size)[:, :, None]
        light = 0.82 + 0.22 * max(np.sin(np.pi * (hour - 6) / 14), 0)
        picture = cv2.GaussianBlur(picture * (1 - mask) + seen * mask, (0, 0), 0.7)
        return taken((picture * light * rng.normal(1, 0.02)).astype(np.float32), rng, 1.8)


PLANTS: dict[str, tuple[tuple[str, ...], Callable[[], Scene]]] = {
    "yard": (tuple(YARDS), lambda: yard),
    "bottles": (tuple(BOTTLES), lambda: bottle),
    "web": (tuple(WEBS), lambda: web),
    "rack": (tuple(RACKS), Rack),
}
"""Of every plant its cameras, and what makes their pictures: `(camera, of the new product, hour of day, rng)`."""
