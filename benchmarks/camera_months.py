"""Simulated months of one camera on real photographs: false alarms of the schedule alarm, and its delays.

Protocol: properties of real solar cells (elpv-dataset, 300 x 300) are measured once at several gains and under small
harmful changes. A month is 720 hourly checks of so many distinct scenes; light follows a day/night cycle with its own
jitter, one scene in five leaks a near-duplicate, and every month draws its own camera offset, reference and healthy
days. A false alarm is any property over its limit at any check. Changes begin at check 240 and stay.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass

import cv2
import numpy as np
from elpv_dataset.utils import load_dataset
from numpy.typing import NDArray
from scipy.special import ndtri
from scipy.stats import binomtest

from tasks.domain.tables import PROPERTIES
from tasks.drift.properties import of_image
from tasks.watch.baseline import baseline, standardised
from tasks.watch.e_detector import evidence, limit, recursive
from tasks.watch.limit import calibrated, floor
from tasks.watch.sums import largest, sums

DAY, MONTH, CHANGE = 24, 720, 240
GAINS = np.array([0.8, 0.9, 1.0, 1.1])
CELLS = 700
WATCHED = [name for name in PROPERTIES if name != "colourfulness"]  # the photographs are grey
FloatArray = NDArray[np.float64]


def noisy(image: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    return image + rng.normal(0, 1, image.shape)


def dirty(image: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """A fixed soft stain that covers 2 % of the area."""
    rows, columns = np.mgrid[:300, :300]
    radius = np.sqrt(0.02 * 300 * 300 / np.pi)
    stain = 1 / (1 + np.exp((np.hypot(rows - 90, columns - 200) - radius) / 3))
    return image * (1 - 0.5 * stain)


def squeezed(image: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    pixels = np.clip(image, 0, 255).astype(np.uint8)
    return cv2.imdecode(cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 90])[1], 0).astype(np.float64)


CHANGES = {
    "none": lambda image, rng: image,
    "blur .5 px": lambda image, rng: cv2.GaussianBlur(image, (0, 0), 0.5),
    "JPEG q90": squeezed,
    "noise 1": noisy,
    "gamma 1.1": lambda image, rng: 255 * (np.clip(image, 0, 255) / 255) ** 1.1,
    "dirt 2 % area": dirty,
}


def measured(cells: int) -> dict[str, FloatArray]:
    """change -> (gains, cells, properties); sensor noise of half a grey level makes every shot its own."""
    images, *_ = load_dataset()
    chosen = np.random.default_rng(1).permutation(len(images))[:cells]
    found = {name: np.empty((len(GAINS), cells, len(WATCHED))) for name in CHANGES}
    rng = np.random.default_rng(2)
    for place, index in enumerate(chosen):
        for step, gain in enumerate(GAINS):
            shot = images[index].astype(np.float64) * gain + rng.normal(0, 0.5, images[index].shape)
            for name, change in CHANGES.items():
                pixels = np.clip(change(shot, rng), 0, 255).round().astype(np.uint8)
                row = of_image(np.repeat(pixels[..., None], 3, axis=2)).row()
                found[name][step, place] = [float(row[each]) for each in WATCHED]
    return found


@dataclass(frozen=True)
class World:
    table: dict[str, FloatArray]
    scenes: int
    days: int
    hours: int

    def camera(self, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
        """Scores of the healthy days (days, 24, P) and of one month without a change, with its shots kept."""
        return self.month(rng, "none")

    def month(self, rng: np.random.Generator, change: str) -> tuple[FloatArray, FloatArray]:
        """Healthy days (days, 24, P), then a month (720, P) in which the change begins at check 240."""
        checks = self.days * DAY + MONTH
        hour = np.arange(checks) % DAY
        offset, depth = rng.uniform(-0.03, 0.03), rng.uniform(0.04, 0.1)
        gain = 0.95 + offset + depth * np.sin(2 * np.pi * (hour - 6) / DAY) + rng.normal(0, 0.005, checks)
        shots = rng.integers(0, self.table["none"].shape[1], (checks, self.scenes))
        leaks = rng.random((checks, self.scenes)) < 0.2
        values = self._shot("none", gain, shots)
        if change != "none":
            begin = self.days * DAY + CHANGE
            values[begin:] = self._shot(change, gain[begin:], shots[begin:])
        scores = self._scores(values, hour // self.hours, rng)
        weight = (1.0 + leaks)[..., None]
        means = (scores * weight).sum(axis=1) / weight.sum(axis=1)
        return means[: self.days * DAY].reshape(self.days, DAY, -1), means[self.days * DAY :]

    def _shot(self, change: str, gain: FloatArray, shots: NDArray[np.int64]) -> FloatArray:
        place = np.clip((gain - GAINS[0]) / (GAINS[1] - GAINS[0]), 0, len(GAINS) - 1.001)
        low = place.astype(int)
        part = (place - low)[:, None, None]
        table = self.table[change]
        return table[low[:, None], shots] * (1 - part) + table[low[:, None] + 1, shots] * part

    def _scores(self, values: FloatArray, part: NDArray[np.int64], rng: np.random.Generator) -> FloatArray:
        """Normal scores against a pinned reference: at most 1,000 scenes of the healthy days, by time of day."""
        found = np.empty_like(values)
        healthy = self.days * DAY
        share = min(1.0, 1000 / (healthy * self.scenes))
        pinned = np.zeros(values.shape[:2], bool)
        pinned[:healthy] = rng.random((healthy, self.scenes)) < share
        for here in np.unique(part):
            rows = np.flatnonzero(part == here)
            for column in range(values.shape[2]):
                reference = np.sort(values[..., column][pinned & (part == here)[:, None]])
                flat = values[rows, :, column]
                rank = np.searchsorted(reference, flat, "left") + np.searchsorted(reference, flat, "right")
                edge = 0.5 / len(reference)
                found[rows, :, column] = ndtri(np.clip(rank / (2 * len(reference)), edge, 1 - edge))
        return found

    @property
    def contexts(self) -> NDArray[np.int64]:
        return np.arange(DAY) // self.hours


def cusum(world: World, healthy: FloatArray, month: FloatArray) -> FloatArray:
    """Check values of the month (720, P)."""
    learnt = baseline(healthy.reshape(-1, healthy.shape[2]), np.tile(world.contexts, world.days), DAY // world.hours)
    return standardised(month, np.tile(world.contexts, MONTH // DAY), learnt)


def detector(world: World, healthy: FloatArray, month: FloatArray) -> FloatArray:
    """log10 evidence after each check of healthy days and month together (T, P)."""
    scores = np.concatenate([healthy.reshape(-1, healthy.shape[2]), month])
    ones = np.ones(len(scores))
    values = recursive(scores, np.tile(world.contexts, len(scores) // DAY), ones, ones[:, None])
    return evidence(values)
