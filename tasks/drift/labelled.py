"""The properties of labelled images, which may be older than every window: measured once per set."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow as pa

from tasks.connections import images, store, tables
from tasks.domain.errors import ContractError, NotFound
from tasks.domain.snapshot import PROFILER_VERSION, TableRef
from tasks.domain.tables import PROFILES
from tasks.drift.properties import Properties, of_file
from tasks.drift.shelf import Shelf

MOST = 2_000
"""Images of a set that are measured: of more a fixed choice by content hash, which is as good as a random one."""


def properties_of(model: str, dataset: TableRef) -> TableRef:
    """A `profiles` table without embeddings of the images of a `datasets` table; measured before, it is given back.

    An image whose time nobody knows, or that is gone, is left out.
    """
    shelf = Shelf(store(), tables(), f"{model}/evergreen/profiles/{PROFILER_VERSION}-labelled")
    name = dataset.digest[:24]
    return shelf.table(name) or shelf.write(name, [_measured(tables().read(dataset))])


def _measured(table: pa.Table) -> pa.Table:
    rows = table.select(["sha256", "image_id", "key", "camera", "captured_at"]).drop_null()
    hashes = np.asarray(rows["sha256"].to_pylist(), dtype=object)
    chosen = np.unique(hashes, return_index=True)[1][:MOST] if len(hashes) else np.zeros(0, np.int64)
    rows = rows.take(pa.array(chosen, pa.int64()))
    with ThreadPoolExecutor(max_workers=4) as pool:
        found = list(pool.map(_properties, rows["key"].to_pylist(), rows["sha256"].to_pylist()))
    content = [
        {**row, **measured.row(), "embedding": []}
        for row, measured in zip(rows.to_pylist(), found, strict=True)
        if measured is not None
    ]
    return pa.Table.from_pylist(content, schema=PROFILES)


def _properties(key: str, sha256: str) -> Properties | None:
    """None for an image that is gone or changed: training images are old, and nobody has to keep them for this."""
    try:
        return of_file(images().fetch(key, sha256))
    except (NotFound, ContractError):
        return None
