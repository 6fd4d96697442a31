"""The words for values, limits and actions, the same in messages and on pages. All of it is plain text."""

from __future__ import annotations

import math
from datetime import UTC, datetime

from tasks.domain.finding import ALL, Finding, Outcome
from tasks.domain.subjects import KPI, TOLD_ONLY
from tasks.domain.verdict import Action, Verdict

TEXT_LIMIT = 600
"""Characters of any one text in a message or a table cell."""

ADVICE = {
    Action.NONE: "Nothing.",
    Action.WAIT: "Nothing yet: the next windows decide.",
    Action.FIX_CAMERA: "Look at the camera: clean the lens, check its position, focus and light. "
    "Images of a camera at fault are kept out of training until it is healthy.",
    Action.FIX_DATA: "Repair what writes the records: they break the data contract. The report names field and reason.",
    Action.FIX_SERVING: "Look at the machine that serves the model: its load, its errors, what was deployed last. "
    "The model itself is not to blame; retraining does not help.",
    Action.LABEL_MORE: "Label a sample of the recent images: only labels can say whether the change does harm.",
    Action.RETRAIN: "Retrain with the recent labels; the challenger is compared and waits for your approval.",
    Action.AUDIT_LABELS: "Let a second person label some of the recent images again: errors rose although the images "
    "did not change, so the labels may have. Nothing is retrained before somebody says that they are right.",
    Action.EXPORT: "Export the champion again (`evergreen export`) and deploy that file: what production runs answers "
    "otherwise than the version that was approved.",
    Action.RETUNE: "Tune the confidence thresholds again: confidences moved, the ranking of detections did not.",
}


def observed(finding: Finding) -> str:
    """The measured value with its unit, where and of what.

    >>> observed(Finding(check="shift", subject="brightness", outcome=Outcome.BREACH, value=1.25, unit="sd", n=48))
    'brightness (shift) 1.25 sd over all cameras, n = 48'
    """
    where = "over all cameras" if finding.slice == ALL else f"at {finding.slice.replace('=', ' ', 1)}"
    return f"{finding.subject} ({finding.check}) {measure(finding.value, finding.unit)} {where}, n = {finding.n}"


def expected(finding: Finding) -> str:
    """The limit and on which side of it is health, as far as a breach shows it.

    >>> expected(Finding(check="shift", subject="b", outcome=Outcome.BREACH, value=1.2, limit=0.5, unit="sd"))
    'at most 0.5 sd'
    """
    if finding.limit is None:
        return "no such case"
    if finding.outcome is not Outcome.BREACH or finding.value is None:
        return measure(finding.limit, finding.unit)
    side = "at most" if finding.value >= finding.limit else "at least"
    return f"{side} {measure(finding.limit, finding.unit)}"


def measure(value: float | None, unit: str = "") -> str:
    """Four significant digits and the unit, large numbers in full; None and nan are said in words.

    >>> measure(0.123456, "sd"), measure(None, "sd"), measure(1200000.0)
    ('0.1235 sd', 'not measured', '1,200,000')
    """
    if value is None or math.isnan(value):
        return "not measured"
    digits = f"{value:,.0f}" if 10_000 <= abs(value) < 1e15 else f"{value:.4g}"
    return f"{digits} {unit}".rstrip()


def breaches_by_weight(verdict: Verdict) -> list[Finding]:
    """The breaches that the verdict hangs on, those of the causes' cameras first, then by how far over their limit."""
    blamed = {camera for cause in verdict.causes for camera in cause.cameras}
    found = (finding for finding in verdict.findings() if finding.check not in {*TOLD_ONLY, KPI})
    breaches = [finding for finding in found if finding.outcome is Outcome.BREACH]
    return sorted(breaches, key=lambda finding: (finding.camera not in blamed, -excess(finding)))


def moment(at: datetime) -> str:
    """A moment to the minute, in UTC.

    >>> moment(datetime(2026, 11, 20, 6, 30, tzinfo=UTC))
    '2026-11-20 06:30 UTC'
    """
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def one_line(text: str, limit: int = TEXT_LIMIT) -> str:
    """The text without line breaks and control characters, cut to `limit` characters.

    >>> one_line("a\\n\\x1b[31mb", 6)
    'a [31…'
    """
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def excess(finding: Finding) -> float:
    """How many times the limit the value is, or the limit the value where values must not fall; 0 without either."""
    if finding.value is None or not finding.limit:
        return 0.0
    ratio = abs(finding.value / finding.limit)
    return max(ratio, 1 / ratio) if ratio else float("inf")


def stated(state: str, sentence: str) -> str:
    """The sentence with its state before it, once.

    >>> stated("Healthy", "Healthy: as it was"), stated("Trained", "version 2")
    ('Healthy: as it was', 'Trained: version 2')
    """
    return sentence if sentence.startswith(state) else f"{state}: {sentence}"
