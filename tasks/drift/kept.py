"""What is measured of images, once on this machine: properties by their bytes, embeddings by the champion too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.adapters.measure_cache import MeasureCache
from tasks.domain.snapshot import PROFILER_VERSION
from tasks.drift.measures import PLAIN
from tasks.drift.properties import Properties

PROPERTIES = f"properties-{PROFILER_VERSION}"

Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Kept:
    """Asks the cache first; who measures is told the places of what is left, in order."""

    cache: MeasureCache

    def properties(self, hashes: Sequence[str], measure: Callable[[list[int]], Sequence[Properties]]) -> pa.Table:
        """Rows of `PLAIN` (everything but the embedding), one a hash, in order."""
        found = {name: row for name, each in self.cache.get(PROPERTIES, hashes).items() if (row := _row(each))}
        fresh = [place for place, name in enumerate(hashes) if name not in found]
        if fresh:
            rows = [{"sha256": hashes[i], **each.row()} for i, each in zip(fresh, measure(fresh), strict=True)]
            whole = pa.RecordBatch.from_pylist(rows, schema=PLAIN)
            new = {hashes[i]: whole.slice(row, 1) for row, i in enumerate(fresh)}
            self.cache.add(PROPERTIES, {name: row.serialize().to_pybytes() for name, row in new.items()})
            found |= new
        return pa.Table.from_batches([found[name] for name in hashes], schema=PLAIN).combine_chunks()

    def vectors(self, who: str, hashes: Sequence[str], embed: Callable[[list[int]], Vectors]) -> Vectors:
        """Embeddings (n, d) in order; `who` names the champion and the size at which it looks."""
        what = f"embedding-{PROFILER_VERSION}-{who}"
        found = {name: np.frombuffer(each, np.float32) for name, each in self.cache.get(what, hashes).items()}
        fresh = [place for place, name in enumerate(hashes) if name not in found]
        if fresh or not hashes:
            vectors = embed(fresh)
            if not hashes:
                return vectors
            new = {hashes[i]: vector for i, vector in zip(fresh, vectors, strict=True)}
            self.cache.add(what, {name: vector.astype(np.float32).tobytes() for name, vector in new.items()})
            found |= new
        return np.stack([found[name] for name in hashes])


def _row(kept: bytes) -> pa.RecordBatch | None:
    """A row of `PLAIN`; None where the bytes are none, then it is measured again."""
    try:
        return pa.ipc.read_record_batch(pa.py_buffer(kept), PLAIN)
    except pa.ArrowException:
        return None
