"""Which images of a window are profiled, and where their profiles lie."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from tasks.domain.snapshot import PROFILER_VERSION
from tasks.domain.window import Window

IDENTITY = ("sha256", "image_id", "key", "camera", "captured_at")
"""Columns that say which image a row is about; the others depend on its bytes and the champion alone."""


def accepted(catalog: pa.Table) -> pa.Table:
    """The accepted images of a catalog, identity columns only, in order of time; rows without a hash are left out.

    What a stratified sample has too many of is thinned (`even`): what is measured is mixed as the window is.
    """
    rows = catalog.filter(pc.equal(catalog["verdict"], "accepted"))
    if "sampling_probability" in rows.column_names:
        rows = rows.filter(even(rows["key"].to_pylist(), rows["sampling_probability"].to_pylist()))
    rows = rows.select(list(IDENTITY)).drop_null()
    return rows.sort_by([("captured_at", "ascending"), ("image_id", "ascending")])


def even(keys: Sequence[str], chances: Sequence[float | None]) -> list[bool]:
    """Which images to keep so that every image of the window had the same chance: the smallest of `chances`.

    Rare kinds are drawn more often than common ones; compared with a reference they would look like a change of the
    mix. An image is kept with chance `smallest / its own`, told by a hash of its key, so always alike.
    """
    known = [chance or 1.0 for chance in chances]
    least = min(known, default=1.0)
    return [chance == least or _place(key) < least / chance for key, chance in zip(keys, known, strict=True)]


def _place(key: str) -> float:
    """A number in [0, 1) that has nothing to do with the order in which ingestion draws."""
    digest = hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8, person=b"evergreen even").digest()
    return int.from_bytes(digest, "big") / 2**64


def folder(model: str, champion_sha256: str, window: Window) -> str:
    """Where the profiles of a window lie: profiles of another profiler or another champion are elsewhere."""
    span = f"{window.start:%Y%m%dT%H%M%SZ}-{window.end:%Y%m%dT%H%M%SZ}"
    return f"{model}/evergreen/profiles/{PROFILER_VERSION}-{champion_sha256[:12]}/{span}"


def content_name(rows: pa.Table) -> str:
    """A name that is the same for the same images, whatever their order: 24 hex digits."""
    lines = (json.dumps([str(value) for value in row.values()]) for batch in rows.to_batches() for row in _dicts(batch))
    digests = sorted(hashlib.blake2b(line.encode(), digest_size=16).digest() for line in lines)
    return hashlib.sha256(b"".join(digests)).hexdigest()[:24]


def _dicts(batch: pa.RecordBatch) -> Iterator[dict[str, object]]:
    for start in range(0, batch.num_rows, 1024):
        yield from batch.slice(start, 1024).to_pylist()
