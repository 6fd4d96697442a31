"""The tables that quality rules are written about: flat, one value a cell, derived from catalog and predictions."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tasks.domain.contract_reasons import BESIDE, Reason
from tasks.domain.expectation import STANDS_FOR
from tasks.domain.tables_catalog import CHANCE, drawn_chances
from tasks.domain.window import Window
from tasks.quality.boxes import corners_of, numbers, overhang, twins

OBJECTS = "objects"  # one row per listed object
IMAGES = "images"  # one row per record: an answered image, or a request that failed
DETECTIONS = "detections"  # one row per detection

Frames = Mapping[str, pa.Table]

_PLAIN = ("image_id", "camera", "kind", "model_version", "width", "height", CHANCE)
_OPTIONAL = ("site", "session", "runtime", "sha256")
_TIMES = ("preprocess_ms", "inference_ms", "postprocess_ms")
_OF_ANSWERS = ("width", "height", "size", "objects", *_TIMES)
"""What only an answer has: a request that failed has no picture, its record says 0 x 0, and counts as failed alone."""


def frames(
    catalog: pa.Table, predictions: pa.Table, window: Window, known: tuple[pa.Array, pa.Array] | None = None
) -> Frames:
    """The three tables of a window; tables without rows keep their columns.

    `answer` is 1 for what the model answered; of classify that is the most probable class, the others count 0.
    `silence_hours` is how long before the window's end an image was captured. `quarantined`, `unanswered`, `failed`,
    `size_differs` (the record tells another size than the bytes have), `camera_differs` (the record names another
    camera than the folder), `crossed` (the same bytes came from two cameras) and `twin` (the same class in the same
    place again) are 0 or 1. `overhang` is how many pixels a box reaches over the edge, nan without a box.
    `quarantined` is null of what tools leave beside data; of a request that failed, sizes, times and objects are.
    `id` is the image id of an accepted object: labels and answers are joined by it, so it may be there once.
    `stands_for` is how many a row stands for where images were drawn, else 1: shares are asked of those.
    `known` are the ids that were answered and the hashes that came from two cameras, where these tables are a piece
    of a window; else they tell it themselves.
    """
    return {
        OBJECTS: _objects(catalog, *(known or (predictions["image_id"].combine_chunks(), _crossed(catalog)))),
        IMAGES: _images(predictions, window),
        DETECTIONS: _detections(predictions),
    }


def _objects(catalog: pa.Table, asked: pa.Array, crossed: pa.Array) -> pa.Table:
    accepted = pc.equal(catalog["verdict"], "accepted")
    answered = pc.is_in(catalog["image_id"], value_set=asked)
    counted = {
        "unanswered": pc.invert(answered),
        "size_differs": pc.match_substring_regex(catalog["note"], r"(^| )size_differs \d"),
        "camera_differs": pc.match_substring_regex(catalog["note"], r"(^| )camera_differs [^ ]"),
        "crossed": pc.is_in(catalog["sha256"], value_set=crossed),
    }
    counted["unanswered"] = _where_not(refused_claim(catalog), counted["unanswered"])
    accepted_only = {name: pc.if_else(accepted, pc.cast(flag, pa.float64()), None) for name, flag in counted.items()}
    shown = catalog["format"] if "format" in catalog.column_names else pa.nulls(catalog.num_rows, pa.string())
    return pa.table(
        {
            "key": catalog["key"],
            "id": pc.if_else(accepted, catalog["image_id"], None),
            "camera": catalog["camera"],
            STANDS_FOR: _stands_for(catalog),
            "verdict": catalog["verdict"],
            "reason": catalog["reason"],
            "quarantined": _where_not(
                pc.or_(_beside(catalog), pc.fill_null(refused_beside(catalog), False)),
                pc.cast(pc.invert(accepted), pa.float64()),
            ),
            "format": shown,
            "bytes": pc.if_else(accepted, pc.cast(catalog["size"], pa.float64()), None),
            "rotated": pc.if_else(accepted, _noted(catalog, "exif_rotated"), None),
            **accepted_only,
        }
    )


def _beside(catalog: pa.Table) -> pa.ChunkedArray:
    """Which rows are what a tool left beside the data: neither good nor bad."""
    return pc.is_in(catalog["reason"], value_set=pa.array([reason.value for reason in sorted(BESIDE)]))


def refused_beside(catalog: pa.Table) -> pa.ChunkedArray:
    """Which rows are records that were refused for their time, of a camera that they name."""
    return pc.and_(pc.equal(catalog["reason"], Reason.BAD_TIME.value), pc.is_valid(catalog["camera"]))


def refused_claim(catalog: pa.Table) -> pa.ChunkedArray:
    """Which rows are accepted images whose record was refused for its time; none in tables that do not tell claims."""
    if "claimed" not in catalog.schema.names:
        return pc.and_(pc.is_null(catalog["key"]), False)
    unanswered = pc.match_substring_regex(catalog["note"], "(^| )no_prediction( |$)")
    return pc.and_(pc.and_(pc.equal(catalog["verdict"], "accepted"), unanswered), pc.is_valid(catalog["claimed"]))


def _where_not(left_out: pa.ChunkedArray, values: pa.ChunkedArray) -> pa.ChunkedArray:
    """The values, null in the rows that `untimely` tells camera by camera."""
    return pc.if_else(pc.fill_null(left_out, False), None, values)


def _stands_for(table: pa.Table) -> pa.Array:
    """1 / chance of having been drawn; 1 where nobody drew. Capture has no say: all predictions are recorded."""
    return pa.array(1 / drawn_chances(table))


def _noted(catalog: pa.Table, word: str) -> pa.ChunkedArray:
    """1 where the note says that the bytes are unusual in that way: such words come before all others."""
    return pc.cast(pc.match_substring_regex(catalog["note"], rf"^(\w+ )*{word}( |$)"), pa.float64())


def telling(catalog: pa.Table) -> pa.ChunkedArray:
    """Which images have a hash that says where they come from."""
    return pc.and_(pc.is_valid(catalog["sha256"]), pc.equal(_noted(catalog, "low_information"), 0.0))


def _crossed(catalog: pa.Table) -> pa.Array:
    """Hashes of images that came from more than one camera; frames of one colour are alike wherever they come from."""
    cameras = catalog.filter(telling(catalog)).group_by("sha256").aggregate([("camera", "count_distinct")])
    return cameras.filter(pc.greater(cameras["camera_count_distinct"], 1))["sha256"].combine_chunks()


def _images(predictions: pa.Table, window: Window) -> pa.Table:
    end = window.end.timestamp() * 1e6
    captured = predictions["captured_at"].cast(pa.int64()).cast(pa.float64())
    columns = {name: predictions[name] for name in (*_PLAIN, *_OPTIONAL)}
    columns["key"] = pc.if_else(pc.equal(predictions["key"], ""), None, predictions["key"])
    columns |= {name: predictions[name].cast(pa.float64()) for name in _TIMES}
    columns["silence_hours"] = pc.divide(pc.subtract(end, captured), 3_600e6)
    sides = [predictions[name].cast(pa.string()) for name in ("width", "height")]
    columns["size"] = pc.binary_join_element_wise(*sides, "x")
    columns["objects"] = pc.list_value_length(predictions["detections"]).cast(pa.float64())
    failed = predictions["error"].is_valid()
    columns |= {name: pc.if_else(failed, None, columns[name]) for name in _OF_ANSWERS}
    columns["failed"] = failed.cast(pa.float64())
    columns[STANDS_FOR] = _stands_for(predictions)
    return pa.table(columns)


def _detections(predictions: pa.Table) -> pa.Table:
    column = predictions["detections"].combine_chunks()
    row = np.asarray(pc.list_parent_indices(column), dtype=np.int64)
    flat = pc.list_flatten(column)
    classes = pc.struct_field(flat, "class_id")
    corners = corners_of(pc.struct_field(flat, "box"))
    width, height = (numbers(predictions[name].combine_chunks())[row] for name in ("width", "height"))
    return pa.table(
        {
            "image_id": predictions["image_id"].combine_chunks().take(pa.array(row)),
            "camera": predictions["camera"].combine_chunks().take(pa.array(row)),
            STANDS_FOR: _stands_for(predictions).take(pa.array(row)),
            "class_id": classes,
            "confidence": pc.struct_field(flat, "confidence").cast(pa.float64()),
            "answer": pa.array(_answers(row, predictions["kind"])),
            "boxed": pa.array((~np.isnan(corners[:, 0])).astype(np.float64)),
            "box_width": pa.array(corners[:, 2] - corners[:, 0]),
            "box_height": pa.array(corners[:, 3] - corners[:, 1]),
            "overhang": pa.array(overhang(corners, width, height)),
            "twin": pa.array(twins(row, numbers(classes), corners)),
        }
    )


def _answers(row: NDArray[np.int64], kind: pa.ChunkedArray) -> NDArray[np.float64]:
    first = np.r_[True, row[1:] != row[:-1]] if len(row) else np.empty(0, dtype=bool)
    classify = np.asarray(pc.equal(kind, "classify").to_numpy(), dtype=bool)[row]
    return np.where(classify & ~first, 0.0, 1.0)
