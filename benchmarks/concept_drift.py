"""Does the error test keep its promise, and how soon does it see a rise? Simulated labels, whole chain of betting.

    python benchmarks/concept_drift.py

Image scores are drawn like those of a detector: a share of images is perfect, the rest loses a part of its F1; whole
sessions have good and bad days. The test is looked at after every session, the hardest case for a false alarm.
"""

from __future__ import annotations

import argparse
import math
from datetime import UTC, datetime, timedelta

import numpy as np

from tasks.concept.answered import Answered
from tasks.concept.rules import ConceptRules
from tasks.concept.sequence import baseline_of, track

START = datetime(2026, 1, 1, tzinfo=UTC)


def images(rng: np.random.Generator, sessions: int, per: int, error: float, first: int = 0) -> list[Answered]:
    """Labelled images whose mean error is `error`; sessions differ (beta), images within a session more."""
    found = []
    for number in range(first, first + sessions):
        level = rng.beta(8 * error, 8 * (1 - error)) if error > 0 else 0.0
        for row in range(per):
            loss = rng.beta(level + 0.02, 1.02 - level) if rng.random() < 0.9 else level
            at = START + timedelta(minutes=10 * number, seconds=row)
            found.append(
                Answered(
                    image_id=f"{number}-{row}", camera="c", session=f"s{number}", version="1", captured_at=at,
                    labelled_at=at + timedelta(hours=3), annotator="a", golden=False, score=1 - float(loss),
                )
            )  # fmt: skip
    return found


def wilson(hits: int, n: int) -> str:
    """A share with its 95 % interval, in percent."""
    share, z2 = hits / n, 1.96**2
    middle, half = share + z2 / (2 * n), 1.96 * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return f"{share:.1%} ({(middle - half) / (1 + z2 / n):.1%}–{(middle + half) / (1 + z2 / n):.1%})"


def run(
    repeats: int, sessions: tuple[int, int], per: int, errors: tuple[float, float], seed: int
) -> tuple[int, list[int]]:
    """How often the bet was won, and with how many images after the change."""
    rules, won = ConceptRules(), []
    (before, after), (low, high) = sessions, errors
    for repeat in range(repeats):
        rng = np.random.default_rng((seed, repeat))
        steady = images(rng, before, per, low)
        changed = images(rng, after, per, high, before)
        base = baseline_of(steady, rules)
        if base is None:
            raise ValueError("too few images before the change")
        found = track([*steady, *changed], base, rules)
        if found.crossed:
            won.append(first_alarm([*steady, *changed], base, rules, before * per))
    return len(won), won


def first_alarm(ordered: list[Answered], base, rules: ConceptRules, change: int) -> int:  # type: ignore[no-untyped-def]
    """Images after the change until the bet is won; found by halving, because the best stake so far only grows."""
    low, high = len(base.images), len(ordered)
    while high - low > 1:
        middle = (low + high) // 2
        if track(ordered[:middle], base, rules).crossed:
            high = middle
        else:
            low = middle
    return high - change


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=400)
    parser.add_argument("--power-repeats", type=int, default=60)
    given = parser.parse_args()
    print("| error | margin used up | images per session | labels | ever called risen |\n|---|---|---|---|---|")
    for error, extra in ((0.05, 0.0), (0.15, 0.0), (0.15, 0.03), (0.3, 0.03)):
        for per in (1, 5):
            hits, _ = run(given.repeats, (200 // per, 1000 // per), per, (error, error + extra), 1)
            print(f"| {error} | {extra} | {per} | 1,000 | {wilson(hits, given.repeats)} |")
    print("\n| error before | after | images per session | seen within 500 | labels needed, median (90 %) |")
    print("|---|---|---|---|---|")
    for low, high in ((0.08, 0.15), (0.08, 0.2), (0.08, 0.3), (0.08, 0.5), (0.2, 0.35), (0.2, 0.5)):
        for per in (1, 5):
            hits, at = run(given.power_repeats, (300 // per, 500 // per), per, (low, high), 2)
            told = f"{np.median(at):.0f} ({np.quantile(at, 0.9):.0f})" if at else "–"
            print(f"| {low} | {high} | {per} | {wilson(hits, given.power_repeats)} | {told} |")


if __name__ == "__main__":
    main()
