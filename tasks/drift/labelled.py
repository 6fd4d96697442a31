"""The properties of labelled images, which may be older than every window: measured once per set."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa

from tasks.connections import images, measures, store, tables
from tasks.domain.errors import ContractError, NotFound
from tasks.domain.snapshot import PROFILER_VERSION, TableRef
from tasks.drift.kept import Kept
from tasks.drift.measures import beside, embedded
from tasks.drift.properties import of_file
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
        files = list(pool.map(_file, rows["key"].to_pylist(), rows["sha256"].to_pylist()))
        there = [(place, file) for place, file in enumerate(files) if file is not None]
        rows = rows.take(pa.array([place for place, _ in there], pa.int64()))
        hashes = rows["sha256"].to_pylist()
        found = Kept(measures()).properties(
            hashes, lambda places: list(pool.map(of_file, [there[place][1] for place in places]))
        )
    return beside(rows, embedded(found, np.zeros((len(found), 0), np.float32)))


def _file(key: str, sha256: str) -> Path | None:
    """None for an image that is gone or changed: training images are old, and nobody has to keep them for this."""
    try:
        return images().fetch(key, sha256)
    except (NotFound, ContractError):
        return None
