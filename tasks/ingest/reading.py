"""The rows of one file of records, each with its parsed answer."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from tasks.adapters.foreign_tables import foreign_rows
from tasks.adapters.objects import ObjectInfo
from tasks.domain.contract import ADDRESSES, Limits, PredictionRecord, parse_prediction, parse_row
from tasks.domain.contract_labels import LabelRecord, parse_label
from tasks.domain.contract_reasons import Reason, Rejected
from tasks.domain.errors import ObjectRejected
from tasks.ingest.parts import BOM, lines_of
from tasks.ingest.records import Found

_COLUMNS = frozenset({*(field.alias or name for name, field in PredictionRecord.model_fields.items()), *ADDRESSES})
"""Columns that are read of a stranger's table; others are ignored, whatever they hold."""

_LINES = (".jsonl", ".jsonl.gz", ".ndjson", ".ndjson.gz")


def rows_of(info: ObjectInfo, data: bytes, max_bytes: int, latest: datetime, classes: int | None) -> Iterator[Found]:
    """Prediction records of a JSON Lines or Parquet part; a damaged part gives one refused row."""
    limits = Limits(latest=latest, classes=classes)
    if info.key.endswith(".parquet"):
        yield from _parquet_rows(info, data, limits)
        return
    lines = lines_of(info.key, data, max_bytes) if info.key.endswith(_LINES) else _unknown(info.key, ".parquet")
    if isinstance(lines, Rejected):
        yield _whole(info, lines)
        return
    for number, line in enumerate(lines, start=1):
        answer = parse_prediction(line, limits)
        yield Found(source=f"{info.key}#{number}", size=len(line), etag=info.etag, answer=answer, landed=info.modified)


def labels_of(
    info: ObjectInfo, data: bytes, max_bytes: int, limits: Limits
) -> Iterator[tuple[str, int, LabelRecord | Rejected]]:
    """Source, size and answer of every label in a `.json` file (one) or a `.jsonl` part (many)."""
    if info.key.endswith(".json"):
        yield info.key, len(data), parse_label(data.removeprefix(BOM), limits)
        return
    lines = lines_of(info.key, data, max_bytes) if info.key.endswith(_LINES) else _unknown(info.key, ".json")
    if isinstance(lines, Rejected):
        yield info.key, info.size, lines
        return
    for number, line in enumerate(lines, start=1):
        yield f"{info.key}#{number}", len(line), parse_label(line, limits)


def _parquet_rows(info: ObjectInfo, data: bytes, limits: Limits) -> Iterator[Found]:
    with tempfile.TemporaryDirectory(prefix="evergreen-") as folder:
        path = Path(folder) / "part"
        path.write_bytes(data)
        try:
            for number, row in enumerate(foreign_rows(path, _COLUMNS), start=1):
                answer = parse_row(row, limits)
                yield Found(source=f"{info.key}#{number}", size=0, etag=info.etag, answer=answer, landed=info.modified)
        except ObjectRejected as error:
            yield _whole(info, Rejected(reason=error.reason, note=str(error)))


def _whole(info: ObjectInfo, why: Rejected) -> Found:
    return Found(source=info.key, size=info.size, etag=info.etag, answer=why)


def _unknown(key: str, other: str) -> Rejected:
    return Rejected(reason=Reason.UNKNOWN_FILE, note=f"{key[-40:]!r} ends in none of {', '.join((*_LINES, other))}")
