"""False alarms and power of the window test on synthetic cameras; Wilson intervals beside every share."""

from __future__ import annotations

import argparse

import numpy as np
from scipy.stats import binomtest

from tasks.domain.finding import Outcome
from tasks.domain.tables import PROPERTIES
from tasks.drift.answers import Answers
from tasks.drift.compare import compare
from tasks.drift.rules import DriftRules
from tasks.drift.sample import Sample

REFERENCE = 250
DIMENSIONS = 64
_MIX = np.random.default_rng(9).standard_normal((DIMENSIONS, DIMENSIONS)) * np.linspace(2, 0.2, DIMENSIONS)


def cameras(rng: np.random.Generator, per_camera: int, shift: float = 0.0, one_only: bool = False) -> Sample:
    """Two cameras with correlated properties; `shift` in standard deviations, on all or on the second camera only."""
    names = np.array(["c0", "c1"], dtype=object).repeat(per_camera)
    n = len(names)
    moved = names == "c1" if one_only else np.ones(n, bool)
    base = rng.standard_normal((n, len(PROPERTIES))) + 0.6 * rng.standard_normal((n, 1))
    base += 1.5 * (names == "c1")[:, None] + (moved * shift * np.sqrt(1.36))[:, None]
    rates = {"dark_images": (rng.random(n) < 0.02).astype(float), "bright_images": np.zeros(n)}
    answers = {"confidence": rng.beta(8, 2, n), "objects": rng.poisson(2, n).astype(float)}
    return Sample(
        cameras=names,
        photometric=Answers(scalars={name: base[:, i] + 50 for i, name in enumerate(PROPERTIES)}, rates=rates),
        answers=Answers(scalars=answers, rates={"class[a]": (rng.random(n) < 0.3).astype(float)}),
        embedding=rng.standard_normal((n, DIMENSIONS)) @ _MIX,
        images={"c0": per_camera, "c1": per_camera},
    )


def alarms(rng: np.random.Generator, per_camera: int, runs: int, rules: DriftRules, **change: float | bool) -> str:
    """Share of windows with any breach, with its 95 % interval."""
    found = 0
    for _ in range(runs):
        after = cameras(rng, per_camera, **change)  # type: ignore[arg-type]
        findings = compare(cameras(rng, REFERENCE), after, rules)
        found += any(finding.outcome is Outcome.BREACH for finding in findings)
    interval = binomtest(found, runs).proportion_ci(method="wilson")
    return f"{found / runs:.3f} [{interval.low:.3f}, {interval.high:.3f}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100)
    runs = parser.parse_args().runs
    print("| images per camera | no drift, alpha .01 | .5 sd everywhere | .75 sd everywhere | 1 sd on one camera |")
    print("|---|---|---|---|---|")
    for per_camera in (25, 50, 100):
        rng, rules = np.random.default_rng(per_camera), DriftRules()
        row = [
            alarms(rng, per_camera, runs, rules),
            alarms(rng, per_camera, max(runs // 4, 10), rules, shift=0.5),
            alarms(rng, per_camera, max(runs // 4, 10), rules, shift=0.75),
            alarms(rng, per_camera, max(runs // 4, 10), rules, shift=1.0, one_only=True),
        ]
        print(f"| {per_camera} | " + " | ".join(row) + " |", flush=True)


if __name__ == "__main__":
    main()
