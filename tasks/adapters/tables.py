"""Parquet tables in the bucket: written once, named by the digest of their bytes, read from a local file by path.

pyarrow is never handed a memory buffer: reading Parquet from one sometimes aborts the interpreter at exit.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tasks.adapters.objects import ObjectStore
from tasks.adapters.recall import Json, answer_key, recalled
from tasks.domain.errors import ContractError
from tasks.domain.snapshot import Claim, TableRef
from tasks.domain.tables import SCHEMAS, check_stamp, stamped

MANY = 8_192
"""Rows at a time where only few of them are kept."""

CONTENT_TYPE = "application/vnd.apache.parquet"


class TableStore:
    """Tables of ours in the bucket, kept in `cache` under their digest."""

    def __init__(self, store: ObjectStore, cache: Path) -> None:
        self._store = store
        self._cache = cache

    def write(self, table: pa.Table, schema: str, key: str) -> TableRef:
        """Write a table under `key`; equal tables give equal bytes and so an equal digest.

        Args:
            table: Columns of the named schema; others are dropped.
            schema: A name in `tasks.domain.tables.SCHEMAS`.
            key: Where in the bucket; use a new key for new content, tables are never changed.
        """
        with self.writer(schema, key) as writer:
            writer.write(table)
        return writer.ref

    @contextmanager
    def writer(self, schema: str, key: str) -> Iterator[TableWriter]:
        """A table that is written piece by piece; it is in the bucket, with its `ref`, once the block has ended."""
        with self.scratch() as folder:
            path = folder / "table.parquet"
            fields = stamped(SCHEMAS[schema].empty_table(), schema).schema
            with pq.ParquetWriter(path, fields, compression="zstd", write_page_checksum=True) as file:
                writer = TableWriter(file, schema)
                yield writer
            digest = _digest(path)
            self._store.put_file(key, path, CONTENT_TYPE)
            path.replace(self._local(digest))
        writer.finish(TableRef(uri=self._store.uri(key), schema=schema, rows=writer.rows, digest=digest))

    def read(self, ref: TableRef, columns: Sequence[str] | None = None) -> pa.Table:
        """The table, or some of its columns.

        Raises:
            ContractError: the bytes are not those that were written, or of another or newer schema.
            NotFound: the object is gone.
        """
        path = self._here(ref)
        try:
            names = list(columns) if columns is not None else None
            return pq.read_table(path, columns=names, page_checksum_verification=True, partitioning=None)
        except (pa.ArrowException, OSError) as error:
            raise ContractError(f"{ref.uri}: not a readable Parquet table: {error}") from error

    def batches(self, ref: TableRef, columns: Sequence[str], rows: int = 1024) -> Iterator[pa.RecordBatch]:
        """Some columns of the table, at most `rows` rows at a time; a column that an older table lacks is null.

        Raises what `read` raises.
        """
        path = self._here(ref)
        fields = pa.schema([SCHEMAS[ref.schema].field(name) for name in columns])
        try:
            with pq.ParquetFile(path, page_checksum_verification=True) as file:
                present = [name for name in columns if name in file.schema_arrow.names]
                for batch in file.iter_batches(batch_size=rows, columns=present):
                    yield _filled(batch, fields)
        except (pa.ArrowException, OSError) as error:
            raise ContractError(f"{ref.uri}: not a readable Parquet table: {error}") from error

    def pieces(self, ref: TableRef, rows: int) -> Iterator[pa.Table]:
        """The whole table, exactly so many rows at a time; a column that an older table lacks is null.

        Raises what `read` raises.
        """
        waiting: list[pa.RecordBatch] = []
        for batch in self.batches(ref, SCHEMAS[ref.schema].names, min(rows, MANY)):
            waiting.append(batch)
            while (held := sum(each.num_rows for each in waiting)) >= rows:
                table = pa.Table.from_batches(waiting)
                yield table.slice(0, rows)
                waiting = table.slice(rows).to_batches() if held > rows else []
        if waiting:
            yield pa.Table.from_batches(waiting)

    def at(self, ref: TableRef, places: Sequence[int], columns: Sequence[str]) -> pa.Table:
        """Some columns of the rows at these places, in the order of the table; the others are never in memory.

        Raises what `read` raises.
        """
        wanted, start = np.sort(np.asarray(places, np.int64)), 0
        found = [pa.schema([SCHEMAS[ref.schema].field(name) for name in columns]).empty_table()]
        for batch in self.batches(ref, columns, MANY):
            here = wanted[(wanted >= start) & (wanted < start + batch.num_rows)] - start
            found.append(pa.Table.from_batches([batch.take(pa.array(here))]).cast(found[0].schema))
            start += batch.num_rows
        return pa.concat_tables(found)

    def about(self, ref: TableRef, images: pa.Array, columns: Sequence[str]) -> pa.Table:
        """Some columns of the rows whose `image_id` is among these, in their order; the others are never in memory.

        Raises what `read` raises.
        """
        names = list(dict.fromkeys(["image_id", *columns]))
        fields = pa.schema([SCHEMAS[ref.schema].field(name) for name in names])
        found = (batch.filter(pc.is_in(batch["image_id"], images)) for batch in self.batches(ref, names, MANY))
        return pa.Table.from_batches([each.cast(fields) for each in found], fields).select(list(columns))

    def recall(
        self,
        claim: Claim,
        stage: str,
        about: Iterable[str],
        work: Callable[[], Json],
        points: Callable[[Json], Iterable[str]] = lambda found: (),
    ) -> Json:
        """What a stage found in tables with these digests, by these rules (`about`); made by `work` where it is new.

        `points` are the addresses that an answer points to: it is made again when one of them is gone.
        """
        return recalled(self._store, answer_key(claim, stage, about), work, points)

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A folder beside the kept tables that is gone afterwards."""
        self._cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._cache, prefix=".scratch-") as folder:
            yield Path(folder)

    def _here(self, ref: TableRef) -> Path:
        """The local file of a table, verified, with a stamp that can be read."""
        path = self._local(ref.digest)
        if not path.is_file() or _digest(path) != ref.digest:
            self._fetch(ref, path)
        try:
            check_stamp(pq.read_schema(path).metadata, ref.schema)
        except (pa.ArrowException, OSError) as error:
            raise ContractError(f"{ref.uri}: not a readable Parquet table: {error}") from error
        return path

    def _fetch(self, ref: TableRef, path: Path) -> None:
        with self.scratch() as folder:
            scratch = folder / "table.parquet"
            self._store.get_file(self._store.key_of(ref.uri), scratch)
            found = _digest(scratch)
            if found != ref.digest:
                raise ContractError(
                    f"{ref.uri} has digest {found[:12]}, {ref.digest[:12]} was recorded: it was changed"
                )
            scratch.replace(path)

    def _local(self, digest: str) -> Path:
        return self._cache / f"{digest}.parquet"


class TableWriter:
    """One table on its way into the bucket; every piece is a row group of its own."""

    def __init__(self, file: pq.ParquetWriter, schema: str) -> None:
        self._file = file
        self._schema = schema
        self._ref: TableRef | None = None
        self.rows = 0

    @property
    def ref(self) -> TableRef:
        """Where the table is. Raises `ContractError` before it is there."""
        if self._ref is None:
            raise ContractError(f"the {self._schema!r} table is not complete yet: leave the block that writes it first")
        return self._ref

    def write(self, table: pa.Table) -> None:
        """Add rows: columns of the schema, others are dropped; an empty piece adds nothing."""
        if table.num_rows:
            self._file.write_table(stamped(table, self._schema))
            self.rows += table.num_rows

    def finish(self, ref: TableRef) -> None:
        """Say where the table is."""
        self._ref = ref


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _filled(batch: pa.RecordBatch, fields: pa.Schema) -> pa.RecordBatch:
    """The batch with exactly these columns; those that it lacks are null."""
    empty = pa.nulls(batch.num_rows)
    columns = [
        batch[name] if name in batch.schema.names else empty.cast(fields.field(name).type) for name in fields.names
    ]
    return pa.RecordBatch.from_arrays(columns, names=fields.names)
