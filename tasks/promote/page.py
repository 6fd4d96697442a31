"""What people read in MLflow about a version and about a model, as Markdown made from the ledger."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from typing import Any

import jinja2

from tasks.domain.evaluation import Evaluation, Interval
from tasks.domain.model import ModelRef
from tasks.domain.promotion import Approval
from tasks.promote.books import VersionRow

GATES_SHOWN = 25
_MARKS = str.maketrans({c: f"\\{c}" for c in "\\|`*_[]"} | {"<": "&lt;", ">": "&gt;", "&": "&amp;"})


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionStory:
    """Everything that a version's page tells.

    `role` is a word such as `champion`; `champion` is its number (0: none). `evaluations` and
    `champion_evaluations` are matched by dataset; `gate_report` is the JSON of the gate report, if any.
    """

    record: VersionRow
    version: int
    role: str
    champion: int = 0
    parent: int = 0
    compare_url: str = ""
    evaluations: Sequence[Evaluation] = ()
    champion_evaluations: Sequence[Evaluation] = ()
    approval: Approval | None = None
    gate_report: Mapping[str, Any] = field(default_factory=dict)


def version_page(story: VersionStory) -> str:
    """The decision page of a version; free text of people and class names cannot open markup in it."""
    record, ref = story.record, story.record.ref
    return _template("version_description.md.j2").render(
        name=ref.name,
        version=story.version,
        role=story.role,
        sha256=ref.sha256,
        kind=ref.kind.value,
        imgsz=ref.imgsz,
        classes=ref.classes,
        source=record.source,
        created_at=f"{record.created_at:%Y-%m-%d %H:%M} UTC",
        parent=record.parent_sha256,
        parent_version=story.parent,
        dataset_digest=record.dataset_digest,
        approval=_approval(story.approval),
        compare_url=story.compare_url,
        champion_version=story.champion,
        scores=_scores(story),
        gates=[_gate(gate) for gate in _listed_gates(story.gate_report)[:GATES_SHOWN]],
    )


def model_page(ref: ModelRef, aliases: Sequence[tuple[str, int, str]], compare_url: str = "") -> str:
    """The card of a registered model; `aliases` are (alias, version or 0, SHA-256)."""
    return _template("model_card.md.j2").render(
        name=ref.name, kind=ref.kind.value, classes=ref.classes, aliases=aliases, compare_url=compare_url
    )


def cell(text: object) -> str:
    """The text on one line, with everything escaped that Markdown or HTML would act on.

    >>> cell("a|b <b>")
    'a\\\\|b &lt;b&gt;'
    """
    return " ".join(str(text).split()).translate(_MARKS)


@lru_cache(maxsize=4)
def _template(name: str) -> jinja2.Template:
    text = files("tasks.promote").joinpath("templates", name).read_text(encoding="utf-8")
    surroundings = jinja2.Environment(undefined=jinja2.StrictUndefined)  # noqa: S701 - Markdown: `cell` escapes
    surroundings.filters["cell"] = cell
    return surroundings.from_string(text)


def _approval(approval: Approval | None) -> dict[str, str] | None:
    if approval is None:
        return None
    return {
        "state": approval.state.value,
        "approver": approval.approver,
        "decided_at": f"{approval.decided_at:%Y-%m-%d %H:%M} UTC" if approval.decided_at else "",
        "reason": approval.reason,
        "gate_hash": approval.gate_hash,
    }


def _scores(story: VersionStory) -> list[dict[str, str]]:
    beside = {one.dataset: one for one in story.champion_evaluations}
    return [
        {
            "dataset": one.dataset,
            "metric": one.metric,
            "mine": _interval(one.headline),
            "champion": _interval(beside[one.dataset].headline) if one.dataset in beside else "not measured",
            "n": str(one.n),
        }
        for one in story.evaluations
    ]


def _interval(found: Interval) -> str:
    if not math.isfinite(found.value):
        return "no evidence"
    known = math.isfinite(found.low) and math.isfinite(found.high)
    return f"{found.value:.3f} ({found.low:.3f} to {found.high:.3f})" if known else f"{found.value:.3f}"


def _listed_gates(report: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = report.get("gates") or report.get("findings") or []
    return [gate for gate in found if isinstance(gate, Mapping)] if isinstance(found, list) else []


def _gate(gate: Mapping[str, Any]) -> dict[str, str]:
    return {
        "name": " ".join(str(gate.get(part) or "") for part in ("check", "subject")).strip(),
        "outcome": str(gate.get("outcome", "")),
        "value": _value(gate.get("value"), gate.get("unit")),
        "limit": _value(gate.get("limit"), gate.get("unit")),
        "note": str(gate.get("note") or ""),
    }


def _value(value: object, unit: object) -> str:
    if not isinstance(value, int | float) or not math.isfinite(value):
        return "none"
    return f"{value:.4g} {cell(unit or '')}".strip()
