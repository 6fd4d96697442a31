"""Under which conditions a version was scored: what may move a score without the model having changed.

Two scores compare only under one protocol. Every field is kept beside the score in readable form, so that a refusal
can name the fields that differ and both values. Fields that were measured to move nothing are told, not refused.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from tasks.domain.errors import ContractError
from tasks.domain.model import Kind

if TYPE_CHECKING:
    from tasks.domain.evaluation import Evaluation

Value = str | int | float | bool
Conditions = Mapping[str, Value]
"""A protocol as plain named values, each package under its own name; `labels` is the digest of the labelled set."""

AUTO = "auto"
"""A batch as large as the memory holds."""

DECODING = "opencv, exif, letterbox"
"""How a file becomes the model's input: decoded by OpenCV, turned as EXIF says, letterboxed to a square."""

HARMLESS: Mapping[str, str] = {
    "batch": "images are letterboxed one by one, so a batch changes only the order in which sums are rounded",
    "python": "it only calls what computes",
}
"""Fields that move no score (`benchmarks/evaluate_speed.py` measures it), with the reason."""

IOU, GAUSSIAN = "iou", "probiou"
"""How answers are held against labels: by what they share, or (oriented boxes) as Gaussians, as ultralytics does."""

_ALWAYS = {"format": "pt", "decoding": DECODING, "overlap": IOU}
"""Fields that came later, at the value that they always had: left out of the digest, so that older ones still hold."""


class Format(StrEnum):
    """What kind of file answers: the trained weights, or what was exported from them to be deployed."""

    PT = "pt"
    ONNX = "onnx"
    ENGINE = "engine"  # TensorRT; made and run on a CUDA device only


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """Everything besides model and labels that an answer or its score depends on.

    `imgsz` is the side in pixels that images are letterboxed to, `conf` the lowest confidence that is kept, `iou` the
    overlap above which the weaker of two boxes is dropped, `half` 16-bit arithmetic, `device` `cpu` or `cuda`,
    `versions` `package==version` of what computes, `format` what kind of file answers, `batch` a number or `auto`,
    `overlap` how answers are held against labels.
    """

    imgsz: int
    conf: float
    iou: float
    batch: int | str
    rect: bool
    half: bool
    device: str
    versions: tuple[str, ...]
    format: str = Format.PT.value
    decoding: str = DECODING
    overlap: str = IOU

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of all fields; the labels' own digest stands beside it in `Evaluation.digest`."""
        return _hash({name: value for name, value in asdict(self).items() if _ALWAYS.get(name) != value})

    @property
    def recipe(self) -> str:
        """SHA-256 (hex) of what an answer depends on: equal recipes give equal answers, so one may stand for all."""
        scored = {*HARMLESS, "overlap"}  # moves no answer
        return _hash({name: value for name, value in self.conditions("").items() if name not in scored})

    def conditions(self, labels: str) -> dict[str, Value]:
        """Every field under its name, each package under its own, and the digest of the labelled set."""
        fields = {name: value for name, value in asdict(self).items() if name != "versions"}
        if self.overlap == IOU:
            del fields["overlap"]  # evaluations from before there was another one have none
        packages = dict(each.split("==", 1) for each in self.versions)
        return {**fields, **packages, "labels": labels}


def protocol_of(conditions: Conditions) -> Protocol:
    """The protocol that an evaluation was made under, from what it kept.

    Raises:
        ContractError: the evaluation is older than its conditions were kept.
    """
    names = _FIELDS - {"labels"}
    if not names - {"overlap"} <= conditions.keys():
        raise ContractError("the evaluation does not say its conditions: evaluate again with `evergreen evaluate`")
    packages = (f"{name}=={value}" for name, value in conditions.items() if name not in _FIELDS)
    known: dict[str, Any] = {name: conditions[name] for name in names if name in conditions}
    return Protocol(**known, versions=tuple(packages))


_FIELDS = {*(field.name for field in fields(Protocol)), "labels"} - {"versions"}
"""Names of conditions that are no package."""


def scored_as(used: Protocol, kind: Kind) -> Protocol:
    """The protocol for models of a kind: their scores rest on that kind's overlap."""
    return replace(used, overlap=GAUSSIAN if kind is Kind.OBB else IOU)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One field in which two protocols differ."""

    name: str
    first: Value | None
    second: Value | None

    def __str__(self) -> str:
        return f"{self.name} {_shown(self.first)} against {_shown(self.second)}"


def lock(conditions: Conditions) -> str:
    """SHA-256 (hex) over every condition and the labels; empty when the conditions were not kept."""
    return _hash(conditions) if conditions else ""


def differences(first: Conditions, second: Conditions) -> tuple[Difference, ...]:
    """The fields that differ, in the order of the first.

    >>> [str(each) for each in differences({"imgsz": 640, "half": False}, {"imgsz": 320, "half": False})]
    ['imgsz 640 against 320']
    """
    names = dict.fromkeys((*first, *second))
    return tuple(
        Difference(name=name, first=first.get(name), second=second.get(name))
        for name in names
        if first.get(name) != second.get(name)
    )


def refusal(first: Evaluation, second: Evaluation, same_labels: bool = False) -> str:
    """Why these two scores do not compare, naming every field and both values; empty when they do.

    `same_labels`: the two must also be about one labelled set, as a comparison image by image needs.
    """
    if first.metric != second.metric:
        return f"{first.metric} does not compare with {second.metric}: evaluate both again with `evergreen evaluate`"
    if not (first.conditions and second.conditions):
        if first.protocol == second.protocol and (first.digest == second.digest or not same_labels):
            return ""
        return (
            "evaluated under another protocol, one of them before its fields were kept: "
            "evaluate both again with `evergreen evaluate`"
        )
    harmless = {*HARMLESS, *(() if same_labels else ("labels",))}
    found = [each for each in differences(first.conditions, second.conditions) if each.name not in harmless]
    if not found:
        return ""
    why = " (packages were upgraded)" if all(each.name not in _FIELDS for each in found) else ""
    return f"another protocol, {', '.join(map(str, found))}{why}: evaluate both again with `evergreen evaluate`"


def aside(first: Evaluation, second: Evaluation) -> str:
    """Differences that move no score, in words; empty without one."""
    found = [each for each in differences(first.conditions, second.conditions) if each.name in HARMLESS]
    told = first.conditions and second.conditions and found
    return f"{', '.join(map(str, found))} (moves no score)" if told else ""


def _shown(value: Value | None) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value[:12] if isinstance(value, str) and len(value) == 64 else str(value)


def _hash(fields: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()
