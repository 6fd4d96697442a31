"""What is said when a comparison could not be made: that, and not that nothing changed."""

from __future__ import annotations

from tasks.domain.finding import Finding, Outcome, Report, Stage
from tasks.drift.sample import Sample


def silent(check: str, note: str) -> Report:
    """A report of one open question."""
    finding = Finding(check=check, subject="images", outcome=Outcome.INCONCLUSIVE, note=note)
    return Report(stage=Stage.DRIFT, findings=(finding,))


def unanswered(before: Sample, after: Sample) -> tuple[Finding, ...]:
    """Said when nothing could be asked about the answers, which is not the same as unchanged answers."""
    if not len(after) or (before.answers.scalars and after.answers.scalars):
        return ()
    whose = (
        "image was answered by the version that the reference is for"
        if before.answers.scalars
        else "answer is in the reference"
    )
    note = f"the answers were not compared: no {whose}"
    return (Finding(check="answers", subject="predictions", outcome=Outcome.INCONCLUSIVE, note=note),)
