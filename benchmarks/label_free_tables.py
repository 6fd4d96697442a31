"""The tables of `label_free.py`: estimates beside labels, and how often a number was withheld where it should be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest

from tasks.estimate import flag
from tasks.estimate.flag import Flag

FELL = 0.05

PROMISES = {Flag.VALID: 0.02, Flag.EXTRAPOLATING: 0.07}
"""How far off an estimate may be (0..1 of mAP50)."""


@dataclass(frozen=True)
class Row:
    """One set: what it is, the mAP50 by labels and as estimated, and the flag."""

    name: str
    group: str
    measured: float
    estimated: float
    flag: Flag
    reasons: tuple[str, ...]

    @property
    def kept(self) -> bool:
        """Whether no number is given, or one that is off by no more than its flag promises."""
        promise = PROMISES.get(self.flag)
        return promise is None or abs(self.estimated - self.measured) <= promise


def area_under_curve(fell: Sequence[bool], worse: Sequence[float]) -> float:
    """Chance that a set that fell is put before one that did not; ties count half."""
    yes = np.array([w for f, w in zip(fell, worse, strict=True) if f])[:, None]
    no = np.array([w for f, w in zip(fell, worse, strict=True) if not f])[None]
    return float(((yes > no) + 0.5 * (yes == no)).mean()) if yes.size and no.size else float("nan")


def wilson(told: int, n: int) -> str:
    """A share with its Wilson interval."""
    if not n:
        return "none"
    interval = binomtest(told, n).proportion_ci(method="wilson")
    return f"{told} of {n} ({told / n:.0%}; 95 %: {interval.low:.0%} to {interval.high:.0%})"


def tables(rows: Sequence[Row], quality: float) -> None:
    print("| set | mAP50 by labels | estimate | error, points | flag | why |\n|---|---|---|---|---|---|")
    for row in rows:
        error = f"{100 * (row.estimated - row.measured):+.1f}"
        shown = "none given" if row.flag is Flag.UNVERIFIABLE else f"{row.estimated:.3f}"
        why = flag.named(row.reasons) or "nothing changed"
        print(f"| {row.name} | {row.measured:.3f} | {shown} | {error} | {row.flag} | {why} |")
    usual = [row for row in rows if row.group in ("clean", "damage")]
    print("\n| flag (clean and damaged sets) | sets | mean absolute error, points | largest |\n|---|---|---|---|")
    for kind in Flag:
        errors = [100 * abs(row.estimated - row.measured) for row in usual if row.flag is kind]
        if errors:
            note = " (withheld)" if kind is Flag.UNVERIFIABLE else ""
            print(f"| {kind}{note} | {len(errors)} | {np.mean(errors):.2f} | {max(errors):.1f} |")
    print("\n| fell by more than 5 points | sets | of them fell | AUC |\n|---|---|---|---|")
    for name, chosen in (
        ("all clean and damaged sets", usual),
        ("those with a number", [row for row in usual if row.flag is not Flag.UNVERIFIABLE]),
    ):
        fell = [quality - row.measured > FELL for row in chosen]
        auc = area_under_curve(fell, [-row.estimated for row in chosen])
        print(f"| {name} | {len(fell)} | {sum(fell)} | {auc:.3f} |")
    print()
    groups = {
        "change": "that limits were chosen with",
        "held out": "of families held out",
        "fresh": "of the fresh families",
        "unseen": "of the unseen families",
        "after": "of those drawn after the last rule",
    }
    for group, which in groups.items():
        changed = [row for row in rows if row.group == group]
        told = sum(row.flag is Flag.UNVERIFIABLE for row in changed)
        kept = sum(row.kept for row in changed)
        print(f"changes of what is shown, {which}, that get no number: {wilson(told, len(changed))}")
        print(f"... that get none, or one within the promise of its flag: {wilson(kept, len(changed))}")
    for which, chosen in (("clean and damaged", usual), ("mild", [row for row in rows if row.group == "mild"])):
        harmless = [row for row in chosen if quality - row.measured <= FELL]
        told = sum(row.flag is not Flag.UNVERIFIABLE for row in harmless)
        print(f"{which} sets within 5 points that get one: {wilson(told, len(harmless))}")
        kept = sum(row.kept for row in harmless)
        print(f"... that get none, or one within the promise of its flag: {wilson(kept, len(harmless))}")
