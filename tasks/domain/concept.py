"""What the rise of an error means beside the inputs: the words that the concept stage and the verdict share.

inputs stable, error up      another concept, or another way of labelling: audit the labels first
inputs moved, error up       drift that does damage: retrain
inputs moved, error as ever  benign: wait
"""

from __future__ import annotations

from collections.abc import Sequence

from tasks.domain.finding import Finding, Outcome, Report, Stage
from tasks.domain.verdict import Cause, CauseKind

CONCEPT, AUDIT, POLICY = "concept", "label_audit", "label_policy"
"""Checks of the concept stage: the error and its inputs, whether somebody has to look at the labels, and the signs."""

ERROR, INPUTS, ONE_CAMERA = "error", "inputs", "one_camera"
"""Subjects of `concept`: whether the error rose, whether its inputs moved, and the one camera that it rose on."""

HALF = 0.5
"""Share of the images with the higher error from which on their inputs count as moved."""

AGED = Cause(
    kind=CauseKind.MODEL,
    summary="the model's errors rose although its inputs did not change: what counts as right has changed, or it aged",
)
"""Added when labelled performance fell and nothing about the inputs explains it."""


def findings(reports: Sequence[Report]) -> tuple[Finding, ...]:
    """The findings of the concept stage; () where it was not asked."""
    return tuple(f for report in reports if report.stage is Stage.CONCEPT for f in report.findings)


def rose(reports: Sequence[Report]) -> bool:
    """Whether the error of production rose."""
    return any(f.check == CONCEPT and f.subject == ERROR and f.outcome is Outcome.BREACH for f in findings(reports))


def inputs_moved(reports: Sequence[Report]) -> bool:
    """Whether the images with the higher error are from windows whose inputs moved."""
    return any(f.check == CONCEPT and f.subject == INPUTS and (f.value or 0.0) >= HALF for f in findings(reports))


def audit_due(reports: Sequence[Report]) -> bool:
    """Whether somebody has to look at the labels before anything is learnt from them."""
    return any(f.check == AUDIT and f.outcome is Outcome.INCONCLUSIVE for f in findings(reports))


def risen_on(reports: Sequence[Report]) -> frozenset[str]:
    """The one camera of several on which the errors rose; empty where several share it, and while a sign of another way
    of labelling has not been looked at.
    """
    found = [f for f in findings(reports) if f.outcome is Outcome.BREACH]
    if audit_due(reports) and any(f.check == POLICY for f in found):
        return frozenset()
    return frozenset(f.camera for f in found if (f.check, f.subject) == (CONCEPT, ONE_CAMERA) and f.camera)


def cause_of(reports: Sequence[Report]) -> Cause:
    """Why errors rose while nothing moved: on one camera only, or with signs of another way of labelling, if so."""
    if risen_on(reports):
        one = next(f.note for f in findings(reports) if f.subject == ONE_CAMERA)
        return Cause(kind=CauseKind.MODEL, summary=one)
    signs = [f.note for f in findings(reports) if f.check == POLICY and f.outcome is Outcome.BREACH]
    if not signs:
        return AGED
    told = "; ".join(signs)
    return Cause(
        kind=CauseKind.MODEL,
        summary=f"the model's errors rose although its inputs did not change, and the labels did: {told}",
    )
