"""The data contract, version 1: one line per image that was predicted on, as production writes it.

`parse_prediction` gives a record or a `Rejected`; it never raises. Fields that this version does not know are
ignored, so that a writer may add some. Labels are in `tasks.domain.contract_labels`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from tasks.domain import contract_values as v
from tasks.domain.contract_answers import placed, ranked
from tasks.domain.contract_json import non_finite, read_object
from tasks.domain.contract_reasons import About, Reason, Rejected
from tasks.domain.contract_record import Detection, Latency, PredictionRecord
from tasks.domain.model import Kind
from tasks.domain.tables import CONTRACT_VERSION

__all__ = [
    "Detection",
    "Latency",
    "Limits",
    "PredictionRecord",
    "Reason",
    "Rejected",
    "json_schemas",
    "parse_prediction",
    "parse_row",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the reader knows beyond the record: the latest time that can be true, how many classes there are, and of
    labels which kind of answer they must be about.
    """

    latest: datetime | None = None
    classes: int | None = None
    kind: Kind | None = None


NO_LIMITS = Limits()

_REASONS: dict[str, Reason] = {
    "captured_at": Reason.BAD_TIME,
    "class_id": Reason.BAD_CLASS,
    "[key]": Reason.BAD_CLASS,
    "confidence": Reason.CONFIDENCE_RANGE,
    "box": Reason.BAD_BOX,
    "polygon": Reason.BAD_BOX,
    "corners": Reason.BAD_BOX,
    "keypoints": Reason.BAD_BOX,
}
_REASONS_INSIDE: dict[str, Reason] = {"probabilities": Reason.CONFIDENCE_RANGE}
"""Of what lies in the field; where the field itself has the wrong type, the record has."""

_NAMES = frozenset({"image_id", "camera", "site", "session", "model_version", "runtime"})
_UNFIT = frozenset({"value_error", "string_too_long"})
"""Fields that name something, and pydantic's words for text that is there and cannot be a name."""

ADDRESSES = ("key", "image_uri", "url", "image_url")
_ELSEWHERE = re.compile(r"\s*([a-z][a-z0-9+.-]*://|(file|data|https?):|\\\\)", re.IGNORECASE)
"""How an address begins; a key may have the same characters further on, it is followed in the bucket only."""


def parse_prediction(line: bytes | str, limits: Limits = NO_LIMITS) -> PredictionRecord | Rejected:
    """The record in one JSON line, or why it is refused; boxes are clipped, classify is sorted by probability."""
    row = read_object(line)
    return row if isinstance(row, Rejected) else parse_row(row, limits)


def parse_row(row: Mapping[str, Any], limits: Limits = NO_LIMITS) -> PredictionRecord | Rejected:
    """The same for a row that is already values (from Parquet)."""
    if refused := version_fault(row) or _address_fault(row):
        return refused
    if non_finite(dict(row)):
        return Rejected(reason=Reason.NON_FINITE, note="a number is NaN or infinite")
    try:
        record = PredictionRecord.model_validate(dict(row))
    except ValidationError as error:
        return _rejected(error)
    if limits.latest is not None and record.captured_at > limits.latest:
        note = f"captured_at {record.captured_at.isoformat()} is later than {limits.latest.isoformat()}"
        return untimely(record, note)
    return _settled(record, limits)


def untimely(record: PredictionRecord, note: str) -> Rejected:
    """The refusal of a record whose time cannot be true: whose clock that is, is told from what it claims."""
    about = About(image_id=record.image_id, key=record.key, camera=record.camera, captured_at=record.captured_at)
    return Rejected(reason=Reason.BAD_TIME, note=note, about=about)


def json_schemas() -> dict[str, dict[str, Any]]:
    """The JSON schema of every record that other programs write: `prediction` and `label`."""
    from tasks.domain.contract_labels import LabelRecord

    return {"prediction": PredictionRecord.model_json_schema(), "label": LabelRecord.model_json_schema()}


def version_fault(row: Mapping[str, Any]) -> Rejected | None:
    """Why the row's `schema` cannot be read, or None."""
    version = row.get("schema")
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        return Rejected(reason=Reason.BAD_RECORD, note="schema: the version of the contract is missing or not a number")
    if version > CONTRACT_VERSION:
        return Rejected(
            reason=Reason.SCHEMA_NEWER, note=f"schema {version}, this program reads up to {CONTRACT_VERSION}"
        )
    return None


def _address_fault(row: Mapping[str, Any]) -> Rejected | None:
    for name in ADDRESSES:
        value = row.get(name)
        if isinstance(value, str) and _ELSEWHERE.match(value):
            return Rejected(reason=Reason.URI_NOT_ALLOWED, note=f"{name}: {value[:120]}")
    return None


def _rejected(error: ValidationError) -> Rejected:
    problem: dict[str, Any] = dict(error.errors(include_url=False, include_input=False, include_context=False)[0])
    names, inside = v.names_in(problem["loc"]), v.names_in(problem["loc"][:-1])
    found = [_REASONS[name] for name in names if name in _REASONS]
    found += [_REASONS_INSIDE[name] for name in inside if name in _REASONS_INSIDE]
    if not found and problem["type"] in _UNFIT and _NAMES & set(names):
        found = [Reason.BAD_NAME]
    return Rejected(reason=found[0] if found else Reason.BAD_RECORD, note=v.where(problem))


def _settled(record: PredictionRecord, limits: Limits) -> PredictionRecord | Rejected:
    if not record.error and not (record.width and record.height):
        return Rejected(reason=Reason.BAD_RECORD, note="width and height must be at least 1")
    settled = ranked(record) if record.kind is Kind.CLASSIFY else placed(record)
    if isinstance(settled, Rejected):
        return settled
    highest = max((d.class_id for d in settled), default=-1)
    if limits.classes is not None and highest >= limits.classes:
        return Rejected(reason=Reason.BAD_CLASS, note=f"class {highest}, the model knows 0..{limits.classes - 1}")
    done = record.model_copy(update={"detections": settled, "probabilities": None, "top": None})
    moved = sum(a.box != b.box for a, b in zip(settled, record.detections, strict=False)) if record.detections else 0
    return done.noted(f"clipped {moved} boxes" if moved and record.kind not in (Kind.CLASSIFY, Kind.OBB) else "")
