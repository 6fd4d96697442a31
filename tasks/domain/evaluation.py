"""How good a version is on labelled images, and how two versions compare on the same ones."""

from __future__ import annotations

from dataclasses import dataclass, field

from tasks.domain.contrast import Contrast
from tasks.domain.finding import Finding, Outcome
from tasks.domain.protocol import Value, lock
from tasks.domain.snapshot import TableRef

CARD_USE = "gpu_utilisation"
"""Among the numbers: share of the time (0..1) that a GPU was busy while it inferred; missing where nobody can tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A number with its 95 % interval; `low` and `high` are nan where none could be computed."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Performance of one version on one labelled set under one protocol.

    `dataset` is `golden` or `recent`; `metric` names the headline number: `map50_95` for detect, `accuracy`
    for classify, both 0..1. `metrics` holds all numbers (`map50`, `precision`, `recall`, `f1`,
    `f1/<class>` …). `scores` is one number per image in the order of `image_ids`: correctness for
    classify, F1 at IoU 0.5 for detect; that is what paired comparisons resample. `answers` names, in the same
    order, the class of the surest answer about each image, "" for none; () in evaluations of older versions.
    `conditions` are the protocol's fields and the digest of the labels by name; {} in evaluations of older versions.
    `scores_table` is the `scores` table from which all of it, any slice and any curve is computed without the model.
    `labels_table` is the `datasets` table that was scored, where one was kept: whoever measures again under another
    protocol measures on the same labels.
    """

    model_sha256: str
    dataset: str
    digest: str
    protocol: str
    metric: str
    headline: Interval
    n: int
    metrics: dict[str, float] = field(default_factory=dict)
    image_ids: tuple[str, ...] = ()
    scores: tuple[float, ...] = ()
    answers: tuple[str, ...] = ()
    scores_table: TableRef | None = None
    labels_table: TableRef | None = None
    conditions: dict[str, Value] = field(default_factory=dict)

    @property
    def lock(self) -> str:
        """SHA-256 (hex) over the protocol and the labels; empty in evaluations of older versions."""
        return lock(self.conditions)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Challenger beside champion: every gate is a finding, the outcome is the worst of them.

    `contrast` is the same on single recent images, for a person to look at; it decides nothing.
    """

    champion_sha256: str
    challenger_sha256: str
    gates: tuple[Finding, ...]
    evaluations: tuple[Evaluation, ...] = ()
    agreement: float | None = None
    contrast: Contrast = field(default_factory=Contrast)

    @property
    def outcome(self) -> Outcome:
        """The worst of all gates."""
        return Outcome.worst(gate.outcome for gate in self.gates)

    @property
    def closed(self) -> str:
        """The gates that are not ok, each with what was measured; empty when all are."""
        shut = (gate for gate in self.gates if gate.outcome is not Outcome.OK)
        return "; ".join(f"{gate.check} of {gate.subject} {gate.outcome.value} {gate.note}".strip() for gate in shut)
