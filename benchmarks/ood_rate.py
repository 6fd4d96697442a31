"""How soon a rise of strange images from 1 % to 4 % is found at 100 images a day, and how often nothing is.

Synthetic embeddings (64 numbers in 12 directions with heavy tails, a cluster a camera); the real distances, limits,
counts and sums of `tasks.outliers`. Every run has a reference of its own, so that its errors are part of the result.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest, chi2

from tasks.domain.finding import Outcome
from tasks.outliers.evidence import Counts
from tasks.outliers.familiar import Familiar, familiar, strangeness, unit
from tasks.outliers.rates import counted, rate_findings
from tasks.outliers.rules import OutlierRules

DIMENSIONS, DIRECTIONS = 64, 12
A_DAY, SETTLED, LONGEST = 100, 30, 30
"""Images a day; healthy days before a rise; days after which a rise counts as missed."""
EXTRA = 0.03
RULES = OutlierRules()
Floats = NDArray[np.float64]


@dataclass
class Seen:
    """What happened in all runs of one row."""

    days: int = 0
    alarms: int = 0
    months: list[bool] = field(default_factory=list)
    delays: list[int] = field(default_factory=list)
    usual: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class World:
    """Cameras with what they usually see."""

    rng: np.random.Generator
    cameras: int
    near: float
    mix: Floats
    middles: Floats

    def scenes(self, names: NDArray[np.object_], odd: float = 0.0) -> Floats:
        """Embeddings of one image for each name; a share `odd` of them shows something else."""
        count = len(names)
        place = np.array([int(name) for name in names])
        usual = self.middles[place] + self.rng.standard_t(6, (count, DIRECTIONS)) @ self.mix
        other = 4 * self.rng.standard_normal((count, DIMENSIONS))
        if self.near:
            other = usual + self.near * self.rng.standard_normal((count, DIMENSIONS))
        return np.where(self.rng.random(count)[:, None] < odd, other, usual)

    def names(self, count: int) -> NDArray[np.object_]:
        """Cameras in turn."""
        return np.array([str(n % self.cameras) for n in range(count)], dtype=object)


def world(seed: int, cameras: int, near: float = 0.0) -> World:
    rng = np.random.default_rng(seed)
    return World(rng, cameras, near, rng.standard_normal((DIRECTIONS, DIMENSIONS)),
                 3 * rng.standard_normal((cameras, DIMENSIONS)))  # fmt: skip


def days(here: World, known: Familiar, count: int, odd: float = 0.0) -> list[Counts]:
    """The counts of so many days."""
    names = here.names(A_DAY)
    ratios = strangeness(known, unit(here.scenes(np.tile(names, count), odd)), np.tile(names, count))
    return [counted(part, names, known.limits) for part in np.split(ratios, count)]


def alarmed(known: Familiar, windows: list[Counts]) -> bool:
    found = rate_findings(windows[-90:], timedelta(days=len(windows[-90:])), known.limits, RULES)
    return any(finding.outcome is Outcome.BREACH for finding in found)


def run(here: World, per_camera: int, healthy: int, rises: int, seen: Seen) -> None:
    """One installation: a reference, healthy days, then some rises, each after settled days."""
    names = here.names(per_camera * here.cameras)
    known = familiar(unit(here.scenes(names)), names, RULES.min_camera_scenes)
    quiet = days(here, known, healthy)
    states = [alarmed(known, quiet[: day + 1]) for day in range(healthy)]
    starts = [now and not before for before, now in zip([False, *states], states, strict=False)]
    seen.days += healthy
    seen.alarms += sum(starts)
    seen.months += [any(starts[first : first + 30]) for first in range(0, healthy - 29, 30)]
    seen.usual.append(np.mean([sum(c.strange for c in day.values()) / A_DAY for day in quiet]))
    for _ in range(rises):
        before = days(here, known, SETTLED)
        if alarmed(known, before):
            continue
        after = days(here, known, LONGEST, EXTRA)
        found = (n for n in range(1, LONGEST + 1) if alarmed(known, before + after[:n]))
        seen.delays.append(next(found, LONGEST + 1))


def share(found: int, runs: int) -> str:
    interval = binomtest(found, runs).proportion_ci(method="wilson")
    return f"{found / runs:.3f} [{interval.low:.3f}, {interval.high:.3f}]"


def per_year(alarms: int, days_seen: int) -> str:
    years = days_seen / 365
    low = chi2.ppf(0.025, 2 * alarms) / 2 / years if alarms else 0.0
    return f"{alarms / years:.2f} [{low:.2f}, {chi2.ppf(0.975, 2 * alarms + 2) / 2 / years:.2f}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cameras", type=int, default=1)
    parser.add_argument("--reference", type=int, nargs="+", default=[1000, 5000], help="scenes of a camera")
    parser.add_argument("--runs", type=int, default=20, help="installations of each row")
    parser.add_argument("--healthy", type=int, default=360, help="healthy days of each")
    parser.add_argument("--rises", type=int, default=8, help="rises of each")
    parser.add_argument("--near", type=float, default=0.0, help="strange images are usual ones this much disturbed")
    args = parser.parse_args()
    print("| cameras | reference scenes a camera | usual share | false alarms a year | months with one |"
          " median days to find | 90 % of them | found within 2 days |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|")
    for cameras, per_camera in ((args.cameras, each) for each in args.reference):
        seen = Seen()
        for seed in range(args.runs):
            run(world(seed, cameras, args.near), per_camera, args.healthy, args.rises, seen)
        late = np.array(seen.delays)
        print(
            f"| {cameras} | {per_camera} | {np.mean(seen.usual):.4f} | {per_year(seen.alarms, seen.days)} | "
            f"{share(sum(seen.months), len(seen.months))} | {np.median(late):g} | {np.quantile(late, 0.9):g} | "
            f"{share(int((late <= 2).sum()), len(late))} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
