"""What is looked at: the distinct scenes of reference and window, with the answer that was given about each."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.domain.scenes import distinct
from tasks.outliers.familiar import Floats, Names, unit

SAME_BITS = 2
"""Bits in which two 64-bit image hashes of one camera may differ and be one scene."""

ANSWERS = ("session", "model_version", "width", "height", "detections")
IN_TIME = [("captured_at", "ascending"), ("image_id", "ascending")]


def answered(profiles: pa.Table, predictions: pa.Table) -> pa.Table:
    """Profiles with the answer about each image beside it, nulls where there is none or the request failed."""
    usable = predictions.filter(pc.is_null(predictions["error"])).combine_chunks()
    place = {image_id: row for row, image_id in reversed(list(enumerate(usable["image_id"].to_pylist())))}
    rows = pa.array([place.get(image_id) for image_id in profiles["image_id"].to_pylist()], pa.int64())
    beside = usable.select(list(ANSWERS)).take(rows)
    table = profiles
    for name in ANSWERS:
        table = table.append_column(name, beside[name])
    return table


def scenes(table: pa.Table) -> pa.Table:
    """The distinct scenes in order of time: near-duplicates of one camera are one piece of evidence."""
    ordered = table.sort_by(IN_TIME)
    keep = distinct(ordered["camera"].to_pylist(), ordered["dhash"].to_pylist(), SAME_BITS)
    return ordered.filter(pa.array(keep))


def version_of(reference: pa.Table) -> str:
    """The model version that answered most images of a reference; `""` when none did."""
    counts = Counter(version for version in reference["model_version"].to_pylist() if version is not None)
    return min(counts, key=lambda version: (-counts[version], version)) if counts else ""


def of_version(table: pa.Table, version: str) -> pa.Table:
    """The rows that this version answered: where another one finds objects is another question."""
    return table.filter(pc.fill_null(pc.equal(table["model_version"], version), False))


def cameras(table: pa.Table) -> Names:
    """The camera of each row, (n,)."""
    return np.asarray(table["camera"].to_pylist(), dtype=object)


def embeddings(table: pa.Table, width: int | None = None) -> Floats:
    """Unit vectors (n, d) of length `width`, or of the most common length; a row of another length is nan."""
    column = table["embedding"].combine_chunks()
    lengths = np.asarray(pc.fill_null(pc.list_value_length(column), 0), dtype=np.int64)
    common = Counter(lengths.tolist()).most_common(1)
    size = width if width is not None else (common[0][0] if common else 0)
    fitting = np.flatnonzero(lengths == size)
    found = np.full((table.num_rows, size), np.nan, np.float32)
    if size and len(fitting):
        flat = pc.list_flatten(column.take(pa.array(fitting))).to_numpy(zero_copy_only=False)
        found[fitting] = flat.reshape(-1, size)
    return unit(found)
