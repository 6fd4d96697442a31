"""The catalog of a window: every object and every refused row, each in exactly one state."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from tasks.domain.contract import PredictionRecord
from tasks.domain.contract_reasons import Reason, Rejected
from tasks.domain.contract_tables import predictions_table
from tasks.domain.contract_values import camera_name
from tasks.domain.tables import CATALOG
from tasks.domain.tables_catalog import CHANCE, DRAWN
from tasks.ingest.members import Member
from tasks.ingest.sheet_rows import Drawn, Look, Refused, Seen

ACCEPTED = "accepted"
QUARANTINED = "quarantined"

AGAIN = frozenset(
    {
        Reason.CHECKSUM,
        Reason.DUPLICATE_ID,
        Reason.TOO_LARGE,
        Reason.VANISHED,
        Reason.CHANGED_DURING_READ,
        Reason.FETCH_TIMEOUT,
    }
)
"""Refusals that say nothing lasting about an object's bytes: it is asked for again when its window is judged again."""


@dataclass(slots=True)
class Tally:
    """How many rows are in which state."""

    accepted: int = 0
    quarantined: Counter[str] = field(default_factory=Counter)

    def add(self, row: dict[str, Any]) -> None:
        """Count one row of the catalog."""
        if row["verdict"] == ACCEPTED:
            self.accepted += 1
        else:
            self.quarantined[row["reason"]] += 1


def object_row(
    member: Member, drawn: Drawn, look: Look, first_with: Callable[[str, str], str]
) -> tuple[dict[str, Any], PredictionRecord | None]:
    """The row of an object, and the record to keep beside it (None when there is none or the object is refused).

    Args:
        member: What was listed.
        drawn: Its chance, its record, and what had to be said about it.
        look: What its bytes are, or why they are refused.
        first_with: For a content hash and a key: the key that this hash was first asked about with.
    """
    record = drawn.record
    if record is not None and isinstance(look, Seen):
        look = _checked(look, record)
    if drawn.other and isinstance(look, Seen):
        look = Rejected(reason=Reason.DUPLICATE_ID, note=f"{member.image_id!r} is also {drawn.other}")
    claimed, camera = (record.captured_at, record.camera) if record else drawn.claimed or (None, _camera(member))
    row = {
        "key": member.key,
        "image_id": record.image_id if record else _own_id(member, drawn),
        "captured_at": record.captured_at if record else member.moment_by(claimed),
        "camera": camera,
        "claimed": claimed,
        "size": member.size,
        "etag": look.etag if isinstance(look, Seen) else member.etag,
        "landed": member.landed,
        CHANCE: (record.sampling_probability or 1.0) * drawn.chance if record else drawn.chance,
        DRAWN: drawn.chance,
    }
    if isinstance(look, Rejected):
        return {**row, **refused(look)}, None
    original = first_with(look.sha256, member.key)
    notes = [look.note, _record_note(drawn), _size_note(record, look), _camera_note(record, member)]
    notes.append(f"duplicate_of {original}" if original != member.key else "")
    shape = {"format": look.format or None, "width": look.width, "height": look.height}
    seen = {"sha256": look.sha256, **shape, "unusual": look.note}
    state = {"verdict": ACCEPTED, "reason": "", "note": " ".join(filter(None, notes))}
    return {**row, **seen, **state}, record and record.model_copy(update={"sha256": look.sha256})


def refused(why: Rejected) -> dict[str, Any]:
    """The columns of a row that say that it is quarantined, and why."""
    return {"verdict": QUARANTINED, "reason": why.reason.value, "note": why.note}


def refused_row(row: Refused) -> dict[str, Any]:
    """The row of the catalog for a refused row of a part."""
    return {
        "key": row.source,
        "image_id": row.image_id,
        "captured_at": row.moment,
        "camera": row.camera,
        "claimed": row.moment if row.alone else None,
        "landed": row.landed,
        "size": row.size,
        "etag": row.etag,
        **refused(row.why),
    }


def looks_of(batch: pa.RecordBatch) -> list[tuple[str, str, Look]]:
    """What an earlier catalog knows about bytes: key, ETag and look; nothing for tables that do not tell it."""
    found: list[tuple[str, str, Look]] = []
    for row in batch.to_pylist():
        if row["verdict"] == ACCEPTED and row["width"] and row["format"]:
            shape = {name: row[name] for name in ("sha256", "width", "height", "etag", "format")}
            look: Look = Seen(**shape, note=row["unusual"] or "")
        elif row["verdict"] == QUARANTINED and row["landed"] and Reason(row["reason"]) not in AGAIN:
            look = Rejected(reason=Reason(row["reason"]), note=row["note"])
        else:
            continue
        found.append((row["key"], row["etag"], look))
    return found


def arrow(rows: list[dict[str, Any]]) -> pa.Table:
    """Rows of the catalog as Arrow; what a row does not say is null."""
    return pa.Table.from_pylist(rows, schema=CATALOG)


def answers(found: Sequence[tuple[Drawn, PredictionRecord]]) -> pa.Table:
    """Records as Arrow, with the chances that they were drawn with."""
    return predictions_table((kept(*each) for each in found), [drawn.chance for drawn, _ in found])


def kept(drawn: Drawn, record: PredictionRecord) -> PredictionRecord:
    """The record as it is written down: with its session."""
    return record.model_copy(update={"session": record.session or drawn.session})


def _own_id(member: Member, drawn: Drawn) -> str:
    """What an image is called that no record names; by its whole key where its name is another's too.

    So a label that names the key of the one never becomes the other's.
    """
    return member.key if drawn.other else member.image_id


def _checked(seen: Seen, record: PredictionRecord) -> Look:
    if record.sha256 and record.sha256 != seen.sha256:
        note = f"the record says {record.sha256[:12]}, the bytes are {seen.sha256[:12]}"
        return Rejected(reason=Reason.CHECKSUM, note=note)
    return seen


def _camera(member: Member) -> str | None:
    """The camera of its folder, unless that is no name of a camera: such names go no further than the key."""
    return member.camera if camera_name(member.camera) else None


def _record_note(drawn: Drawn) -> str:
    if drawn.record is not None:
        return drawn.note
    return "contradicted" if drawn.contradicted else "no_prediction"


def _camera_note(record: PredictionRecord | None, member: Member) -> str:
    if record is None or record.camera == member.camera:
        return ""
    return f"camera_differs {record.camera} in the record, {member.camera} in the key"


def _size_note(record: PredictionRecord | None, seen: Seen) -> str:
    if record is None or not record.width or (record.width, record.height) == (seen.width, seen.height):
        return ""
    return f"size_differs {record.width}x{record.height} in the record, {seen.width}x{seen.height} shown"
