"""Parquet tables in the bucket: written once, named by the digest of their bytes, read from a local file by path.

pyarrow is never handed a memory buffer: reading Parquet from one sometimes aborts the interpreter at exit.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.adapters.objects import ObjectStore
from tasks.domain.errors import ContractError
from tasks.domain.snapshot import TableRef
from tasks.domain.tables import check_stamp, stamped

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
        ready = stamped(table, schema)
        with self._scratch() as path:
            pq.write_table(ready, path, compression="zstd", write_page_checksum=True)
            digest = _digest(path)
            self._store.put_file(key, path, CONTENT_TYPE)
            path.replace(self._local(digest))
        return TableRef(uri=self._store.uri(key), schema=schema, rows=ready.num_rows, digest=digest)

    def read(self, ref: TableRef, columns: Sequence[str] | None = None) -> pa.Table:
        """The table, or some of its columns.

        Raises:
            ContractError: the bytes are not those that were written, or of another or newer schema.
            NotFound: the object is gone.
        """
        path = self._local(ref.digest)
        if not path.is_file() or _digest(path) != ref.digest:
            self._fetch(ref, path)
        try:
            check_stamp(pq.read_schema(path).metadata, ref.schema)
            names = list(columns) if columns is not None else None
            return pq.read_table(path, columns=names, page_checksum_verification=True, partitioning=None)
        except (pa.ArrowException, OSError) as error:
            raise ContractError(f"{ref.uri}: not a readable Parquet table: {error}") from error

    def _fetch(self, ref: TableRef, path: Path) -> None:
        with self._scratch() as scratch:
            self._store.get_file(self._store.key_of(ref.uri), scratch)
            found = _digest(scratch)
            if found != ref.digest:
                raise ContractError(
                    f"{ref.uri} has digest {found[:12]}, {ref.digest[:12]} was recorded: it was changed"
                )
            scratch.replace(path)

    def _local(self, digest: str) -> Path:
        return self._cache / f"{digest}.parquet"

    @contextmanager
    def _scratch(self) -> Iterator[Path]:
        self._cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._cache, prefix=".scratch-") as folder:
            yield Path(folder) / "table.parquet"


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
