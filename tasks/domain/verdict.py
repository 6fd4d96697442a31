"""The verdict on a window: one outcome, one action, the causes in order of weight."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from tasks.domain.finding import Finding, Outcome, Report


class Action(StrEnum):
    """What a person or the next flow should do about it."""

    NONE = "none"
    WAIT = "wait"  # not enough data yet, or a change that does no harm
    FIX_CAMERA = "fix_camera"  # goes to the site owner; blocks retraining on that camera
    FIX_DATA = "fix_data"  # the pipeline delivers data that breaks the contract
    FIX_SERVING = "fix_serving"  # answers are slow or missing: goes to whoever runs the serving machine
    LABEL_MORE = "label_more"  # the inputs changed, too few labels to say whether it harms
    RETRAIN = "retrain"  # labelled performance fell and the data is sound
    AUDIT_LABELS = "audit_labels"  # errors rose while the inputs did not: first ask whether the labels changed
    EXPORT = "export"  # the deployed file answers otherwise than the version it was made from
    RETUNE = "retune"  # confidences moved, ranking did not


class CauseKind(StrEnum):
    """What is broken, told apart because each goes to another person."""

    CAMERA = "camera"
    DATA = "data"
    PRODUCT = "product"  # what the cameras see changed, on most of them at once
    MODEL = "model"
    SERVING = "serving"  # the machine that answers


STATE_NAMES = {Outcome.OK: "Healthy", Outcome.BREACH: "Degraded", Outcome.INCONCLUSIVE: "Inconclusive"}
"""Names of the Prefect state that a monitoring run completes with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """What changed, where, since when, and how much of the whole shift it carries (0..1)."""

    kind: CauseKind
    summary: str
    cameras: tuple[str, ...] = ()
    properties: tuple[str, ...] = ()
    since: datetime | None = None
    share: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Outcome over all reports of a window, with one action and its causes."""

    outcome: Outcome
    action: Action
    sentence: str
    causes: tuple[Cause, ...] = ()
    reports: tuple[Report, ...] = field(default=())

    @property
    def state_name(self) -> str:
        """Name of the Prefect state."""
        return STATE_NAMES[self.outcome]

    def findings(self) -> tuple[Finding, ...]:
        """All findings of all reports."""
        return tuple(finding for report in self.reports for finding in report.findings)

    def blocked_cameras(self) -> frozenset[str]:
        """Cameras whose images must not be learnt from."""
        return frozenset(c for cause in self.causes if cause.kind is CauseKind.CAMERA for c in cause.cameras)


def verdict_json(verdict: Verdict) -> dict[str, Any]:
    """Outcome, action, sentence and causes as JSON values (findings are kept beside, row by row)."""
    return {
        "outcome": verdict.outcome.value,
        "action": verdict.action.value,
        "sentence": verdict.sentence,
        "causes": [
            {
                "kind": cause.kind.value,
                "summary": cause.summary,
                "cameras": list(cause.cameras),
                "properties": list(cause.properties),
                "since": cause.since.isoformat() if cause.since else None,
                "share": cause.share,
            }
            for cause in verdict.causes
        ],
    }
