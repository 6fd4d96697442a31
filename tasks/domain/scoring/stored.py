"""Scores as a table and back: what was matched once is never matched again."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.domain.model import Kind, ModelRef
from tasks.domain.scoring.classification import ClassificationScores
from tasks.domain.scoring.detection import DetectionScores, assemble
from tasks.domain.scoring.found import Found
from tasks.domain.scoring.images import Images
from tasks.domain.scoring.matching import SIZE_LIMITS, SIZES
from tasks.domain.tables_scores import SCORED_BOX, SCORED_OBJECT, SCORES

Scored = DetectionScores | ClassificationScores


def to_table(scored: Scored) -> pa.Table:
    """A `scores` table, one row per image in order."""
    images, n = scored.images, len(scored.images)
    columns: dict[str, Any] = {
        "image_id": images.image_ids,
        "session": images.sessions,
        "camera": images.cameras,
        "captured_at": images.captured_at,
        "chance": pa.array(images.chances, from_pandas=True),
    }
    columns |= _boxes(scored, n) if isinstance(scored, DetectionScores) else _classes(scored, n)
    missing = {name: pa.nulls(n, SCORES.field(name).type) for name in SCORES.names if name not in columns}
    arrays = [pa.array(values, SCORES.field(name).type) for name, values in (columns | missing).items()]
    return pa.Table.from_arrays(arrays, names=[*columns, *missing]).select(SCORES.names).cast(SCORES)


def scores_digest(scored: Scored) -> str:
    """SHA-256 (hex) of the stored numbers: equal scores have equal digests."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, SCORES) as writer:
        writer.write_table(to_table(scored))
    return hashlib.sha256(sink.getvalue()).hexdigest()


def from_table(table: pa.Table, ref: ModelRef) -> Scored:
    """The scores that `to_table` wrote, for the version that they are of."""
    chunk = table.combine_chunks()
    images = Images(
        image_ids=tuple(chunk["image_id"].to_pylist()),
        sessions=tuple(chunk["session"].to_pylist()),
        cameras=tuple(chunk["camera"].to_pylist()),
        captured_at=tuple(chunk["captured_at"].to_pylist()),
        chances=_numbers(chunk["chance"], np.float64),
    )
    if ref.kind is Kind.CLASSIFY:
        whole = {name: _numbers(chunk[name], np.int64) for name in ("truth", "guess", "rank")}
        real = {name: _numbers(chunk[name], np.float64) for name in ("sure", "brier")}
        return ClassificationScores(classes=ref.classes, images=images, **whole, **real)
    first = table.slice(0, 1).to_pylist()
    known = first[0] if first else {"confidence": 0.0, "small_side": SIZE_LIMITS[0], "medium_side": SIZE_LIMITS[1]}
    return assemble(
        ref.classes,
        images,
        _found(chunk),
        chunk["broken"].to_numpy().astype(bool),
        confidence=known["confidence"],
        kind=ref.kind,
        size_limits=(known["small_side"], known["medium_side"]),
    )


def _boxes(scored: DetectionScores, n: int) -> dict[str, Any]:
    found = scored.found
    sized = {name: found.size_hits[:, s] for s, name in enumerate(SIZES)}
    sized |= {f"not_{name}": found.size_ignored[:, s] for s, name in enumerate(SIZES)}
    boxes: dict[str, NDArray[Any]] = {"class_id": found.label, "confidence": found.confidence, "hits": found.hits}
    boxes |= {"not_any": found.ignored, "object": found.object}
    objects = {"class_id": found.label_class, "area": found.label_area, "unseen": found.unseen}
    return {
        "broken": scored.broken,
        "objects": _lists(SCORED_OBJECT, objects, found.label_image, n),
        "boxes": _lists(SCORED_BOX, boxes | sized | {"error": found.error}, found.image, n),
        "confidence": np.full(n, scored.confidence),
        "small_side": np.full(n, scored.size_limits[0]),
        "medium_side": np.full(n, scored.size_limits[1]),
    }


def _classes(scored: ClassificationScores, n: int) -> dict[str, Any]:
    empty: NDArray[Any] = np.zeros(0, np.int64)
    return {
        "broken": scored.guess < 0,
        "objects": _lists(SCORED_OBJECT, dict.fromkeys(SCORED_OBJECT.names, empty), empty, n),
        "boxes": _lists(SCORED_BOX, dict.fromkeys(SCORED_BOX.names, empty), empty, n),
        "truth": scored.truth,
        "guess": scored.guess,
        "rank": scored.rank,
        "sure": pa.array(scored.sure, from_pandas=True),
        "brier": pa.array(scored.brier, from_pandas=True),
    }


def _lists(kind: pa.StructType, columns: dict[str, NDArray[Any]], image: NDArray[np.int64], n: int) -> pa.Array:
    """One list of structs per image, from columns whose rows lie image by image."""
    fields = [pa.array(columns[field.name]).cast(field.type) for field in kind]
    offsets = pa.array(np.searchsorted(image, np.arange(n + 1)).astype(np.int32))
    return pa.ListArray.from_arrays(offsets, pa.StructArray.from_arrays(fields, fields=list(kind)))


def _found(chunk: pa.Table) -> Found:
    image, box = _flat(chunk["boxes"], SCORED_BOX)
    owner, thing = _flat(chunk["objects"], SCORED_OBJECT)
    return Found(
        image=image,
        label=box["class_id"].astype(np.int64),
        confidence=box["confidence"],
        hits=box["hits"],
        ignored=box["not_any"],
        size_hits=np.stack([box[name] for name in SIZES], 1),
        size_ignored=np.stack([box[f"not_{name}"] for name in SIZES], 1),
        error=box["error"],
        object=box["object"].astype(np.int64),
        label_image=owner,
        label_class=thing["class_id"].astype(np.int64),
        label_area=thing["area"],
        unseen=thing["unseen"].astype(bool),
    )


def _flat(column: pa.ChunkedArray, kind: pa.StructType) -> tuple[NDArray[np.int64], dict[str, NDArray[Any]]]:
    """Which image each struct is of, and the fields as columns."""
    lists = pa.concat_arrays(column.chunks) if column.num_chunks else pa.nulls(0, pa.list_(kind))
    inner = lists.flatten()
    lengths = lists.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
    image = np.repeat(np.arange(len(lists)), lengths).astype(np.int64)
    return image, {field.name: inner.field(field.name).to_numpy(zero_copy_only=False) for field in kind}


def _numbers(column: pa.ChunkedArray, kind: type[np.generic]) -> NDArray[Any]:
    return np.asarray(column.to_numpy(), kind)
