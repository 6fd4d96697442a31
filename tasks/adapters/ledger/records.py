"""What the ledger is given and what it answers with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from tasks.domain.evaluation import Evaluation
from tasks.domain.finding import Finding, Outcome
from tasks.domain.intent import Intent as Intent
from tasks.domain.model import Kind, ModelRef
from tasks.domain.snapshot import PROFILER_VERSION, TableRef
from tasks.domain.verdict import Action
from tasks.domain.window import Window


class WindowState(StrEnum):
    """Where a window stands; `committed` and `failed` stay until somebody asks for a rescore."""

    OPEN = "open"  # claimed once and given back
    CLAIMED = "claimed"  # a process holds it, or died holding it
    FAILED = "failed"  # tried too often: a person has to look
    COMMITTED = "committed"


class OutboxState(StrEnum):
    """`dead` is an intent that failed for a day: a person has to look."""

    PENDING = "pending"
    DONE = "done"
    DEAD = "dead"


class DecisionKind(StrEnum):
    """Kinds of decision that several parts write or ask for; others may add their own."""

    VERDICT = "verdict"
    WINDOW_FAILED = "window_failed"
    VERSION = "version"
    GATE = "gate"
    REQUEST = "request"
    APPROVAL = "approval"
    PROMOTION = "promotion"
    REFERENCE = "reference"
    EVALUATED = "evaluated"  # a champion was held against labels; the payload names their table
    LABELS_AUDITED = "labels_audited"  # a person looked at labels that show a fall, and found them right
    EXPORT = "export"  # a file was exported from a version; the payload is the export
    DEPLOYED = "deployed"  # which format of the champion production runs
    DATA_SCHEMA = "data_schema"  # a person accepted what data must look like
    ACKNOWLEDGE = "acknowledge"
    SNOOZE = "snooze"


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowFacts:
    """What a verdict stands on: counts, tables, and which champion, reference and configuration.

    `listed` equals `accepted` plus all of `quarantined` (reason -> number of objects), or the commit is
    refused. `artifacts` maps a name (`drift_page`) to a URI; `config_hash` is of the rules that were used.
    """

    listed: int
    accepted: int
    quarantined: Mapping[str, int] = field(default_factory=dict)
    catalog: TableRef | None = None
    artifacts: Mapping[str, str] = field(default_factory=dict)
    champion_sha256: str = ""
    reference_id: int | None = None
    config_hash: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowRecord:
    """A window as the ledger knows it.

    `revision` is the newest committed one, 0 before the first; the fields from `outcome` on belong to it and
    are None before it. `attempts` counts failures since then, `message` is the last one's. In answers of
    `windows.revisions` every record is one committed revision, with the epoch that wrote it.
    """

    model: str
    window: Window
    state: WindowState
    epoch: int
    revision: int
    owner: str = ""
    lease_until: datetime | None = None
    attempts: int = 0
    message: str = ""
    outcome: Outcome | None = None
    action: Action | None = None
    verdict: dict[str, Any] | None = None
    facts: WindowFacts | None = None
    digest: str = ""
    committed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRecord:
    """A registered model: every version of it has this kind and these classes."""

    name: str
    kind: Kind
    classes: tuple[str, ...]
    created_at: datetime


IMPORTED = "import"
"""Source of a version whose weights a person brought."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRecord:
    """A version and where it comes from; `parent_sha256` and `dataset_digest` are empty when unknown."""

    ref: ModelRef
    source: str
    parent_sha256: str
    dataset_digest: str
    created_at: datetime
    card: dict[str, Any]

    @property
    def foreign(self) -> bool:
        """It was trained elsewhere: which images it has learnt from is not known here."""
        return self.source == IMPORTED


@dataclass(frozen=True, slots=True, kw_only=True)
class GateReport:
    """A gate report, addressed by the hash of its contents."""

    hash: str
    model: str
    challenger_sha256: str
    champion_sha256: str
    outcome: Outcome
    report: dict[str, Any]
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A decision that is not in the chain yet."""

    model: str
    kind: str
    subject: str
    actor: str
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One row of the hash chain: `hash` covers all other fields, `previous` is the hash of the row before."""

    seq: int
    model: str
    kind: str
    subject: str
    actor: str
    payload: dict[str, Any]
    at: datetime
    previous: str
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxRow:
    """An intent and how far it got; `next_at` is when it may be tried again."""

    key: str
    kind: str
    payload: dict[str, Any]
    state: OutboxState
    attempts: int
    created_at: datetime
    next_at: datetime
    done_at: datetime | None
    result: Any
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """An alert that is not in the ledger yet."""

    dedupe_key: str
    model: str
    severity: str
    title: str
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRow:
    """A message for people, raised once per `dedupe_key`; `acknowledged_by` is empty until somebody did."""

    id: int
    dedupe_key: str
    model: str
    severity: str
    title: str
    payload: dict[str, Any]
    created_at: datetime
    delivered_at: datetime | None
    acknowledged_by: str
    snoozed_until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PinnedReference:
    """The profiles that drift of one champion is measured against."""

    id: int
    model: str
    champion_sha256: str
    table: TableRef
    actor: str
    reason: str
    created_at: datetime

    @property
    def outdated(self) -> bool:
        """Whether its pictures were measured by another profiler, which today's cannot be held against."""
        return "/references/" in self.table.uri and f"/references/{PROFILER_VERSION}-" not in self.table.uri


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What one check answered in the newest revision of a window, beside that revision's verdict as JSON."""

    window: Window
    verdict: dict[str, Any]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationRecord:
    """An evaluation with when it was saved and for which window, if any."""

    id: int
    model: str
    evaluation: Evaluation
    window: Window | None
    created_at: datetime
