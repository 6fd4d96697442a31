"""What people and labelling tools write: one JSON object per labelled image.

An empty list of objects says "there is nothing"; a missing label says nothing at all. One malformed object
refuses the whole label: half of a label teaches a model that the other half is background.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationError

from tasks.domain import contract_values as v
from tasks.domain.contract import NO_LIMITS, Limits, version_fault
from tasks.domain.contract_geometry import clipped, enclosing
from tasks.domain.contract_json import non_finite, read_object
from tasks.domain.contract_reasons import Reason, Rejected
from tasks.domain.contract_wire import Row, Wire
from tasks.domain.model import Kind

MIN_BOX_SIDE = 1.0
"""Pixels: a thinner box cannot be drawn by hand; it comes from normalised coordinates or a slip."""

SLACK = 1.0
"""Pixels by which a box may start left of or above the image when its size is not stated."""


class LabelVerdict(StrEnum):
    """What a person said about the prediction that was shown."""

    CORRECT = "correct"
    WRONG_LABEL = "wrong_label"
    WRONG_BOX = "wrong_box"
    FALSE_POSITIVE = "false_positive"
    MISSED_OBJECT = "missed_object"


class Meaning(StrEnum):
    """How much of the truth a label tells."""

    FULL = "full"  # its objects are all there is
    SHOWN = "shown"  # what the model answered is all there is: a verdict `correct` without objects
    PARTIAL = "partial"  # something is wrong with the answer, and nobody said what would be right


class LabelObject(Wire):
    """One object that a person marked; for classify only the class."""

    class_id: v.ClassId = Field(description="Index into the model's class names")
    box: v.Box | None = Field(default=None, description="x1, y1, x2, y2 in pixels of the image as it is shown")
    polygon: v.Polygon | None = Field(default=None, description="x, y, x, y, … in pixels (segment)")
    corners: v.Corners | None = Field(default=None, description="Four corners x, y in pixels (obb)")
    keypoints: v.Keypoints | None = Field(default=None, description="x, y, visibility, … (pose)")


class LabelRecord(Row):
    """What a person says is in one image."""

    schema_: int = Field(alias="schema", ge=1, description="Version of this contract")
    image_id: v.ImageId | None = Field(
        default=None, description="The image_id of the prediction record; may be left out where `key` is there"
    )
    key: Annotated[str, Field(min_length=1, max_length=1024)] | None = Field(
        default=None, description="Object key of the image"
    )
    camera: v.Camera | None = Field(default=None, description="Which camera, where the tool knows it")
    session: v.ShortText | None = Field(default=None, description="Which session, where the tool knows it")
    captured_at: v.Moment | None = Field(default=None, description="When the shutter opened, where the tool knows it")
    kind: Annotated[Kind, Field(strict=False)] = Field(
        description="What the label answers; the kind of the champion, else it is refused as `bad_label`"
    )
    width: v.Side | None = Field(default=None, description="Pixels; boxes are checked against it when given")
    height: v.Side | None = Field(default=None, description="Pixels; boxes are checked against it when given")
    objects: Annotated[tuple[LabelObject, ...], BeforeValidator(v.as_tuple), Field(max_length=v.MAX_OBJECTS)] = Field(
        description="What is there; empty: nothing, which is a label, unless a verdict says otherwise"
    )
    labelled_at: v.Moment = Field(description="When; a later label of the same image supersedes an earlier one")
    annotator: v.Name = Field(description="Who")
    verdict: Annotated[LabelVerdict, Field(strict=False)] | None = Field(
        default=None, description="What the person said about the prediction"
    )
    confidence: Annotated[float, Field(ge=0, le=1)] | None = Field(
        default=None, description="Boxes from this confidence on were shown to the person; empty: as the rules say"
    )
    model_version: v.Version | None = Field(
        default=None, description="Version whose prediction was shown; empty: the one on record"
    )
    golden: bool = Field(default=False, description="Member of the golden set, which is never trained on")

    @property
    def name(self) -> str:
        """The image's id, or what its key calls it: the last part without its ending."""
        return self.image_id or PurePosixPath(self.key or "").stem

    @property
    def meaning(self) -> Meaning:
        """What it tells. Without a verdict, no object says "nothing there"; with one it is about the answer only.

        A person who clicks "false alarm" on one box has not looked for what else is there.
        """
        if self.objects or self.verdict is None:
            return Meaning.FULL
        return Meaning.SHOWN if self.verdict is LabelVerdict.CORRECT else Meaning.PARTIAL


_REASONS = {"class_id": Reason.BAD_CLASS, "labelled_at": Reason.BAD_TIME, "captured_at": Reason.BAD_TIME}


def parse_label(line: bytes | str, limits: Limits = NO_LIMITS) -> LabelRecord | Rejected:
    """The label in one JSON object, or why it is refused (the note names the object); nothing is raised."""
    row = read_object(line)
    if isinstance(row, Rejected):
        return row
    if refused := version_fault(row):
        return refused
    return _parsed(row, limits)


def _parsed(row: Mapping[str, Any], limits: Limits) -> LabelRecord | Rejected:
    if non_finite(dict(row)):
        return Rejected(reason=Reason.NON_FINITE, note="a number is NaN or infinite")
    try:
        label = LabelRecord.model_validate(dict(row))
    except ValidationError as error:
        problem: dict[str, Any] = dict(error.errors(include_url=False, include_input=False, include_context=False)[0])
        found = (_REASONS[name] for name in v.names_in(problem["loc"]) if name in _REASONS)
        return Rejected(reason=next(found, Reason.BAD_LABEL), note=v.where(problem))
    if not label.name:
        return Rejected(reason=Reason.BAD_LABEL, note="neither image_id nor key says which image it is about")
    if limits.latest is not None and label.labelled_at > limits.latest:
        return Rejected(reason=Reason.BAD_TIME, note=f"labelled_at {label.labelled_at.isoformat()} is in the future")
    return _checked(label, limits)


def _checked(label: LabelRecord, limits: Limits) -> LabelRecord | Rejected:
    if limits.kind is not None and label.kind is not limits.kind:
        note = f"kind: a label for {label.kind.value}, the model answers with {limits.kind.value}"
        return Rejected(reason=Reason.BAD_LABEL, note=note)
    unsaid = label.verdict is not None and not label.objects
    if label.kind is Kind.CLASSIFY and len(label.objects) != 1 and not unsaid:
        return Rejected(reason=Reason.BAD_LABEL, note=f"classify has one class, found {len(label.objects)}")
    kept: list[LabelObject] = []
    for index, item in enumerate(label.objects):
        if limits.classes is not None and item.class_id >= limits.classes:
            note = f"objects[{index}]: class {item.class_id}, the model knows 0..{limits.classes - 1}"
            return Rejected(reason=Reason.BAD_CLASS, note=note)
        placed = item if label.kind is Kind.CLASSIFY else _placed(item, label, index)
        if isinstance(placed, Rejected):
            return placed
        if placed not in kept:
            kept.append(placed)
    return label.model_copy(update={"objects": tuple(kept)})


def _placed(item: LabelObject, label: LabelRecord, index: int) -> LabelObject | Rejected:
    given = item.corners if label.kind is Kind.OBB else item.box
    if given is None:
        missing = "corners" if label.kind is Kind.OBB else "box"
        return Rejected(reason=Reason.BAD_LABEL, note=f"objects[{index}]: {label.kind.value} needs {missing}")
    box = enclosing(given) if label.kind is Kind.OBB else (given[0], given[1], given[2], given[3])
    x1, y1, x2, y2 = box
    if 0 <= x2 - x1 < MIN_BOX_SIDE or 0 <= y2 - y1 < MIN_BOX_SIDE:
        return Rejected(reason=Reason.DEGENERATE_BOX, note=f"objects[{index}]: {box} is thinner than {MIN_BOX_SIDE} px")
    inside = _inside(box, label)
    if inside is None:
        return Rejected(reason=Reason.BAD_LABEL, note=f"objects[{index}].box: {box} is inside out or outside the image")
    return item.model_copy(update={"box": inside})


def _inside(box: tuple[float, float, float, float], label: LabelRecord) -> tuple[float, float, float, float] | None:
    if label.width and label.height and label.kind is not Kind.OBB:
        return clipped(box, label.width, label.height)
    slack = v.MAX_SIDE if label.kind is Kind.OBB else SLACK
    x1, y1, x2, y2 = box
    if min(x1, y1) < -slack or max(x2, y2) > v.MAX_SIDE:
        return None
    return clipped((max(x1, 0.0), max(y1, 0.0), x2, y2), v.MAX_SIDE, v.MAX_SIDE)
