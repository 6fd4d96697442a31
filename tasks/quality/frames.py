"""The tables that quality rules are written about: flat, one value a cell, derived from catalog and predictions."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.domain.window import Window

OBJECTS = "objects"  # one row per listed object
IMAGES = "images"  # one row per answered image
DETECTIONS = "detections"  # one row per detection

Frames = Mapping[str, pa.Table]

_PLAIN = ("image_id", "camera", "kind", "model_version", "width", "height", "sampling_probability")
_TIMES = ("preprocess_ms", "inference_ms", "postprocess_ms")


def frames(catalog: pa.Table, predictions: pa.Table, window: Window) -> Frames:
    """The three tables of a window; tables without rows keep their columns.

    `silence_hours` is how long before the window's end an image was captured, `quarantined`, `unanswered` and
    `failed` are 0 or 1, `overhang` is how many pixels a box reaches over the edge, nan without a box.
    """
    return {
        OBJECTS: _objects(catalog, predictions),
        IMAGES: _images(predictions, window),
        DETECTIONS: _detections(predictions),
    }


def _objects(catalog: pa.Table, predictions: pa.Table) -> pa.Table:
    accepted = pc.equal(catalog["verdict"], "accepted")
    answered = pc.is_in(catalog["image_id"], value_set=predictions["image_id"].combine_chunks())
    unanswered = pc.if_else(accepted, pc.cast(pc.invert(answered), pa.float64()), None)
    return pa.table(
        {
            "key": catalog["key"],
            "verdict": catalog["verdict"],
            "reason": catalog["reason"],
            "quarantined": pc.cast(pc.invert(accepted), pa.float64()),
            "unanswered": unanswered,
        }
    )


def _images(predictions: pa.Table, window: Window) -> pa.Table:
    end = window.end.timestamp() * 1e6
    captured = predictions["captured_at"].cast(pa.int64()).cast(pa.float64())
    columns = {name: predictions[name] for name in _PLAIN}
    columns |= {name: predictions[name].cast(pa.float64()) for name in _TIMES}
    columns["silence_hours"] = pc.divide(pc.subtract(end, captured), 3_600e6)
    columns["failed"] = predictions["error"].is_valid().cast(pa.float64())
    return pa.table(columns)


def _detections(predictions: pa.Table) -> pa.Table:
    column = predictions["detections"].combine_chunks()
    row = np.asarray(pc.list_parent_indices(column), dtype=np.int64)
    flat = pc.list_flatten(column)
    boxes = pc.struct_field(flat, "box")
    present = np.asarray(pc.is_valid(boxes), dtype=bool)
    corners = np.full((len(boxes), 4), np.nan)
    corners[present] = _numbers(boxes.drop_null().flatten()).reshape(-1, 4)
    width, height = (_numbers(predictions[name].combine_chunks())[row] for name in ("width", "height"))
    edges = np.stack([-corners[:, 0], -corners[:, 1], corners[:, 2] - width, corners[:, 3] - height], axis=1)
    return pa.table(
        {
            "image_id": predictions["image_id"].combine_chunks().take(pa.array(row)),
            "class_id": pc.struct_field(flat, "class_id"),
            "confidence": pc.struct_field(flat, "confidence").cast(pa.float64()),
            "boxed": pa.array(present.astype(np.float64)),
            "box_width": pa.array(corners[:, 2] - corners[:, 0]),
            "box_height": pa.array(corners[:, 3] - corners[:, 1]),
            "overhang": pa.array(edges.max(axis=1) if len(edges) else np.empty(0)),
        }
    )


def _numbers(column: pa.Array) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    values: np.ndarray[tuple[int, ...], np.dtype[np.float64]] = np.asarray(
        pc.fill_null(column.cast(pa.float64()), float("nan")).to_numpy(zero_copy_only=False)
    )
    return values
