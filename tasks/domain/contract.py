"""The data contract, version 1: one line per image that was predicted on, as production writes it.

`parse_prediction` gives a record or a `Rejected`; it never raises. Fields that this version does not know are
ignored, so that a writer may add some. Labels are in `tasks.domain.contract_labels`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr, ValidationError

from tasks.domain import contract_values as v
from tasks.domain.contract_geometry import clipped, enclosing, near
from tasks.domain.contract_json import non_finite, read_object
from tasks.domain.contract_reasons import About, Reason, Rejected
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


class _Wire(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")


class Latency(_Wire):
    """Milliseconds per step, as ultralytics' `Results.speed` gives them."""

    preprocess: v.Milliseconds | None = Field(default=None, description="Milliseconds before the network")
    inference: v.Milliseconds | None = Field(default=None, description="Milliseconds in the network")
    postprocess: v.Milliseconds | None = Field(default=None, description="Milliseconds after the network")


class Scored(_Wire):
    """A class with its probability (classify)."""

    class_id: v.ClassId = Field(description="Index into the model's class names")
    confidence: v.Confidence = Field(description="Probability of the class, 0..1")


class Detection(Scored):
    """One object that the model saw; for classify one class with its probability."""

    box: v.Box | None = Field(default=None, description="x1, y1, x2, y2 in pixels of the image as it is shown")
    polygon: v.Polygon | None = Field(default=None, description="x, y, x, y, … in pixels (segment)")
    corners: v.Corners | None = Field(default=None, description="Four corners x, y in pixels (obb)")
    keypoints: v.Keypoints | None = Field(default=None, description="x, y, confidence, … (pose)")


class PredictionRecord(_Wire):
    """One image that was predicted on."""

    schema_: int = Field(alias="schema", ge=1, description="Version of this contract")
    image_id: v.ImageId = Field(description="Unique per model; labels are joined by it")
    key: Annotated[str, Field(max_length=1024)] = Field(
        default="", description="Object key of the image; empty: not kept"
    )
    captured_at: v.Moment = Field(description="When the shutter opened; ISO 8601 with UTC offset")
    camera: v.Name = Field(description="Which camera")
    site: v.ShortText | None = Field(default=None, description="Which site")
    session: v.ShortText | None = Field(default=None, description="Frames that are not independent share it")
    model_version: v.Version = Field(description="MLflow version that predicted")
    kind: Annotated[Kind, Field(strict=False)] = Field(description="What the model answers with")
    width: v.Side = Field(description="Pixels, of the image that boxes refer to (after EXIF rotation)")
    height: v.Side = Field(description="Pixels, of the image that boxes refer to (after EXIF rotation)")
    detections: Annotated[tuple[Detection, ...], BeforeValidator(v.as_tuple), Field(max_length=v.MAX_OBJECTS)] = Field(
        default=(), description="What the model saw; empty: nothing"
    )
    probabilities: Annotated[dict[str, v.Confidence], Field(max_length=v.MAX_CLASSES)] | None = Field(
        default=None, description="classify: probability of every class id"
    )
    top: Annotated[tuple[Scored, ...], BeforeValidator(v.as_tuple), Field(max_length=v.MAX_CLASSES)] | None = Field(
        default=None, description="classify: the most probable classes, instead of `probabilities`"
    )
    latency_ms: Latency | None = Field(default=None, description="Milliseconds per step")
    runtime: v.ShortText | None = Field(default=None, description="tensorrt-fp16, onnx, torch …")
    sampling_probability: Annotated[float, Field(gt=0, le=1)] | None = Field(
        default=None, description="Chance that this image was kept; estimates are re-weighted by it"
    )
    sha256: v.Sha256 = Field(default=None, description="Of the image bytes, hex")
    error: v.ErrorText | None = Field(default=None, description="Why the request failed; empty: it did not")

    _note: str = PrivateAttr(default="")

    @property
    def note(self) -> str:
        """What was mended while reading, such as boxes that were clipped; empty for nothing."""
        return self._note


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the reader knows beyond the record: the latest time that can be true, and how many classes there are."""

    latest: datetime | None = None
    classes: int | None = None


NO_LIMITS = Limits()

_REASONS: dict[str, Reason] = {
    "captured_at": Reason.BAD_TIME,
    "class_id": Reason.BAD_CLASS,
    "[key]": Reason.BAD_CLASS,
    "confidence": Reason.CONFIDENCE_RANGE,
    "probabilities": Reason.CONFIDENCE_RANGE,
    "box": Reason.BAD_BOX,
    "polygon": Reason.BAD_BOX,
    "corners": Reason.BAD_BOX,
    "keypoints": Reason.BAD_BOX,
}
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
    found = (_REASONS[name] for name in v.names_in(problem["loc"]) if name in _REASONS)
    return Rejected(reason=next(found, Reason.BAD_RECORD), note=v.where(problem))


def _settled(record: PredictionRecord, limits: Limits) -> PredictionRecord | Rejected:
    if not record.error and not (record.width and record.height):
        return Rejected(reason=Reason.BAD_RECORD, note="width and height must be at least 1")
    settled = _ranked(record) if record.kind is Kind.CLASSIFY else _placed(record)
    if isinstance(settled, Rejected):
        return settled
    highest = max((d.class_id for d in settled), default=-1)
    if limits.classes is not None and highest >= limits.classes:
        return Rejected(reason=Reason.BAD_CLASS, note=f"class {highest}, the model knows 0..{limits.classes - 1}")
    done = record.model_copy(update={"detections": settled, "probabilities": None, "top": None})
    moved = sum(a.box != b.box for a, b in zip(settled, record.detections, strict=False)) if record.detections else 0
    done._note = f"clipped {moved} boxes" if moved and record.kind not in (Kind.CLASSIFY, Kind.OBB) else ""
    return done


def _ranked(record: PredictionRecord) -> tuple[Detection, ...] | Rejected:
    """Classes with their probabilities, most probable first (then by class id)."""
    given = sum((record.probabilities is not None, record.top is not None, bool(record.detections)))
    if given != 1:
        fault = "classify needs exactly one of probabilities, top, detections"
        return () if record.error and not given else Rejected(reason=Reason.BAD_RECORD, note=fault)
    scored = [(d.class_id, d.confidence) for d in (*(record.top or ()), *record.detections)]
    for name, probability in (record.probabilities or {}).items():
        if not (name.isascii() and name.isdigit() and len(name) <= 6) or int(name) > v.MAX_CLASS_ID:
            return Rejected(reason=Reason.BAD_CLASS, note=f"probabilities: {name[:40]!r} is not a class id")
        scored.append((int(name), probability))
    if not scored or len({class_id for class_id, _ in scored}) != len(scored):
        return Rejected(reason=Reason.BAD_CLASS, note="no class, or a class twice")
    scored.sort(key=lambda pair: (-pair[1], pair[0]))
    return tuple(Detection(class_id=class_id, confidence=probability) for class_id, probability in scored)


def _placed(record: PredictionRecord) -> tuple[Detection, ...] | Rejected:
    """Detections whose boxes lie inside the image."""
    placed: list[Detection] = []
    for index, detection in enumerate(record.detections):
        points = (detection.polygon or ()) + (detection.corners or ())
        joints = tuple(x for i, x in enumerate(detection.keypoints or ()) if i % 3 < 2)
        box = _box_of(detection, record)
        if box is None or not near((*points, *joints), record.width, record.height):
            note = f"detections[{index}]: {detection.box or detection.corners} in {record.width}x{record.height} pixels"
            return Rejected(reason=Reason.BAD_BOX, note=note)
        placed.append(detection.model_copy(update={"box": box}))
    return tuple(placed)


def _box_of(detection: Detection, record: PredictionRecord) -> tuple[float, float, float, float] | None:
    if record.kind is not Kind.OBB:
        return clipped(detection.box, record.width, record.height) if detection.box else None
    if detection.corners is None:
        return None
    x1, y1, x2, y2 = enclosing(detection.corners)
    inside = (max(x1, 0.0), max(y1, 0.0), min(x2, float(record.width)), min(y2, float(record.height)))
    return clipped(inside, record.width, record.height)
