"""Profiles of images as tables: which rows are wanted, which are known, and how new ones are put together."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tasks.domain.snapshot import PROFILER_VERSION
from tasks.domain.tables import PROFILES
from tasks.domain.window import Window
from tasks.drift.properties import Properties

IDENTITY = ("sha256", "image_id", "key", "camera", "captured_at")
"""Columns that say which image a row is about; the others depend on its bytes and the champion alone."""

Row = dict[str, Any]


def accepted(catalog: pa.Table) -> pa.Table:
    """The accepted images of a catalog, identity columns only, in order of time; rows without a hash are left out."""
    rows = catalog.filter(pc.equal(catalog["verdict"], "accepted")).select(list(IDENTITY)).drop_null()
    return rows.sort_by([("captured_at", "ascending"), ("image_id", "ascending")])


def folder(model: str, champion_sha256: str, window: Window) -> str:
    """Where the profiles of a window lie: profiles of another profiler or another champion are elsewhere."""
    span = f"{window.start:%Y%m%dT%H%M%SZ}-{window.end:%Y%m%dT%H%M%SZ}"
    return f"{model}/evergreen/profiles/{PROFILER_VERSION}-{champion_sha256[:12]}/{span}"


def content_name(rows: pa.Table) -> str:
    """A name that is the same for the same images, whatever their order: 24 hex digits."""
    lines = sorted(json.dumps([str(value) for value in row.values()]) for row in rows.to_pylist())
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:24]


def measured(hashes: Sequence[str], properties: Sequence[Properties], vectors: NDArray[np.float32]) -> dict[str, Row]:
    """What was measured, by content hash: n hashes, n properties, (n, d) embeddings."""
    return {
        sha256: {**found.row(), "embedding": vector.tolist()}
        for sha256, found, vector in zip(hashes, properties, vectors, strict=True)
    }


def known(parts: Sequence[pa.Table]) -> dict[str, Row]:
    """What earlier parts already hold, by content hash."""
    measures = ["sha256", *(name for name in PROFILES.names if name not in IDENTITY)]
    rows = (row for part in parts for row in part.select(measures).to_pylist())
    return {row.pop("sha256"): row for row in rows}


def assembled(rows: pa.Table, measures: Mapping[str, Row]) -> pa.Table:
    """The `profiles` table of these images; every hash must have been measured."""
    return pa.Table.from_pylist([{**row, **measures[row["sha256"]]} for row in rows.to_pylist()], schema=PROFILES)
