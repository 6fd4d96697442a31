"""Which images of a window are profiled, and where their profiles lie."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.domain.snapshot import PROFILER_VERSION
from tasks.domain.tables_catalog import CHANCE, DRAWN, drawn_chances
from tasks.domain.window import Window

IDENTITY = ("sha256", "image_id", "key", "camera", "captured_at")
"""Columns that say which image a row is about; the others depend on its bytes and the champion alone."""


CHANCES = ("verdict", CHANCE, DRAWN)
"""Columns of a catalog that say with which chance its accepted images were drawn."""


def smallest(catalog: Iterable[pa.RecordBatch]) -> float:
    """The smallest chance with which an accepted image of a catalog was drawn; pieces hold the columns of `CHANCES`.

    Not the chance that capture kept it with: window and reference were kept alike. Where an hour's quota is full one
    image in a thousand is still kept, and all others would be thinned down to that.
    """
    found = (drawn_chances(_accepted(piece)).min(initial=1.0) for piece in catalog)
    return float(min(found, default=1.0))


def accepted(catalog: Iterable[pa.RecordBatch], least: float) -> Iterator[pa.Table]:
    """The accepted images of a catalog, identity columns only, piece by piece; rows without a hash are left out.

    What a stratified sample has too many of is thinned (`even`): what is measured is mixed as the window is.
    """
    for piece in map(_accepted, catalog):
        kept = even(piece["key"].to_pylist(), drawn_chances(piece).tolist(), least)
        yield piece.filter(pa.array(kept, pa.bool_())).select(list(IDENTITY)).drop_null()


def _accepted(piece: pa.RecordBatch) -> pa.Table:
    return pa.Table.from_batches([piece.filter(pc.equal(piece["verdict"], "accepted"))])


def even(keys: Sequence[str], chances: Sequence[float | None], least: float | None = None) -> list[bool]:
    """Which images to keep so that every image of the window had the same chance: `least`, else the smallest of these.

    Rare kinds are drawn more often than common ones; compared with a reference they would look like a change of the
    mix. An image is kept with chance `smallest / its own`, told by a hash of its key, so always alike.
    """
    known = [chance or 1.0 for chance in chances]
    least = min(known, default=1.0) if least is None else least
    return [chance == least or _place(key) < least / chance for key, chance in zip(keys, known, strict=True)]


def _place(key: str) -> float:
    """A number in [0, 1) that has nothing to do with the order in which ingestion draws."""
    digest = hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8, person=b"evergreen even").digest()
    return int.from_bytes(digest, "big") / 2**64


def folder(model: str, champion_sha256: str, window: Window) -> str:
    """Where the profiles of a window lie: profiles of another profiler or another champion are elsewhere."""
    span = f"{window.start:%Y%m%dT%H%M%SZ}-{window.end:%Y%m%dT%H%M%SZ}"
    return f"{model}/evergreen/profiles/{PROFILER_VERSION}-{champion_sha256[:12]}/{span}"


def content_name(pieces: Iterable[pa.Table]) -> str:
    """A name that is the same for the same images, whatever their order: 24 hex digits; 16 bytes of memory an image."""
    digests = bytearray()
    for piece in pieces:
        for line in _lines(piece):
            digests += hashlib.blake2b(line.encode("utf-8", "replace"), digest_size=16).digest()
    ordered = np.sort(np.frombuffer(digests, "S16"))
    return hashlib.sha256(ordered.tobytes()).hexdigest()[:24]


def _lines(rows: pa.Table) -> Iterator[str]:
    moments = [place for place, field in enumerate(rows.schema) if pa.types.is_timestamp(field.type)]
    for place in moments:  # numbers are written down faster than dates
        rows = rows.set_column(place, rows.column_names[place], rows.column(place).cast(pa.int64()))
    batches = rows.to_batches(max_chunksize=1024)
    return (repr(row) for batch in batches for row in zip(*batch.to_pydict().values(), strict=True))
