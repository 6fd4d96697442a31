"""One window's estimate in words: the number with its flag, or which labels would be needed to have one."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from tasks.domain.finding import Finding, Outcome, Stage
from tasks.domain.model import Kind
from tasks.domain.subjects import ESTIMATE
from tasks.estimate.backtest import Running
from tasks.estimate.few import needed
from tasks.estimate.flag import Flag, Verdict, named
from tasks.estimate.rules import EstimateRules

CHECK, UNIT = ESTIMATE, "0..1"
UNCALIBRATED = "without labels nothing can be said of this version"
"""How the finding of a window begins that was judged while its version was not calibrated."""

ESTIMATED = {Kind.DETECT: "map50", Kind.CLASSIFY: "accuracy"}
"""Kinds that are estimated, and what of them is: mAP50 of boxes, accuracy of classes."""

SPREADS = {"map50": 0.2, "accuracy": 0.35}
"""Standard deviation of what single images score (F1; right or wrong, one of seven) that labels are asked for by."""


FURTHER = {"map50": 2.0, "accuracy": 1.0}
"""Times the promise by which kinds of damage that were left out may be off.

Steps reach further than most windows, so for boxes twice is allowed: left-out kinds were off by 10 points where windows
with a number were off by 3. A picture's one class has no neighbours that vouch for it: where left-out kinds were off by
11 points, single windows were off by 26 (`benchmarks/label_free_classes.py`).
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """What is said of a window of `n` images that were looked at: `value` is the mAP50, whatever the flag.

    Of a classifier it is the accuracy; `metric` says which. `left_out` is by how much estimates were off on kinds of
    damage that the calibration had not seen, 0..1 like the value; nan where that could not be learnt.
    """

    value: float
    verdict: Verdict
    n: int
    metric: str = ESTIMATED[Kind.DETECT]
    left_out: float = 0.0


def finding(model: str, guess: Guess, kept: Running | None, rules: EstimateRules) -> Finding:
    """The finding: ok with a number, inconclusive without; never a breach, because no label stands behind it."""
    flag, reasons = guess.verdict.flag, named(guess.verdict.reasons)
    if flag is Flag.UNVERIFIABLE:
        return silent(f"{ask(model, rules, guess.metric)}: {reasons}", guess.n, guess.metric)
    if flag is Flag.EXTRAPOLATING and not guess.left_out <= FURTHER[guess.metric] * promised(flag, rules):
        return silent(f"{ask(model, rules, guess.metric)}: {reasons}, and {unlearnt(guess)}", guess.n, guess.metric)
    if kept is not None and kept.broke(promised(flag, rules)):
        broken = f"{kept.words()}, which breaks the promise of a {flag} estimate"
        return silent(f"{ask(model, rules, guess.metric)}: {broken}", guess.n, guess.metric)
    how = f"{flag}: about {guess.value:.3f} without labels, usually within {100 * promised(flag, rules):.0f} points"
    words = [how, reasons, kept.words() if kept else "no estimate was checked against labels yet"]
    return Finding(
        check=CHECK,
        subject=guess.metric,
        outcome=Outcome.OK,
        value=round(guess.value, 4),
        unit=UNIT,
        n=guess.n,
        note="; ".join(word for word in words if word),
    )


def unlearnt(guess: Guess) -> str:
    """Why a calibration is no help once something changed: it says so itself."""
    if math.isnan(guess.left_out):
        return "what damage does to this version could not be learnt from its labels"
    return f"on damage of kinds it had not met its estimates were off by {100 * guess.left_out:.0f} points"


def silent(note: str, n: int = 0, metric: str = ESTIMATED[Kind.DETECT]) -> Finding:
    """The finding that gives no number and says why, or what to label."""
    return Finding(check=CHECK, subject=metric, outcome=Outcome.INCONCLUSIVE, unit=UNIT, n=n, note=note)


def ask(model: str, rules: EstimateRules, metric: str = ESTIMATED[Kind.DETECT]) -> str:
    """How many random images to label, and the command that names them."""
    count = needed(SPREADS[metric], rules.half_width)
    return f"cannot be known without {count} more labels (`evergreen audit-sample {model} --n {count}`)"


def promised(flag: Flag, rules: EstimateRules) -> float:
    """The mean error that an estimate with this flag promises."""
    return rules.promise_valid if flag is Flag.VALID else rules.promise_extrapolating


def is_estimate(stage: Stage, found: Finding) -> bool:
    """Whether a stored finding is what was estimated of its window."""
    return (stage, found.check) == (Stage.ESTIMATE, CHECK) and found.subject in ESTIMATED.values()


def flag_of(kept: Finding) -> Flag | None:
    """The flag of a stored estimate; None where no number was given.

    >>> flag_of(Finding(check=CHECK, subject="map50", outcome=Outcome.OK, value=0.9, note="valid: about 0.900"))
    <Flag.VALID: 'valid'>
    """
    found = re.match(r"(\w+): ", kept.note)
    known = {flag.value for flag in Flag}
    return Flag(found[1]) if kept.value is not None and found and found[1] in known else None
