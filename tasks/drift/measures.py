"""What was measured of images, by content hash, in a scratch file that is mapped and not read into memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tasks.domain.tables import PROFILES
from tasks.drift.profiles import IDENTITY

SCHEMA = pa.schema([PROFILES.field(name) for name in PROFILES.names if name == "sha256" or name not in IDENTITY])
"""Columns that depend on an image's bytes and on the champion alone."""

PLAIN = pa.schema([field for field in SCHEMA if field.name != "embedding"])
"""Those that depend on its bytes alone."""

_IDENTIFIED = pa.schema([PROFILES.field(name).with_nullable(True) for name in IDENTITY])

PIECE = 1024
"""Rows that are in memory together."""

BLOCK = 50_000
"""About so many images are looked up together: of a larger window those whose hashes begin alike, one group at a time.

The same bytes are always in the same group, so that they are measured once, and a group's hashes fit into memory.
"""


def in_blocks(
    rows: Iterable[pa.Table],
    known: Iterable[pa.RecordBatch],
    look: Callable[[pa.Table], pa.Table],
    keep: Callable[[pa.Table], object],
    folder: Path,
) -> Iterator[pa.Table]:
    """What `profiled` gives, of any number of images; each block is in order of time. `folder` is removed by others."""
    own, count = divided(rows, folder / "rows", 1)
    blocks = max(1, -(-count // BLOCK))
    parts, theirs = own, [folder / "known-0"]
    if blocks > 1:
        parts, _ = divided(pieces(own[0]), folder / "part", blocks)
        theirs, _ = divided(map(_table, known), folder / "known", blocks)
    for number, (mine, old) in enumerate(zip(parts, theirs, strict=True)):
        block = pa.concat_tables([_IDENTIFIED.empty_table(), *(piece.cast(_IDENTIFIED) for piece in pieces(mine))])
        block = block.sort_by([("captured_at", "ascending"), ("image_id", "ascending")])
        before = (batch for piece in pieces(old) for batch in piece.to_batches()) if blocks > 1 else known
        yield from profiled(block, before, look, keep, folder / f"measures-{number}")


def divided(tables: Iterable[pa.Table], path: Path, parts: int) -> tuple[list[Path], int]:
    """The rows on disk, in so many files by the beginning of their hash (`sha256`), and how many there are."""
    paths = [path.with_name(f"{path.name}-{number}") for number in range(parts)]
    count = 0
    with ExitStack() as stack:
        files: list[pa.ipc.RecordBatchStreamWriter] = []
        for table in tables:
            if not files:
                files = [stack.enter_context(pa.ipc.new_stream(str(each), table.schema)) for each in paths]
            count += table.num_rows
            place = np.array([int(each[:8], 16) % parts for each in table["sha256"].to_pylist()], np.int64)
            for number, file in enumerate(files):
                file.write_table(table.filter(pa.array(place == number)) if parts > 1 else table)
    return paths, count


def pieces(path: Path) -> Iterator[pa.Table]:
    """The rows that were put into a file; none when there is no file."""
    if not path.exists():
        return
    with pa.OSFile(str(path)) as file, pa.ipc.open_stream(file) as stream:
        for batch in stream:
            yield pa.Table.from_batches([batch])


def profiled(
    rows: pa.Table,
    known: Iterable[pa.RecordBatch],
    look: Callable[[pa.Table], pa.Table],
    keep: Callable[[pa.Table], object],
    scratch: Path,
) -> Iterator[pa.Table]:
    """The `profiles` table of these images, piece by piece.

    Args:
        rows: Identity columns, one row an image; the order of the answer.
        known: Rows of `SCHEMA` that were measured before, about any images.
        look: Measures the images of at most `PIECE` rows, giving rows of `SCHEMA` in the same order.
        keep: Puts a piece of the table aside, of more than one piece that is measured: whoever is killed on the way
            finds there what was done.
        scratch: A file to work in, which somebody else removes.
    """
    hashes = rows["sha256"].to_pylist()
    wanted = frozenset(map(bytes.fromhex, hashes))
    measures = Measures(scratch)
    for batch in known:
        measures.add(pa.Table.from_batches([batch]), wanted)
    fresh = rows.take(pa.array(measures.missing(hashes), pa.int64()))
    for start in range(0, fresh.num_rows, PIECE):
        piece = fresh.slice(start, PIECE)
        found = look(piece)
        measures.add(found)
        if fresh.num_rows > PIECE:
            keep(beside(piece, found))
    yield from measures.of(rows)


class Measures:
    """Rows are added once per content hash, then looked up; of an image only its hash stays in memory."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = pa.OSFile(str(path), "wb")
        self._writer = pa.ipc.new_file(self._file, SCHEMA)
        self._hashes: list[pa.Array] = []
        self._known: set[bytes] = set()

    def add(self, found: pa.Table, wanted: frozenset[bytes] | None = None) -> None:
        """Keep the rows of `SCHEMA` whose hash is new, and among `wanted` where that is given."""
        fresh = pa.array([self._note(each, wanted) for each in found["sha256"].to_pylist()], pa.bool_())
        for batch in found.select(SCHEMA.names).filter(fresh).cast(SCHEMA).combine_chunks().to_batches():
            self._writer.write_batch(batch)
            self._hashes.append(batch["sha256"])

    def missing(self, hashes: Sequence[str]) -> list[int]:
        """Places of hashes that were not added yet, each hash once, at its first place."""
        first: dict[bytes, int] = {}
        for place, sha256 in enumerate(hashes):
            if (key := bytes.fromhex(sha256)) not in self._known:
                first.setdefault(key, place)
        return list(first.values())

    def of(self, rows: pa.Table) -> Iterator[pa.Table]:
        """The `profiles` table of these images (identity columns), piece by piece; every hash must have been added."""
        self._writer.close()
        self._file.close()
        found = pc.index_in(rows["sha256"], value_set=pa.chunked_array(self._hashes, pa.string()))
        index = found.to_numpy().astype(np.int64)
        with pa.memory_map(str(self._path)) as mapped, pa.ipc.open_file(mapped) as file:
            ends = np.cumsum([len(each) for each in self._hashes])
            for start in range(0, rows.num_rows, PIECE):
                yield beside(rows.slice(start, PIECE), _gathered(file, ends, index[start : start + PIECE]))

    def _note(self, sha256: str, wanted: frozenset[bytes] | None) -> bool:
        key = bytes.fromhex(sha256)
        if key in self._known or (wanted is not None and key not in wanted):
            return False
        self._known.add(key)
        return True


def embedded(plain: pa.Table, vectors: NDArray[np.float32]) -> pa.Table:
    """Rows of `SCHEMA`: n rows of `PLAIN` and their (n, d) embeddings."""
    ends = np.arange(len(plain) + 1, dtype=np.int32) * vectors.shape[1]
    embedding = pa.ListArray.from_arrays(pa.array(ends), pa.array(vectors.ravel(), pa.float32()))
    return plain.append_column(SCHEMA.field("embedding"), embedding)


def _table(batch: pa.RecordBatch) -> pa.Table:
    return pa.Table.from_batches([batch])


def beside(rows: pa.Table, found: pa.Table) -> pa.Table:
    """The `profiles` table of these images: identity columns and, in the same order, what was measured."""
    columns = {name: rows[name] if name in IDENTITY else found[name] for name in PROFILES.names}
    return pa.table(columns, schema=PROFILES)


def _gathered(file: pa.ipc.RecordBatchFileReader, ends: NDArray[np.int64], index: NDArray[np.int64]) -> pa.Table:
    """The rows at these places, in that order; only the batches that hold them are touched."""
    holder = np.searchsorted(ends, index, side="right")
    parts, order = [], []
    for batch in np.unique(holder).tolist():
        places = np.flatnonzero(holder == batch)
        start = int(ends[batch - 1]) if batch else 0
        parts.append(file.get_batch(batch).take(pa.array(index[places] - start)))
        order.append(places)
    return pa.Table.from_batches(parts).take(pa.array(np.argsort(np.concatenate(order))))
