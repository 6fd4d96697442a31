"""Which prediction records stand: one per image, none that contradict each other, none from another hour."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from tasks.domain.contract import PredictionRecord, untimely
from tasks.domain.contract_reasons import Reason, Rejected
from tasks.domain.model import Kind
from tasks.domain.window import Window

SHARED_KEY = Rejected(reason=Reason.CONFLICTING_RECORDS, note="several image ids for one object")
"""Two image ids for one object: nobody can tell which one the labels will name."""

NO_IMAGE = Rejected(reason=Reason.IMAGE_MISSING, note="no object under that key in the window's folders")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One row of a part, which `landed` then: `source` is `<key of the part>#<row from 1>`."""

    source: str
    size: int
    etag: str
    answer: PredictionRecord | Rejected
    landed: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """A record reduced to what decides whether it stands. `number` finds the record again; `failed`: no answer."""

    number: int
    key: str
    version: str
    answer: bytes
    note: str
    failed: bool = False


def misplaced(record: PredictionRecord, window: Window) -> Rejected | None:
    """Why a record does not belong into the window's folders, or None."""
    if window.contains(record.captured_at):
        return None
    return untimely(record, f"captured_at {record.captured_at.isoformat()} does not belong into this folder")


def answer_of(text: str) -> bytes:
    """A digest of a record's JSON, which must be without its stopwatch: a request is never tried twice equally fast."""
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def classes_of(record: PredictionRecord) -> list[int]:
    """The classes that are on the image, each once; of classify the most probable one."""
    found = record.detections[:1] if record.kind is Kind.CLASSIFY else record.detections
    return sorted({each.class_id for each in found})


def settled(group: Sequence[Brief]) -> Brief | tuple[Sequence[Brief], Rejected]:
    """The record that stands for one image, with what has to be said about it; or those that are refused, and why.

    Equal records of an image count once; of several model versions the highest stands. An answer supersedes requests
    of its version that failed; where all failed the first stands: they agree that there was no answer. Different
    answers of the same version are all refused, with what failed beside them.
    """
    newest = max((each.version for each in group), key=_version_order)
    same = [each for each in group if each.version == newest]
    answers = [each for each in same if not each.failed]
    if len({each.answer for each in answers}) > 1:
        note = f"{len(answers)} different answers for one image"
        return same, Rejected(reason=Reason.CONFLICTING_RECORDS, note=note)
    standing = answers or same
    first = standing[0]
    notes = [
        first.note,
        "duplicate_record" if len(standing) > 1 else "",
        "retried" if len(same) > len(standing) else "",
        "several_versions" if len(group) > len(same) else "",
    ]
    return replace(first, note=" ".join(filter(None, notes)))


def _version_order(version: str) -> tuple[int, int, str]:
    return (1, int(version), version) if version.isascii() and version.isdigit() else (0, 0, version)
