"""One question is asked of hundreds of windows a month: what chance does once a month needs a second witness.

A test at a level of 1 % cries wolf seven times a month when it is asked every hour. So a window that a schedule judges
must be sure enough for its part of a month, or the window before it must have said the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta

from tasks.domain.finding import Finding, Outcome
from tasks.domain.window import Window

MONTH = timedelta(days=30)

NEXT = "the next window decides: by chance a healthy camera does so, too"
"""Said of a change that is large enough to matter, and not yet sure."""


def part_of_month(window: Window) -> float:
    """The window's part of 30 days, at most 1: the part of a month's false alarms that it may have.

    >>> part_of_month(Window.parse("2026-11-20T00:00:00Z/2026-11-23T00:00:00Z"))
    0.1
    """
    return min(1.0, window.length / MONTH)


def unsure(finding: Finding) -> bool:
    """Whether it waits for a second witness: a value beyond its limit without a verdict."""
    beyond = finding.value is not None and finding.limit is not None and finding.value >= finding.limit
    return finding.outcome is Outcome.INCONCLUSIVE and beyond


def doubted(finding: Finding) -> Finding:
    """A breach that one window alone cannot prove."""
    return replace(finding, outcome=Outcome.INCONCLUSIVE, note=f"{finding.note}; {NEXT}")


def confirmed(findings: Iterable[Finding], before: Callable[[Finding], Finding | None]) -> tuple[Finding, ...]:
    """The findings, those in breach that have a second witness: the window before, or a breach beside them.

    Once something about a window is sure, the rest is read at the level of a single question: the window is no longer
    one of many healthy ones (gatekeeping; Dmitrienko & Tamhane, Gatekeeping procedures, Pharmaceutical Statistics 6,
    2007).

    Args:
        findings: Answers about one window.
        before: The answer to the same question in the window before it, None when it was not asked.
    """
    found = tuple(findings)
    sure = any(each.outcome is Outcome.BREACH for each in found)
    witnessed = [unsure(each) and (sure or _says_so_too(each, before(each))) for each in found]
    settled = sure or any(witnessed)
    return tuple(_upheld(each) if settled and unsure(each) else each for each in found)


def _says_so_too(finding: Finding, before: Finding | None) -> bool:
    if before is None or not (unsure(before) or before.outcome is Outcome.BREACH):
        return False
    return (finding.effect or 0.0) * (before.effect or 0.0) >= 0  # up once and down once is what chance does


def _upheld(finding: Finding) -> Finding:
    return replace(finding, outcome=Outcome.BREACH, note=finding.note.removesuffix(f"; {NEXT}"))
