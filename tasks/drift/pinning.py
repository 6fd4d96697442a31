"""What a reference is made of: sound cameras, evenly over time, answered by the champion itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.domain.few import evenly
from tasks.domain.prediction import Prediction
from tasks.domain.tables import REFERENCES
from tasks.domain.verdict import CauseKind

ANSWER = ("model_version", "kind", "width", "height", "detections")


def blamed(verdict: Mapping[str, Any] | None) -> frozenset[str]:
    """Cameras that a window's verdict (as JSON) found at fault: their images are no measure of health."""
    causes = (verdict or {}).get("causes", [])
    return frozenset(camera for cause in causes if cause["kind"] == CauseKind.CAMERA for camera in cause["cameras"])


def without(rows: pa.Table, cameras: frozenset[str]) -> pa.Table:
    """The rows of other cameras."""
    return rows.filter(pc.invert(pc.is_in(rows["camera"], value_set=pa.array(sorted(cameras), pa.string()))))


def untrained(rows: pa.Table, trained: frozenset[str]) -> pa.Table:
    """The rows that the champion has not learnt from: what a model was fitted to looks more familiar than new images.

    `trained` holds content hashes. Source of the rule: Rabanser et al., "Failing Loudly" (2019): the detector's
    reference must be disjoint from what fitted its features.
    """
    return rows.filter(pc.invert(pc.is_in(rows["sha256"], value_set=pa.array(sorted(trained), pa.string()))))


def thinned(table: pa.Table, per_camera: int) -> pa.Table:
    """At most so many rows per camera, evenly over time; the table comes in order of time and stays so."""
    cameras = np.asarray(table["camera"].to_pylist(), dtype=object)
    chosen: list[int] = []
    for camera in sorted(set(cameras.tolist())):
        places = np.flatnonzero(cameras == camera)
        chosen += evenly(places, per_camera).tolist()
    return table.take(pa.array(sorted(chosen), pa.int64()))


def foreign(table: pa.Table, version: str) -> list[int]:
    """Rows that the version did not answer itself."""
    return [row for row, found in enumerate(table["model_version"].to_pylist()) if found != version]


def answered(
    table: pa.Table,
    rows: Sequence[int],
    predictions: Sequence[Prediction],
    sizes: Sequence[tuple[int, int]],
    version: str,
) -> pa.Table:
    """The table with new answers in the given rows; `sizes` are (width, height) in pixels."""
    content = table.to_pylist()
    for row, prediction, (width, height) in zip(rows, predictions, sizes, strict=True):
        kind = "detect" if prediction.probabilities is None else "classify"
        answer = (version, kind, width, height, detections(prediction))
        content[row] |= dict(zip(ANSWER, answer, strict=True))
    return pa.Table.from_pylist(content, schema=REFERENCES)


def detections(prediction: Prediction) -> list[dict[str, Any]]:
    """An answer as the data contract writes it: boxes as they are, classes most probable first."""
    if prediction.probabilities is not None:
        order = np.argsort(-prediction.probabilities, kind="stable").tolist()
        return [{"class_id": place, "confidence": float(prediction.probabilities[place])} for place in order]
    found = zip(prediction.classes.tolist(), prediction.confidences.tolist(), prediction.boxes.tolist(), strict=True)
    return [{"class_id": label, "confidence": confidence, "box": box} for label, confidence, box in found]
