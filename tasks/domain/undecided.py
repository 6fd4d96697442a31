"""What keeps a window from being decided, in words."""

from __future__ import annotations

from collections.abc import Sequence

from tasks.domain.confirmation import unsure
from tasks.domain.finding import Finding, Outcome, Report, Stage


def waiting(reports: Sequence[Report]) -> str:
    """What may have changed and needs a second window to say so; empty without such a thing."""
    found = [f for report in reports for f in report.findings if unsure(f)]
    if not found:
        return ""
    most = max(found, key=lambda f: abs(f.effect or 0.0))
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    where = f" on camera {most.camera}" if most.camera else ""
    return f"Something may have changed{where}: {most.subject.replace('_', ' ')} {most.note}{more}."


def missing(reports: Sequence[Report]) -> str:
    """The first thing that is open among what a verdict hangs on, and how many more there are."""
    deciding = [report for report in reports if report.stage not in (Stage.SERVING, Stage.BUSINESS, Stage.ESTIMATE)]
    open_ones = [f for report in deciding for f in report.findings if f.outcome is Outcome.INCONCLUSIVE]
    if not open_ones:
        return "nothing was checked"
    more = f" and {len(open_ones) - 1} more" if len(open_ones) > 1 else ""
    return _place(open_ones[0]) + more


def _place(finding: Finding) -> str:
    where = f" (camera {finding.camera})" if finding.camera else ""
    return f"{finding.note or finding.subject}{where}"
