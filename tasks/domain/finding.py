"""The one currency: every stage answers with findings inside a report."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from tasks.domain.plain_text import visible

ALL = "all"
"""The slice that leaves nothing out."""


class Outcome(StrEnum):
    """Three outcomes, never two: too little data is not health."""

    OK = "ok"
    BREACH = "breach"
    INCONCLUSIVE = "inconclusive"

    @staticmethod
    def worst(outcomes: Iterable[Outcome]) -> Outcome:
        """Breach before inconclusive before ok; nothing at all is inconclusive.

        >>> Outcome.worst([Outcome.OK, Outcome.INCONCLUSIVE]).value
        'inconclusive'
        """
        found = set(outcomes)
        if Outcome.BREACH in found:
            return Outcome.BREACH
        return Outcome.OK if found == {Outcome.OK} else Outcome.INCONCLUSIVE


class Stage(StrEnum):
    """Who answered."""

    INGEST = "ingest"
    QUALITY = "quality"
    CAMERA = "camera"
    DRIFT = "drift"
    WATCH = "watch"  # small changes added up over windows
    SERVING = "serving"  # how fast and how reliably answers came: never a reason to retrain
    BUSINESS = "business"  # what the business counts: told, and no verdict hangs on it
    LABELS = "labels"  # what people wrote, before anything is learnt from it
    EVALUATE = "evaluate"
    CONCEPT = "concept"  # whether the error of production rose, and with what
    SHADOW = "shadow"
    ESTIMATE = "estimate"  # how good the model is where nobody labelled anything


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One answer to one question about one slice.

    `check` names the question (a file in a plug-in folder, or a column rule), `subject` what it was asked of
    (`brightness`, `embedding`, `confidence[crack]`), `slice` where (`all`, `camera=line-1`). `value` is held
    against `limit` in `unit`; `n` is how many independent images stand behind it. `effect` is a standardised
    size (normal-score shift) with its sign, where there is one.
    """

    check: str
    subject: str
    outcome: Outcome
    slice: str = ALL
    value: float | None = None
    limit: float | None = None
    unit: str = ""
    n: int = 0
    effect: float | None = None
    note: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "note", visible(self.note))  # notes quote ids and keys that strangers chose

    @property
    def camera(self) -> str | None:
        """The camera, when the slice is one camera."""
        return self.slice.removeprefix("camera=") if self.slice.startswith("camera=") else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The findings of one stage about one window."""

    stage: Stage
    findings: tuple[Finding, ...] = field(default=())

    @property
    def outcome(self) -> Outcome:
        """The worst of all findings; inconclusive without any."""
        return Outcome.worst(finding.outcome for finding in self.findings)

    def breaches(self) -> tuple[Finding, ...]:
        """The findings that are out of limits."""
        return tuple(finding for finding in self.findings if finding.outcome is Outcome.BREACH)


def finding_json(finding: Finding) -> dict[str, Any]:
    """The finding as plain JSON values, for ledgers, logs and web pages."""
    return {**asdict(finding), "outcome": finding.outcome.value}


def finding_from_json(data: dict[str, Any]) -> Finding:
    """The inverse of `finding_json`."""
    return Finding(**{**data, "outcome": Outcome(data["outcome"])})
