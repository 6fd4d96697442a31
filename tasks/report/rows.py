"""Findings as rows that a person reads: where, what, measured, limit, a bar, since when."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest

from tasks.domain.finding import ALL, Finding, Outcome
from tasks.domain.verdict import Cause, Verdict
from tasks.domain.wording import measure, moment, one_line

FULL = 2.5
"""Multiples of its limit at which a bar is full."""

SIGN = {Outcome.OK: "within limits", Outcome.BREACH: "out of limits", Outcome.INCONCLUSIVE: "not decided"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One finding in words.

    `bar` is the value's size in percent of the drawing, the limit lies at `tick`; None where a bar would mislead
    (no value, or a limit of zero or below).
    """

    outcome: Outcome
    sign: str
    where: str
    what: str
    measured: str
    limit: str
    n: int
    since: str = ""
    note: str = ""
    bar: float | None = None
    tick: float = 100 / FULL


def rows_of(findings: Iterable[Finding], causes: Sequence[Cause] = ()) -> list[Row]:
    """One row a finding: breaches, undecided, ok; within each the longest bar first."""
    rows = [row_of(finding, causes) for finding in findings]
    return worst_first(sorted(rows, key=lambda row: (-(row.bar or 0.0), row.where, row.what)))


def worst_first(rows: Iterable[Row]) -> list[Row]:
    """Breaches, undecided, ok; within each as they came."""
    order = {Outcome.BREACH: 0, Outcome.INCONCLUSIVE: 1, Outcome.OK: 2}
    return sorted(rows, key=lambda row: order[row.outcome])


def row_of(finding: Finding, causes: Sequence[Cause] = ()) -> Row:
    """The finding in words; `since` is the onset of the cause that names its camera and property."""
    since = _since(finding, causes)
    return Row(
        outcome=finding.outcome,
        sign=SIGN[finding.outcome],
        where="all" if finding.slice == ALL else one_line(finding.slice.replace("=", " ", 1), 100),
        what=one_line(_what(finding), 120),
        measured=measure(finding.value, finding.unit),
        limit="" if finding.limit is None else measure(finding.limit, finding.unit),
        n=finding.n,
        since=moment(since) if since else "",
        note=one_line(finding.note, 300),
        bar=_bar(finding),
    )


def blamed(verdict: Verdict) -> list[str]:
    """Cameras that causes name, each once: the first of every cause, in the order of the causes, then the second …

    So every cause has a camera among the first few, whose pictures a page shows.
    """
    turns = zip_longest(*(cause.cameras for cause in verdict.causes))
    return list(dict.fromkeys(camera for turn in turns for camera in turn if camera is not None))


def _what(finding: Finding) -> str:
    check = finding.check.replace("_", " ")
    return check if finding.subject in {"", finding.check} else f"{finding.subject} ({check})"


def _bar(finding: Finding) -> float | None:
    if finding.value is None or finding.limit is None or finding.limit <= 0 or math.isnan(finding.value):
        return None
    return round(min(abs(finding.value / finding.limit), FULL) * 100 / FULL, 1)


def _since(finding: Finding, causes: Sequence[Cause]) -> datetime | None:
    if finding.outcome is Outcome.OK:
        return None
    for cause in causes:
        here = finding.camera in cause.cameras or finding.slice == ALL
        if cause.since and here and (not cause.properties or finding.subject in cause.properties):
            return cause.since
    return None
