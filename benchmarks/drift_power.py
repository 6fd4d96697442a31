"""Size, power and grading of the window test on real photographs of solar cells, with Wilson intervals.

Every repetition draws a fresh reference of 800 and a disjoint window; the verdict is that of `tasks.drift.compare`, the
code that production runs. `--part` chooses the table, `--cache` keeps the measured pictures between runs.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
from scipy.stats import binomtest
from solar import LADDER, PHOTOMETRIC, POOL, Seen, World, world

from tasks.domain.finding import ALL, Finding, Outcome
from tasks.domain.subjects import Topic, topic
from tasks.drift.compare import compare
from tasks.drift.rules import DriftRules

REFERENCE = 800
HARMFUL, HARMLESS = 5.0, 1.0
"""Points of accuracy lost from which a change is harmful, and below which it is harmless."""


def rules(alpha: float) -> DriftRules:
    return DriftRules(alpha=alpha, min_scenes=25, min_camera_scenes=25, explainer="")


def share(found: int, runs: int) -> str:
    interval = binomtest(found, runs).proportion_ci(method="wilson")
    return f"{found / runs:.3f} [{interval.low:.3f}, {interval.high:.3f}] of {runs}"


def breaches(findings: tuple[Finding, ...]) -> set[Topic]:
    return {topic(f.subject) for f in findings if f.outcome is Outcome.BREACH and f.slice == ALL}


def drawn(seen: World, after: Seen, n: int, alpha: float, rng: np.random.Generator) -> set[Topic]:
    """Topics that breach for a window of n of these pictures against 800 clean ones that are none of them."""
    clean = seen.clean
    total, first = len(clean.defect), len(clean.defect) - len(after.defect)
    rows = rng.choice(len(after.defect), n, replace=False)
    others = np.setdiff1d(np.arange(total), first + rows)
    reference = clean.sample(rng.choice(others, REFERENCE, replace=False))
    return breaches(compare(reference, after.sample(rows), rules(alpha)))


def size(seen: World, runs: int) -> None:
    print("| n | any finding, no drift, alpha .05 (target <= .06) | pictures | embedding | answers |")
    print("|---|---|---|---|---|")
    for n in (25, 50, 100, 200):
        rng = np.random.default_rng(n)
        found = [drawn(seen, seen.clean, n, 0.05, rng) for _ in range(runs)]
        parts = [f"{sum(t in f for f in found) / runs:.3f}" for t in list(Topic)[:3]]
        print(f"| {n} | {share(sum(map(bool, found)), runs)} | " + " | ".join(parts) + " |", flush=True)


def ladder(seen: World, runs: int) -> None:
    for n, target in ((50, 0.80), (100, 0.85)):
        hits: dict[tuple[str, int], int] = {}
        for key, after in seen.changed.items():
            rng = np.random.default_rng([n, *key[0].encode(), key[1]])
            hits[key] = sum(bool(drawn(seen, after, n, 0.01, rng)) for _ in range(runs))
        print(f"\nn = {n}, alpha .01, {runs} windows a cell; points of accuracy lost in brackets\n")
        print("| family | 1 | 2 | 3 | 4 | 5 |\n|---|---|---|---|---|---|")
        for family in LADDER:
            cells = [f"{hits[family, s] / runs:.2f} ({seen.loss[family, s]:+.0f})" for s in range(5)]
            print(f"| {family} | " + " | ".join(cells) + " |")
        bad = [k for k in hits if k[0] in PHOTOMETRIC and seen.loss[k] >= HARMFUL]
        print(f"\nmean power over the ladder: {share(sum(hits.values()), runs * len(hits))} (target >= {target})")
        print(
            f"harmful photometric, {len(bad)} cells (target >= .99): "
            f"{share(sum(hits[k] for k in bad), runs * len(bad))}",
            flush=True,
        )


def grading(seen: World, runs: int) -> None:
    """Escalated: the model itself notices (embedding or answers), not only the pictures."""
    print("| n | harmless not escalated (target >= .80) | harmful escalated (target >= .95) |\n|---|---|---|")
    for n in (50, 100):
        found: dict[bool, list[bool]] = {True: [], False: []}
        for key, after in seen.changed.items():
            if HARMLESS <= seen.loss[key] < HARMFUL:
                continue
            rng = np.random.default_rng([n, 1, *key[0].encode(), key[1]])
            for _ in range(runs):
                topics = drawn(seen, after, n, 0.01, rng)
                found[seen.loss[key] >= HARMFUL].append(bool(topics & {Topic.EMBEDDING, Topic.PREDICTION}))
        calm, loud = len(found[False]) - sum(found[False]), sum(found[True])
        print(f"| {n} | {share(calm, len(found[False]))} | {share(loud, len(found[True]))} |", flush=True)


def harmful(seen: World, runs: int) -> None:
    """What harms the model, with many windows (50 scenes: what photographs differently only): found, and escalated?"""
    print("| n | harmful change | found | escalated: the model itself notices |\n|---|---|---|---|")
    for n in (50, 100):
        found: dict[tuple[str, int], list[set[Topic]]] = {}
        asked = [key for key, lost in seen.loss.items() if lost >= HARMFUL and (n == 100 or key[0] in PHOTOMETRIC)]
        for key in asked:
            rng = np.random.default_rng([n, 3, *key[0].encode(), key[1]])
            found[key] = [drawn(seen, seen.changed[key], n, 0.01, rng) for _ in range(runs)]
        groups = {f"{name} {step + 1}": [(name, step)] for name, step in found}
        groups |= {"photometric, all": [key for key in found if key[0] in PHOTOMETRIC], "all": list(found)}
        for name, keys in groups.items():
            hits = [topics for key in keys for topics in found[key]]
            model = sum(bool(topics & {Topic.EMBEDDING, Topic.PREDICTION}) for topics in hits)
            print(
                f"| {n} | {name} | {share(sum(map(bool, hits)), len(hits))} | {share(model, len(hits))} |", flush=True
            )


def resampled(before: Seen, after: Seen, n: int, rng: np.random.Generator) -> bool:
    """A verdict on n pictures drawn with replacement, and a reference of 1,000 drawn likewise from the same pool."""
    reference = before.sample(rng.integers(0, len(before.defect), 1_000))
    return bool(breaches(compare(reference, after.sample(rng.integers(0, len(after.defect), n)), rules(0.01))))


def replays(seen: World, runs: int) -> None:
    print("| n | no drift, any finding, alpha .01 (target <= .05) |\n|---|---|")
    for n in (300, 1_000, 3_000, 10_000, 30_000):
        rng = np.random.default_rng(n)
        print(
            f"| {n:,} | {share(sum(resampled(seen.clean, seen.clean, n, rng) for _ in range(runs)), runs)} |",
            flush=True,
        )


def scale(seen: World, runs: int) -> None:
    pool = Seen(**{name: getattr(seen.clean, name)[-POOL:] for name in Seen.__dataclass_fields__})
    counts = (500, 5_000, 50_000)
    print("| family, step | " + " | ".join(f"n = {n:,}" for n in counts) + " |\n|---|---|---|---|")
    same = total = 0
    for (family, step), after in seen.changed.items():
        rng = np.random.default_rng([2, *family.encode(), step])
        hits = [sum(resampled(pool, after, n, rng) for _ in range(runs)) for n in counts]
        same += sum(hits[0] * h + (runs - hits[0]) * (runs - h) for h in hits[1:])
        total += 2 * runs * runs
        print(f"| {family} {step + 1} | " + " | ".join(f"{h}/{runs}" for h in hits) + " |", flush=True)
    print(f"\nsame verdict at n = 500 as at 5,000 and 50,000: {same / total:.3f} of pairs of windows")


PARTS = {"size": size, "ladder": ladder, "grading": grading, "harmful": harmful, "replays": replays, "scale": scale}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", choices=PARTS, required=True)
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "evergreen-solar.npz")
    chosen = parser.parse_args()
    seen = world(chosen.cache)
    print(f"The model is right on {100 * seen.accuracy:.1f} % of clean pictures.\n")
    PARTS[chosen.part](seen, chosen.runs)


if __name__ == "__main__":
    main()
