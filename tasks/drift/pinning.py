"""What a reference is made of: sound cameras, evenly over time, answered by the champion itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tasks.domain.few import evenly
from tasks.domain.prediction import Prediction
from tasks.domain.tables import REFERENCES
from tasks.domain.verdict import CauseKind

ANSWER = ("model_version", "kind", "width", "height", "detections")


def blamed(verdict: Mapping[str, Any] | None) -> frozenset[str]:
    """Cameras that a window's verdict (as JSON) found at fault: their images are no measure of health."""
    causes = (verdict or {}).get("causes", [])
    return frozenset(camera for cause in causes if cause["kind"] == CauseKind.CAMERA for camera in cause["cameras"])


def sound(rows: pa.Table, cameras: frozenset[str], trained: frozenset[str]) -> NDArray[np.intp]:
    """Places of the rows that may be a measure of health, in order of time: not of these cameras, not learnt from.

    `trained` holds content hashes: what a model was fitted to looks more familiar than new images. Source of the rule:
    Rabanser et al., "Failing Loudly" (2019): the detector's reference must be disjoint from what fitted its features.
    """
    order = pc.sort_indices(rows, [("captured_at", "ascending"), ("image_id", "ascending")])
    bad = (("camera", cameras), ("sha256", trained))
    out = [pc.is_in(rows[name], value_set=pa.array(sorted(names), pa.string())) for name, names in bad]
    kept = pc.invert(pc.or_(*out)).to_numpy()
    found: NDArray[np.intp] = np.asarray(order.to_numpy(), np.intp)
    return found[np.asarray(kept, np.bool_)[found]]


def cameras_at(rows: pa.Table, places: NDArray[np.intp]) -> NDArray[np.object_]:
    """The camera of each of these rows, eight bytes a row however long the names are."""
    encoded = rows["camera"].combine_chunks().dictionary_encode()
    names: NDArray[np.object_] = np.asarray(encoded.dictionary.to_pylist(), object)
    return names.take(np.asarray(encoded.indices.to_numpy(), np.intp)[places])


def spread(windows: Sequence[NDArray[np.object_]], per_camera: int) -> list[NDArray[np.intp]]:
    """Which rows to keep of each window: at most so many per camera in all of them, evenly over their rows.

    A window is given by the cameras of its rows; windows and rows come in order of time.

    >>> windows = [np.array(list(cameras), object) for cameras in ("aba", "aab")]
    >>> [places.tolist() for places in spread(windows, 2)]
    [[0, 1], [0, 2]]
    """
    cameras = np.concatenate([np.zeros(0, object), *windows])
    keep = np.zeros(len(cameras), bool)
    for camera in sorted(set(cameras.tolist())):
        keep[evenly(np.flatnonzero(cameras == camera), per_camera)] = True
    ends = np.cumsum([len(each) for each in windows])
    return [np.flatnonzero(part) for part in np.split(keep, ends[:-1])] if len(ends) else []


def thinned(table: pa.Table, per_camera: int) -> pa.Table:
    """At most so many rows per camera, evenly over time; the table comes in order of time and stays so."""
    [places] = spread([cameras_at(table, np.arange(table.num_rows))], per_camera)
    return table.take(pa.array(places, pa.int64()))


def beside(profiled: pa.Table, table: pa.Table) -> pa.Table:
    """The profiles with what the same rows of a reference say beside them; what an older one lacks is null."""
    for name in (*ANSWER, "session"):
        field = REFERENCES.field(name)
        known = name in table.column_names
        profiled = profiled.append_column(field, table[name] if known else pa.nulls(len(table), field.type))
    return profiled


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
