"""Tables of business numbers below `<model>/kpis/`: every row, good or refused with a reason."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tasks.adapters.foreign_tables import foreign_rows
from tasks.adapters.objects import ObjectInfo, ObjectStore
from tasks.domain.contract_reasons import Reason
from tasks.domain.errors import NotFound, ObjectRejected
from tasks.domain.kpi import KpiRow, Refusal
from tasks.domain.wording import one_line

FILES = 1_000
"""Files that are read, the newest."""

ROWS = 100_000
"""Rows of one file at most."""

SERIES = 200
"""Different numbers (by name and camera) of a model at most, the newest."""

NAMED = 20
"""Refused rows that are told one by one."""

COLUMNS = frozenset(KpiRow.model_fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """One good row, where it stands, and when its file was written."""

    row: KpiRow
    source: str
    landed: datetime


def read_kpis(store: ObjectStore, model: str, limit_mb: int) -> tuple[list[Stated], list[Refusal]]:
    """Every usable row of every file, and what was refused; a later file corrects an earlier one."""
    listed = [info for info in store.list(f"{model}/kpis/") if not info.key.endswith("/")]
    good: list[Stated] = []
    bad: list[Refusal] = []
    for info in sorted(listed, key=lambda info: (info.modified, info.key))[-FILES:]:
        for answer in _file(store, info, limit_mb << 20):
            if isinstance(answer, Refusal):
                bad.append(answer)
            else:
                good.append(answer)
    stand, contradicting = settled(good)
    return stand, [*bad, *contradicting]


def settled(stated: Iterable[Stated]) -> tuple[list[Stated], list[Refusal]]:
    """One row for each series and span: of several the one of the latest file; two of one file contradict each other.

    The latest row of a series says its unit and direction; rows with another unit or direction are refused.
    """
    found: dict[tuple[str, str, datetime, datetime], Stated] = {}
    bad: list[Refusal] = []
    for each in sorted(stated, key=lambda each: each.landed):
        key = (*each.row.series, each.row.start, each.row.end)
        before = found.get(key)
        if before is not None and before.source.rpartition("#")[0] == each.source.rpartition("#")[0]:
            if before.row != each.row:
                bad.append(_refusal(each.source, Reason.CONFLICTING_RECORDS, f"another value than in {before.source}"))
            continue
        found[key] = each
    newest: dict[tuple[str, str], Stated] = {}
    for each in sorted(found.values(), key=lambda each: (each.landed, each.row.end)):
        newest[each.row.series] = each
    shown = {*sorted(newest, key=lambda series: newest[series].landed)[-SERIES:]}
    stand = []
    for each in found.values():
        last = newest[each.row.series].row
        if (each.row.unit, each.row.better) != (last.unit, last.better):
            note = f"unit {each.row.unit!r}, better {each.row.better}; the newest row has {last.unit!r}, {last.better}"
            bad.append(_refusal(each.source, Reason.CONFLICTING_RECORDS, note))
        elif each.row.series in shown:
            stand.append(each)
    return stand, bad


def row_of(values: Mapping[str, Any], source: str) -> KpiRow | Refusal:
    """The row, or why it is none. Empty text is no value."""
    given = {name: value for name, value in values.items() if name in COLUMNS and value not in (None, "")}
    try:
        return KpiRow.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        field = str(first["loc"][0]) if first["loc"] else ""
        reason = Reason.BAD_RECORD
        if field in {"start", "end"} or "start" in first["msg"] or "days" in first["msg"]:
            reason = Reason.BAD_TIME
        if first["type"] == "finite_number":
            reason = Reason.NON_FINITE
        return _refusal(source, reason, f"{field}: {first['msg']}".lstrip(": "))


def _file(store: ObjectStore, info: ObjectInfo, limit: int) -> Iterator[Stated | Refusal]:
    try:
        for number, values in enumerate(_rows(store, info, limit), start=1):
            if number > ROWS:
                yield _refusal(info.key, Reason.TOO_LARGE, f"more than {ROWS:,} rows; the rest was not read")
                return
            source = f"{info.key}#{number}"
            row = row_of(values, source)
            yield row if isinstance(row, Refusal) else Stated(row=row, source=source, landed=info.modified)
    except ObjectRejected as error:
        yield _refusal(info.key, error.reason, str(error))
    except NotFound:
        yield _refusal(info.key, Reason.VANISHED, "deleted before it could be read")


def _rows(store: ObjectStore, info: ObjectInfo, limit: int) -> Iterator[Mapping[str, Any]]:
    if info.size > limit:
        raise ObjectRejected(Reason.TOO_LARGE, f"{info.size} bytes, at most {limit}")
    data = store.get(info.key, limit)
    if info.key.endswith(".parquet"):
        with tempfile.TemporaryDirectory(prefix="evergreen-kpis-") as scratch:
            path = Path(scratch) / "kpis.parquet"
            path.write_bytes(data)
            yield from foreign_rows(path, COLUMNS)
    elif info.key.endswith(".csv"):
        yield from _csv(data)
    else:
        raise ObjectRejected(Reason.UNKNOWN_FILE, "business numbers are .csv or .parquet")


def _csv(data: bytes) -> Iterator[Mapping[str, Any]]:
    try:
        reader = csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True)
        names = [(name or "").strip().lower() for name in reader.fieldnames or ()]
        missing = sorted({"name", "start", "end", "value", "better"} - {*names})
        if missing:
            raise ObjectRejected(Reason.CORRUPT_FILE, f"the first line lacks the column(s) {', '.join(missing)}")
        reader.fieldnames = names
        for row in reader:
            yield {name: text.strip() for name, text in row.items() if name and isinstance(text, str)}
    except (UnicodeDecodeError, csv.Error) as error:
        raise ObjectRejected(Reason.CORRUPT_FILE, f"not a CSV file in UTF-8: {error}") from error


def _refusal(source: str, reason: Reason, note: str) -> Refusal:
    return Refusal(source=one_line(source, 200), reason=reason.value, note=one_line(note, 200))
