"""Which labelled images a version is calibrated on, and when it is time to do it again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from tasks.domain.through_time import through_time

MOST = 400
"""Labelled images that a calibration looks at."""

GROWN = 1.5
"""A version is calibrated again when it has so many times the labels of before, or when as large a part is newer."""

Row = Mapping[str, Any]
"""A row of a `datasets` table."""


def chosen(rows: Iterable[Row], most: int = MOST) -> list[Row]:
    """At most `most` rows, one of each content; see `through_time` for which and in which order."""
    known = {row["sha256"]: row for row in rows}
    return through_time(list(known.values()), most, lambda row: row["captured_at"], lambda row: row["sha256"])


def newest(rows: Sequence[Row]) -> list[int]:
    """The places of the newer half of the images."""
    return sorted(sorted(range(len(rows)), key=lambda at: rows[at]["captured_at"])[len(rows) // 2 :])


def until(rows: Iterable[Row]) -> datetime | None:
    """When the newest of the images was captured; None without one."""
    return max((row["captured_at"] for row in rows), default=None)


def outgrown(noted: Mapping[str, Any], rows: list[Row]) -> bool:
    """Whether what would be looked at now is so much more, or so much newer, than what was (`noted` in the ledger)."""
    if len(rows) >= GROWN * noted["labels"]:
        return True
    before = noted.get("until")
    if not before:  # noted by an earlier program
        return False
    newer: int = sum(row["captured_at"] > datetime.fromisoformat(before) for row in rows)
    return newer > (1 - 1 / GROWN) * len(rows)
