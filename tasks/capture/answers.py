"""What a model answered, as plain arrays: read from an ultralytics result without importing ultralytics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.domain.contract_geometry import MIN_AREA, area
from tasks.domain.model import Kind

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One image's answer. Arrays are copies: the caller may reuse its buffers.

    `boxes` `(n, 4)` x1, y1, x2, y2 in pixels, `confidences` `(n,)` 0..1, `class_ids` `(n,)`; for classify
    `probabilities` `(classes,)` and no boxes. `shapes` holds each object's polygon, corners or keypoints, flat,
    under the name `shape` says. `speed` is milliseconds per step.
    """

    kind: Kind
    width: int
    height: int
    boxes: Floats = field(default_factory=lambda: np.zeros((0, 4)))
    confidences: Floats = field(default_factory=lambda: np.zeros(0))
    class_ids: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    probabilities: Floats | None = None
    shape: str = ""
    shapes: tuple[Floats, ...] = ()
    speed: Mapping[str, float | None] = field(default_factory=dict)

    def scored(self) -> list[tuple[int, float]]:
        """Class id and confidence of every object; for classify of the most probable class."""
        if self.probabilities is not None and self.probabilities.size:
            best = int(np.argmax(self.probabilities))
            return [(best, float(self.probabilities[best]))]
        return [(int(c), float(p)) for c, p in zip(self.class_ids, self.confidences, strict=True)]

    def finite(self) -> bool:
        """Whether all numbers are finite."""
        arrays = [self.boxes, self.confidences, *self.shapes]
        arrays += [self.probabilities] if self.probabilities is not None else []
        return all(bool(np.isfinite(array).all()) for array in arrays)

    def fields(self) -> dict[str, Any]:
        """The record's fields `kind`, `width`, `height`, `detections` or `probabilities`, `latency_ms`."""
        common = {"kind": self.kind.value, "width": self.width, "height": self.height}
        steps = {name: float(ms) for name, ms in self.speed.items() if ms is not None and np.isfinite(ms)}
        latency = {"latency_ms": steps} if steps else {}
        if not self.finite():
            return {**common, **latency, "detections": [], "error": "the model answered with NaN or infinite numbers"}
        if self.probabilities is not None:
            chances = {str(index): round(float(p), 6) for index, p in enumerate(np.clip(self.probabilities, 0, 1))}
            return {**common, **latency, "probabilities": chances}
        return {**common, **latency, "detections": [self._detection(index) for index in range(len(self.boxes))]}

    def _detection(self, index: int) -> dict[str, Any]:
        found: dict[str, Any] = {
            "class_id": int(self.class_ids[index]),
            "confidence": round(float(np.clip(self.confidences[index], 0, 1)), 6),
            "box": [round(float(x), 2) for x in self.boxes[index]],
        }
        if self.shape and self.shapes[index].size:
            found[self.shape] = [round(float(x), 2) for x in self.shapes[index]]
        return found


def from_result(result: Any) -> Answer:
    """The answer in one ultralytics `Results`, whichever kind it is.

    Raises:
        AttributeError, TypeError, ValueError: the object is not shaped like a `Results`.
    """
    height, width = (int(side) for side in getattr(result, "orig_shape", None) or result.orig_img.shape[:2])
    size: dict[str, Any] = {"width": width, "height": height, "speed": dict(getattr(result, "speed", None) or {})}
    if getattr(result, "probs", None) is not None:
        return Answer(kind=Kind.CLASSIFY, probabilities=numbers(result.probs.data).reshape(-1), **size)
    if getattr(result, "obb", None) is not None:
        corners = numbers(result.obb.xyxyxyxy).reshape(-1, 8)
        return Answer(kind=Kind.OBB, shape="corners", shapes=tuple(corners), **_found(result.obb), **size)
    found = _found(result.boxes)
    if getattr(result, "masks", None) is not None:
        polygons = tuple(numbers(polygon).reshape(-1) for polygon in result.masks.xy)
        return Answer(kind=Kind.SEGMENT, shape="polygon", shapes=tuple(map(_polygon, polygons)), **found, **size)
    if getattr(result, "keypoints", None) is not None:
        joints = numbers(result.keypoints.data)
        return Answer(kind=Kind.POSE, shape="keypoints", shapes=tuple(map(_triples, joints)), **found, **size)
    return Answer(kind=Kind.DETECT, **found, **size)


def numbers(values: Any) -> Floats:
    """A float64 copy of a tensor on any device, an array or a list."""
    for step in ("detach", "cpu", "numpy"):
        values = getattr(values, step)() if hasattr(values, step) else values
    return np.array(values, dtype=np.float64)


def _found(boxes: Any) -> dict[str, Any]:
    return {
        "boxes": numbers(boxes.xyxy).reshape(-1, 4),
        "confidences": numbers(boxes.conf).reshape(-1),
        "class_ids": numbers(boxes.cls).reshape(-1).astype(np.int64),
    }


def _polygon(points: Floats) -> Floats:
    """The outline of a mask; none of a mask so small or thin that its outline has no inside: the box tells it all."""
    return points if points.size >= 6 and area(points.round(2).tolist()) >= MIN_AREA else np.zeros(0)


def _triples(joints: Floats) -> Floats:
    """x, y, confidence per joint; models without visibility give it as 1."""
    if joints.shape[-1] == 2:
        joints = np.concatenate([joints, np.ones((len(joints), 1))], axis=1)
    return joints.reshape(-1)


def from_arrays(
    kind: Kind,
    size: tuple[int, int],
    boxes: Sequence[Sequence[float]] | Floats = (),
    confidences: Sequence[float] | Floats = (),
    class_ids: Sequence[int] | NDArray[np.int64] = (),
    probabilities: Sequence[float] | Floats | None = None,
) -> Answer:
    """An answer from plain arrays; `size` is (width, height) of the image in pixels.

    Raises:
        ValueError: the arrays do not have the same length.
    """
    answer = Answer(
        kind=Kind(kind),
        width=size[0],
        height=size[1],
        boxes=numbers(boxes).reshape(-1, 4),
        confidences=numbers(confidences).reshape(-1),
        class_ids=numbers(class_ids).reshape(-1).astype(np.int64),
        probabilities=None if probabilities is None else numbers(probabilities).reshape(-1),
    )
    if not len(answer.boxes) == len(answer.confidences) == len(answer.class_ids):
        raise ValueError("boxes, confidences and class_ids must have the same length")
    return answer
