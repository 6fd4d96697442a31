"""Is the promise kept in this window, and how fast is its allowance of bad answers used up over several?

A window shows a breach only when serving exactly as promised would hardly ever look so bad (a binomial test); a share
over the promise that may be chance is open, with how many answers decide it. Burning is another question: over a long
and a short span the allowance is used up faster than the rule allows. Source: Beyer et al., The Site Reliability
Workbook (2018), chapter 5, "Multiwindow, multi-burn-rate alerts".
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from scipy.stats import binom

from tasks.domain.finding import ALL, Finding, Outcome
from tasks.domain.serving import Figures, Served, Tallies
from tasks.domain.subjects import BURN, PROMISE
from tasks.domain.window import Window
from tasks.serving.rules import Burn, Objective, ServingRules

COVERED = 0.9
"""Share of a span that must have been judged before anything is said about it."""

ENOUGH = 1 << 20
"""Answers beyond which nobody is told how many more would decide."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """A window that was judged before: its span and what was counted in it (None: before there were figures)."""

    window: Window
    tallies: Tallies | None


def promise_findings(figures: Figures, rules: ServingRules) -> list[Finding]:
    """One finding for each promise, over all answers of the window."""
    whole = figures.tallies
    found = []
    for promise in rules.objectives:
        counted = [sum(row[place] for row in whole.counts.get(promise.key, ())) for place in (1, 2)]
        rows = _rows_behind(figures.whole, promise)
        found.append(_kept(promise, (counted[0], counted[1]), rows, rules))
    return found


def burn_findings(figures: Figures, window: Window, past: Sequence[Past], rules: ServingRules) -> list[Finding]:
    """One finding for each promise and pair of spans, all of which end with the window."""
    seen = [*past, Past(window=window, tallies=figures.tallies)]
    return [_burning(promise, burn, window.end, seen, rules) for promise in rules.objectives for burn in rules.burns]


def _rows_behind(group: Served, promise: Objective) -> int:
    """Records that the promise was held against, each once."""
    if promise.latency_ms is None:
        return group.requests
    return group.latency[promise.step].n if promise.step in group.latency else 0


def _kept(promise: Objective, counted: tuple[float, float], rows: int, rules: ServingRules) -> Finding:
    answers, bad = counted
    share = bad / answers if answers else None
    outcome, note = _outcome(promise, share, rows, rules)
    return Finding(
        check=PROMISE,
        subject=promise.name,
        slice=ALL,
        outcome=outcome,
        value=None if share is None else round(share, 6),
        limit=round(promise.budget, 9),
        unit="of answers",
        n=rows,
        note=note,
    )


def _outcome(promise: Objective, share: float | None, rows: int, rules: ServingRules) -> tuple[Outcome, str]:
    needed = max(rules.min_answers, math.ceil(1 / promise.budget - 1e-6))
    if share is None or rows < needed:
        known = f"{rows} answers say how long they took" if promise.latency_ms is not None else f"{rows} answers"
        return Outcome.INCONCLUSIVE, f"{promise.words}: {known}, {needed - rows} more are needed"
    told = f"{100 * share:.3g} % of answers broke the promise of {promise.words}"
    if share <= promise.budget:
        return Outcome.OK, told
    if _chance(share, rows, promise.budget) <= rules.alpha:
        return Outcome.BREACH, told
    return Outcome.INCONCLUSIVE, f"{told}, which may be chance: {_missing(share, rows, promise.budget, rules.alpha)}"


def _chance(share: float, n: int, budget: float) -> float:
    """Chance of at least so many bad answers of n, when the promise is kept exactly."""
    return float(binom.sf(math.floor(share * n + 1e-9) - 1, n, budget))


def _missing(share: float, n: int, budget: float, alpha: float) -> str:
    total = n
    while total < ENOUGH and _chance(share, total, budget) > alpha:
        total = math.ceil(1.1 * total) + 1
    return f"about {total - n} more answers decide it" if total < ENOUGH else "it lies on the limit"


def _burning(promise: Objective, burn: Burn, end: datetime, seen: Sequence[Past], rules: ServingRules) -> Finding:
    spans = [timedelta(hours=hours) for hours in (burn.long_hours, burn.short_hours)]
    counts = [_counted(promise.key, end - span, end, seen) for span in spans]
    rates = [(bad / answers / promise.budget if answers else 0.0) for answers, bad in counts]
    missing = _uncovered(end - spans[0], end, promise.key, seen)
    answers = counts[0][0]
    needed = max(rules.min_answers, math.ceil(1 / promise.budget - 1e-6))
    words = f"{_hours(burn.long_hours)} and {_hours(burn.short_hours)}"
    told = f"{promise.words}: its allowance is used up at {rates[0]:.3g} and {rates[1]:.3g} times its pace over {words}"
    if missing > (1 - COVERED) * spans[0]:
        outcome, told = Outcome.INCONCLUSIVE, f"{words}: {_hours(missing / timedelta(hours=1))} more must be judged"
    elif answers < needed:
        outcome = Outcome.INCONCLUSIVE
        told = f"{words}: {answers:.0f} answers, {needed - math.floor(answers)} more are needed"
    else:
        outcome = Outcome.BREACH if min(rates) >= burn.rate else Outcome.OK
    return Finding(
        check=f"{BURN}_{_hours(burn.long_hours).replace(' ', '')}",
        subject=promise.name,
        outcome=outcome,
        value=None if outcome is Outcome.INCONCLUSIVE else round(min(rates), 4),
        limit=burn.rate,
        unit="times",
        n=math.floor(answers),
        note=told,
    )


def _counted(key: str, start: datetime, end: datetime, seen: Sequence[Past]) -> tuple[float, float]:
    found = [each.tallies.within(key, start, end) for each in seen if each.tallies is not None]
    return sum(answers for answers, _ in found), sum(bad for _, bad in found)


def _uncovered(start: datetime, end: datetime, key: str, seen: Sequence[Past]) -> timedelta:
    """How much of the span no judged window counted this promise in; windows are tiles and do not overlap."""
    covered = [
        min(each.window.end, end) - max(each.window.start, start)
        for each in seen
        if each.tallies is not None and key in each.tallies.counts
    ]
    return end - start - sum((span for span in covered if span > timedelta(0)), timedelta(0))


def _hours(hours: float) -> str:
    """A span in words.

    >>> _hours(1 / 12), _hours(6), _hours(72)
    ('5 min', '6 h', '3 d')
    """
    if hours < 1:
        return f"{60 * hours:.3g} min"
    return f"{hours / 24:.3g} d" if hours >= 48 else f"{hours:.3g} h"
