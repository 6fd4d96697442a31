"""What findings about serving mean for a verdict: a cause of their own kind, for another person than the model's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tasks.domain.finding import Finding, Report, Stage
from tasks.domain.subjects import PROMISE
from tasks.domain.verdict import Cause, CauseKind


def served_badly(reports: Sequence[Report]) -> tuple[Cause, ...]:
    """One cause for all broken promises of serving; () when none is broken."""
    broken = [finding for report in reports if report.stage is Stage.SERVING for finding in report.breaches()]
    if not broken:
        return ()
    first = _worst(broken)
    others = sorted({finding.subject for finding in broken} - {first.subject})
    more = f" (also: {', '.join(others)})" if others else ""
    subjects = tuple(dict.fromkeys([first.subject, *others]))
    return (Cause(kind=CauseKind.SERVING, summary=f"{first.note}{more}", properties=subjects),)


def only_serving(causes: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a stored verdict's causes are about serving alone: its images and answers are then healthy ones."""
    return bool(causes) and all(cause.get("kind") == CauseKind.SERVING for cause in causes)


def _worst(broken: Sequence[Finding]) -> Finding:
    """What this window shows by itself before what adds up, the furthest over its limit first."""
    return max(broken, key=lambda f: (f.check == PROMISE, (f.value or 0.0) / (f.limit or 1.0)))
