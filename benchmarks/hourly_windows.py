"""Months of hourly windows on a pinned reference: how often one is a breach, alone and with a second witness."""

from __future__ import annotations

import argparse

import numpy as np
from scipy.stats import binomtest
from window_test import cameras

from tasks.domain.confirmation import confirmed, unsure
from tasks.domain.finding import Finding, Outcome
from tasks.drift.compare import compare
from tasks.drift.rules import DriftRules
from tasks.drift.sample import Sample

Key = tuple[str, str, str]

HOURS = 720
RULES = DriftRules()


def breach(findings: tuple[Finding, ...]) -> bool:
    return any(finding.outcome is Outcome.BREACH for finding in findings)


def judged(reference: Sample, current: Sample, before: dict[Key, Finding]) -> tuple[bool, bool]:
    """Whether a window is in breach as one question, and with a second witness; `before` is the hour before."""
    found = compare(reference, current, RULES, month=1 / HOURS)
    settled = confirmed(found, lambda each: before.get((each.check, each.subject, each.slice)))
    before.clear()
    before.update({(each.check, each.subject, each.slice): each for each in settled})
    return breach(found) or any(unsure(each) for each in found), breach(settled)


def quiet(months: int, hours: int, per_camera: int, known: int) -> tuple[int, int, int]:
    """Windows in breach at the level of one question, windows and months in breach with a second witness."""
    alone = windows = bad_months = 0
    for month in range(months):
        rng = np.random.default_rng([per_camera, known, month])
        reference, seen = cameras(rng, known), 0
        before: dict[Key, Finding] = {}
        for _ in range(hours):
            once, twice = judged(reference, cameras(rng, per_camera), before)
            alone, seen = alone + once, seen + twice
        windows, bad_months = windows + seen, bad_months + bool(seen)
    return alone, windows, bad_months


def delays(runs: int, per_camera: int, known: int, shift: float) -> list[int]:
    """Hours from a change of both cameras to its breach; 49 when two days do not show it."""
    found = []
    for run in range(runs):
        rng = np.random.default_rng([per_camera, run, 77])
        reference = cameras(rng, known)
        before: dict[Key, Finding] = {}
        late = (hour for hour in range(1, 49) if judged(reference, cameras(rng, per_camera, shift), before)[1])
        found.append(next(late, 49))
    return found


def share(hits: int, of: int) -> str:
    interval = binomtest(hits, of).proportion_ci(method="wilson")
    return f"{hits} of {of} ({hits / of:.4f} [{interval.low:.4f}, {interval.high:.4f}])"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--months", type=int, default=4)
    parser.add_argument("--hours", type=int, default=HOURS, help="hours of a month that are judged")
    parser.add_argument("--known", type=int, default=250, help="reference scenes of a camera")
    parser.add_argument("--runs", type=int, default=20)
    asked = parser.parse_args()
    print("| images per camera | windows in breach, one question | with a second witness | months with one |")
    print("|---|---|---|---|")
    for per_camera in (25, 50):
        alone, windows, months = quiet(asked.months, asked.hours, per_camera, asked.known)
        total = asked.months * asked.hours
        print(f"| {per_camera} | {share(alone, total)} | {share(windows, total)} | {months} of {asked.months} |")
    print("\n| images per camera | change of all, sd | hours to its breach: median, 90th percentile |\n|---|---|---|")
    for per_camera in (25, 50):
        for shift in (0.5, 0.75, 1.0):
            found = delays(asked.runs, per_camera, asked.known, shift)
            print(f"| {per_camera} | {shift} | {np.median(found):.0f}, {np.quantile(found, 0.9):.0f} |", flush=True)


if __name__ == "__main__":
    main()
