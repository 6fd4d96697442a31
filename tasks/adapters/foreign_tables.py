"""Parquet files that somebody else wrote: their rows as plain values, in bounded memory whatever they claim.

A few kilobytes of Parquet can stand for gigabytes: equal values are stored once and repeated by number. So what is
read is chosen by name, claims are checked before anything is read, and batches are measured before they become values.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tasks.domain.contract_json import MAX_LINE_BYTES
from tasks.domain.contract_reasons import Reason
from tasks.domain.errors import ObjectRejected

MAX_ROWS = 5_000_000
MAX_UNPACKED = 4 << 30
MAX_VALUES = 64_000_000
MAX_PER_ROW = 200_000
"""Rows, unpacked bytes, values of one row group, and values a row, that a stranger's file may claim."""

BATCH = 256
MAX_BATCH_BYTES = 16 * MAX_LINE_BYTES
"""Rows that become values at once, and bytes that they may have."""

_FAULTS = (pa.ArrowException, OSError, ValueError, OverflowError, KeyError, TypeError, NotImplementedError)
"""What reading damaged files and odd types raises, an unknown time zone (a `KeyError`) included."""


def foreign_rows(path: Path, columns: frozenset[str]) -> Iterator[dict[str, Any]]:
    """The rows of a Parquet file, of these columns only; a file without any of them gives empty rows.

    Raises:
        ObjectRejected: damaged, or with a column named twice (`corrupt_file`); claiming more than the limits
            (`too_large`).
    """
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as claimed:
            names = _leaves(claimed, columns)
            texts = [name for name in names if _is_text(claimed, name)]
            _refuse_claims(claimed.metadata, names)
            rows = claimed.metadata.num_rows
        if not names:
            yield from ({} for _ in range(rows))
            return
        with pq.ParquetFile(path, page_checksum_verification=True, read_dictionary=texts) as file:
            for part in file.iter_batches(batch_size=BATCH, columns=names):
                _refuse_bulk(part)
                yield from part.to_pylist()
    except _FAULTS as error:
        raise ObjectRejected(Reason.CORRUPT_FILE, f"not a readable Parquet file: {error}") from error


def _leaves(file: pq.ParquetFile, columns: frozenset[str]) -> list[str]:
    """Paths of the values to read: texts inside lists are none of ours, and could be of any size.

    The keys of a map are: without them its values belong to nothing.
    """
    names = Counter(file.schema_arrow.names)
    twice = sorted(name for name in columns & names.keys() if names[name] > 1)
    if twice:
        raise ObjectRejected(Reason.CORRUPT_FILE, f"the column {twice[0]!r} occurs twice")
    found = [file.schema.column(index) for index in range(len(file.schema))]
    return [
        leaf.path
        for leaf in found
        if leaf.path.split(".")[0] in columns
        and ("." not in leaf.path or leaf.physical_type != "BYTE_ARRAY" or _is_text(file, leaf.path))
    ]


def _is_text(file: pq.ParquetFile, path: str) -> bool:
    """Whether a column, or what a map of a column has as its keys, is text."""
    name, *inside = path.split(".")
    kind = file.schema_arrow.field(name).type
    if inside:
        if not (pa.types.is_map(kind) and inside[-1] == "key" and len(inside) == 2):
            return False
        kind = kind.key_type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _refuse_claims(metadata: pq.FileMetaData, names: list[str]) -> None:
    if metadata.num_rows > MAX_ROWS:
        raise ObjectRejected(Reason.TOO_LARGE, f"{metadata.num_rows} rows, at most {MAX_ROWS}")
    wanted, unpacked = set(names), 0
    for group in (metadata.row_group(index) for index in range(metadata.num_row_groups)):
        chunks = [group.column(index) for index in range(group.num_columns)]
        chunks = [chunk for chunk in chunks if chunk.path_in_schema in wanted]
        unpacked += sum(chunk.total_uncompressed_size for chunk in chunks)
        values = sum(chunk.num_values for chunk in chunks)
        if values > MAX_VALUES or values > MAX_PER_ROW * max(group.num_rows, 1) or unpacked > MAX_UNPACKED:
            raise ObjectRejected(
                Reason.TOO_LARGE, f"{values} values in {group.num_rows} rows, {unpacked} bytes unpacked"
            )


def _refuse_bulk(part: pa.RecordBatch) -> None:
    """Measure a batch while texts that repeat are still stored once."""
    size = part.nbytes
    for column in (each.keys if pa.types.is_map(each.type) else each for each in part.columns):
        if pa.types.is_dictionary(column.type):
            lengths = pc.binary_length(column.dictionary)
            size += pc.sum(lengths.cast(pa.int64()).take(column.indices)).as_py() or 0
    if size > MAX_BATCH_BYTES:
        raise ObjectRejected(Reason.TOO_LARGE, f"{size} bytes in {part.num_rows} rows")
