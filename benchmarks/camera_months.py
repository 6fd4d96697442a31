"""Simulated months of one camera on real photographs: false alarms of the schedule alarm, and its delays.

Protocol: properties of real solar cells (elpv-dataset, 300 x 300) are measured once at several gains and under small
harmful changes. A month is 720 hourly checks of so many distinct scenes; light follows a day/night cycle with its own
jitter, one scene in five leaks a near-duplicate, and every month draws its own camera offset, reference and healthy
days. A false alarm is any property over its limit at any check. Changes begin at check 240 and stay.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import dataclass
from pathlib import Path

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
from tasks.watch.limit import FLOOR, calibrated
from tasks.watch.rules import WatchRules
from tasks.watch.sums import largest, onset, sums

DAY, MONTH, CHANGE = 24, 720, 240
GAINS = np.array([0.8, 0.9, 1.0, 1.1])
MARGIN = WatchRules().margin
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


def cusum(world: World, healthy: FloatArray, month: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Check values of the month (720, P), and differences from what is normal in normal-score units."""
    parts = np.tile(world.contexts, MONTH // DAY)
    learnt = baseline(healthy.reshape(-1, healthy.shape[2]), np.tile(world.contexts, world.days), DAY // world.hours)
    return standardised(month, parts, learnt), month - learnt.mean[parts]


def bets(world: World, healthy: FloatArray, month: FloatArray) -> tuple[FloatArray, FloatArray]:
    """log10 evidence (T, P) after each check of healthy days and month together, and the check values."""
    scores = np.concatenate([healthy.reshape(-1, healthy.shape[2]), month])
    ones = np.ones(len(scores))
    values = recursive(scores, np.tile(world.contexts, len(scores) // DAY), ones, ones[:, None])
    return evidence(values), values


def share(found: int, runs: int) -> str:
    interval = binomtest(found, runs).proportion_ci(method="wilson")
    return f"{found} of {runs} | {100 * found / runs:.1f} % [{100 * interval.low:.1f}, {100 * interval.high:.1f}]"


def health(table: dict[str, FloatArray], cases: list[tuple[str, int, int, int]], hours: int) -> None:
    """Months with a false alarm. The limit is calibrated where the least one was passed: it is never lower."""
    print("| method | healthy days | scenes a check | months with an alarm | share | 99th percentile, largest |")
    print("|---|---|---|---|---|---|")
    for method, days, scenes, months in cases:
        world, rng = World(table, scenes, days, hours), np.random.default_rng(100 * days + scenes)
        most, alone = np.empty(months), 0
        found = 0
        for run in range(months):
            healthy, month = world.month(rng, "none")
            if method == "cusum":
                values, _ = cusum(world, healthy, month)
                most[run] = largest(values).max()
                passed = most[run] >= FLOOR
                found += bool(passed and most[run] >= calibrated(healthy, world.contexts, 0.01))
                alone += bool((np.abs(values) > ndtri(1 - 0.005 / values.shape[1])).any())
            else:
                most[run] = bets(world, healthy, month)[0].max()
                found += bool(most[run] >= limit(MONTH, len(WATCHED), 0.01))
        tail = f"{np.quantile(most, 0.99):.1f}, {most.max():.1f}"
        print(f"| {method} | {days} | {scenes} | {share(found, months)} | {tail} |", flush=True)
        if method == "cusum":
            print(f"| each check alone, 1 % | {days} | {scenes} | {share(alone, months)} | |", flush=True)


def delay(world: World, method: str, healthy: FloatArray, month: FloatArray) -> tuple[int, bool]:
    """Checks from the change to the alarm (-1: none within the month), and whether there was one before."""
    if method == "cusum":
        values, differences = cusum(world, healthy, month)
        line = sums(values)
        statistic, least = line.highest, calibrated(healthy, world.contexts, 0.01)
    else:
        statistic, _ = bets(world, healthy, month)
        statistic, least = statistic[-MONTH:], limit(MONTH, len(WATCHED), 0.01)
    for step, column in np.argwhere(statistic >= least):
        if method == "cusum":
            way = line.up if line.up[step, column] >= line.down[step, column] else line.down
            begin = onset(way[: step + 1, column])
            if abs(differences[begin : step + 1, column].mean()) < MARGIN:
                continue
        return int(step) - CHANGE + 1, bool(step < CHANGE)
    return -1, False


def change(table: dict[str, FloatArray], cases: list[tuple[str, int, int]], runs: int, hours: int) -> None:
    """Delays in checks; a run with an alarm before the change does not count."""
    names = [name for name in CHANGES if name != "none"]
    print("| method | healthy days | scenes a check | " + " | ".join(names) + " |")
    print("|---|---|---|" + "---|" * len(names))
    for method, days, scenes in cases:
        cells = []
        for name in names:
            world = World(table, scenes, days, hours)
            seen = [delay(world, method, *world.month(np.random.default_rng(seed), name)) for seed in range(runs)]
            counted = [checks for checks, early in seen if not early]
            late = np.array([checks if checks > 0 else np.inf for checks in counted])
            told = f"{np.median(late):.0f} ({np.quantile(late, 0.9, method='higher'):.0f})"
            cells.append(f"{told}, {int(np.isfinite(late).sum())} of {len(counted)}")
        print(f"| {method} | {days} | {scenes} | " + " | ".join(cells) + " |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", choices=("measure", "health", "change"))
    kept = Path(tempfile.gettempdir()) / "camera_months.npz"
    parser.add_argument("--table", type=Path, default=kept, help="where `measure` keeps its numbers")
    parser.add_argument("--cells", type=int, default=700)
    parser.add_argument("--months", type=int, default=300)
    parser.add_argument("--runs", type=int, default=40)
    parser.add_argument("--hours", type=int, default=WatchRules().context_hours, help="hours of the day compared")
    parser.add_argument("--methods", nargs="+", default=["cusum", "e_detector"])
    parser.add_argument("--scenes", nargs="+", type=int, default=[10, 50])
    parser.add_argument("--days", nargs="+", type=int, default=[14])
    asked = parser.parse_args()
    if asked.part == "measure" or not asked.table.is_file():
        np.savez(asked.table, **measured(asked.cells))
    table = dict(np.load(asked.table))
    cases = [(method, days, scenes) for method in asked.methods for days in asked.days for scenes in asked.scenes]
    if asked.part == "health":
        health(table, [(*case, asked.months) for case in cases], asked.hours)
    elif asked.part == "change":
        change(table, cases, asked.runs, asked.hours)


if __name__ == "__main__":
    main()
