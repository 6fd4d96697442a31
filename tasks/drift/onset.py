"""Since when: the first window of the unbroken run of breaches that the present one belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from tasks.domain.finding import Finding, Outcome
from tasks.domain.window import Window

Key = tuple[str, str, str]
"""check, subject, slice: the same question about the same place in every window."""

HISTORY = 500
"""Earlier windows that are looked at."""


def key(finding: Finding) -> Key:
    """What makes two findings of different windows answers to the same question."""
    return finding.check, finding.subject, finding.slice


def onset(window: Window, present: Finding, history: Sequence[tuple[Window, Finding]]) -> datetime:
    """The start of the first window of the run of breaches that ends with `window`, itself a breach.

    `history` holds the earlier answers to the same question, newest first. An `ok` ends the run, and so does a
    change into the other direction: what rose after it fell is another story. A window that had too little data
    neither ends it nor begins it.
    """
    first = window.start
    for earlier, finding in history:
        if finding.outcome is Outcome.OK or (present.effect or 0.0) * (finding.effect or 0.0) < 0:
            break
        if finding.outcome is Outcome.BREACH:
            first = min(first, earlier.start)
    return first
