"""The catalog of a window: every object and every refused row, each in exactly one state."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa

from tasks.domain.contract import PredictionRecord
from tasks.domain.contract_reasons import Reason, Rejected
from tasks.domain.contract_tables import predictions_table
from tasks.domain.tables import CATALOG
from tasks.ingest.members import Member
from tasks.ingest.records import Refused, Settled, Standing
from tasks.ingest.sessions import derived_sessions

ACCEPTED = "accepted"
QUARANTINED = "quarantined"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the bytes of an image are; pixels as shown. `etag` is of the bytes that were read."""

    sha256: str
    width: int
    height: int
    etag: str
    note: str = ""
    format: str = ""


@dataclass(slots=True)
class Catalog:
    """Rows of the catalog and the records of accepted images, in the order of keys."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    records: list[PredictionRecord] = field(default_factory=list)

    @property
    def accepted(self) -> int:
        """Images that may be used."""
        return sum(row["verdict"] == ACCEPTED for row in self.rows)

    def quarantined(self) -> dict[str, int]:
        """Reason -> number of rows, in order of reasons."""
        counts = Counter(str(row["reason"]) for row in self.rows if row["verdict"] == QUARANTINED)
        return dict(sorted(counts.items()))

    def table(self) -> pa.Table:
        """The catalog as Arrow."""
        return pa.Table.from_pylist(self.rows, schema=CATALOG)


def join(
    members: Sequence[Member],
    settled: Settled,
    seen: Mapping[str, Seen | Rejected],
    left_out: frozenset[str] = frozenset(),
) -> Catalog:
    """Put images and records together.

    Args:
        members: Objects of the window that were looked at.
        settled: Records that stand, and refused rows.
        seen: What each member's bytes are, or why they are refused, by key.
        left_out: Keys of objects that exist but were not drawn into the sample; their records are left out too.

    Returns:
        One row per member and one per row that was refused or names an image that is not there. An image without
        a record is accepted as `no_prediction`; a record without a kept image has no row, only a prediction.
    """
    catalog = Catalog()
    by_key = {each.record.key: each for each in settled.standing if each.record.key}
    first_with: dict[str, str] = {}
    for each in members:
        answer, standing = seen[each.key], by_key.get(each.key)
        if isinstance(answer, Seen) and standing:
            answer = _checked(answer, standing.record)
        catalog.rows.append(_image_row(each, standing, answer, first_with))
        if isinstance(answer, Seen) and standing:
            catalog.records.append(standing.record.model_copy(update={"sha256": answer.sha256}))
    known = {each.key for each in members} | left_out
    missing = Rejected(reason=Reason.IMAGE_MISSING, note="no object under that key in the window's folders")
    for standing in settled.standing:
        if not standing.record.key:
            catalog.records.append(standing.record)
        elif standing.record.key not in known:
            catalog.rows.append(_refused_row(Refused(found=standing.found, why=missing), standing.record))
    catalog.rows.extend(_refused_row(each) for each in settled.refused)
    return catalog


def _checked(seen: Seen, record: PredictionRecord) -> Seen | Rejected:
    if record.sha256 and record.sha256 != seen.sha256:
        note = f"the record says {record.sha256[:12]}, the bytes are {seen.sha256[:12]}"
        return Rejected(reason=Reason.CHECKSUM, note=note)
    return seen


def _image_row(
    member: Member, standing: Standing | None, answer: Seen | Rejected, first_with: dict[str, str]
) -> dict[str, Any]:
    record = standing.record if standing else None
    row = {
        "key": member.key,
        "image_id": record.image_id if record else member.image_id,
        "captured_at": record.captured_at if record else member.moment,
        "camera": record.camera if record else member.camera,
        "size": member.size,
        "etag": answer.etag if isinstance(answer, Seen) else member.etag,
        "landed": member.landed,
    }
    if isinstance(answer, Rejected):
        why = {"verdict": QUARANTINED, "reason": answer.reason.value, "note": answer.note}
        return {**row, "sha256": None, "format": None, **why}
    notes = [answer.note, standing.note if standing else "no_prediction"]
    if record and record.width and (record.width, record.height) != (answer.width, answer.height):
        notes.append(f"size_differs {record.width}x{record.height} in the record, {answer.width}x{answer.height} shown")
    original = first_with.setdefault(answer.sha256, member.key)
    notes.append(f"duplicate_of {original}" if original != member.key else "")
    row |= {"sha256": answer.sha256, "format": answer.format or None}
    return {**row, "verdict": ACCEPTED, "reason": "", "note": " ".join(filter(None, notes))}


def _refused_row(refused: Refused, record: PredictionRecord | None = None) -> dict[str, Any]:
    return {
        "key": refused.found.source,
        "image_id": record.image_id if record else None,
        "captured_at": record.captured_at if record else None,
        "camera": record.camera if record else None,
        "size": refused.found.size,
        "etag": refused.found.etag,
        "sha256": None,
        "verdict": QUARANTINED,
        "reason": refused.why.reason.value,
        "note": refused.why.note,
        "landed": None,
        "format": None,
    }


def predictions_of(catalog: Catalog, gap: timedelta, probability: float) -> pa.Table:
    """The predictions table: sessions derived where none was given, chances multiplied by that of the sample."""
    shots: list[tuple[str, datetime]] = [(record.camera, record.captured_at) for record in catalog.records]
    sessions = derived_sessions(shots, gap)
    records = [
        record.model_copy(
            update={
                "session": record.session or session,
                "sampling_probability": _times(record.sampling_probability, probability),
            }
        )
        for record, session in zip(catalog.records, sessions, strict=True)
    ]
    return predictions_table(records)


def _times(given: float | None, probability: float) -> float | None:
    return given if probability == 1.0 else (given or 1.0) * probability
