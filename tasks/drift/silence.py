"""What is said where nothing could be asked, which is not the same as nothing having changed."""

from __future__ import annotations

from tasks.domain.finding import Finding, Outcome
from tasks.drift.sample import Sample


def unanswered(before: Sample, after: Sample) -> tuple[Finding, ...]:
    """Said when nothing could be asked about the answers of a window that has images; else nothing."""
    if not len(after) or (before.answers.scalars and after.answers.scalars):
        return ()
    whose = (
        "image was answered by the version that the reference is for"
        if before.answers.scalars
        else "answer is in the reference"
    )
    note = f"the answers were not compared: no {whose}"
    return (Finding(check="answers", subject="predictions", outcome=Outcome.INCONCLUSIVE, note=note),)
