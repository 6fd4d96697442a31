"""The rows of a window's scratch sheet, and the nouns of this stage that they stand for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tasks.domain.contract import Latency, PredictionRecord
from tasks.domain.contract_reasons import Reason, Rejected
from tasks.ingest import sample
from tasks.ingest.members import Member, ending
from tasks.ingest.records import Brief, Found, answer_of, classes_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the bytes of an image are; pixels as shown. `etag` is of the bytes that were read."""

    sha256: str
    width: int
    height: int
    etag: str
    note: str = ""
    format: str = ""


Look = Seen | Rejected


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A listed object that is looked at, or (without `member`) a record whose image was not kept.

    `record` is the one that stands, with `note` and `session`; `known` is what an earlier look at these bytes found;
    `contradicted`: there are records, and they contradict each other.
    `other` names what else is called like this object, where no record tells which of them is meant; else empty.
    `claimed` is when, and by which camera, a record that was refused for that claim says that the image was taken.
    """

    member: Member | None
    chance: float
    record: PredictionRecord | None
    note: str = ""
    session: str = ""
    known: Look | None = None
    contradicted: bool = False
    other: str = ""
    claimed: tuple[datetime, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A row of a part that will not be used, and why; who it was about, and when the part landed, where that is known.

    `alone`: it was refused for its time, and no image of the window tells of that.
    """

    source: str
    size: int
    etag: str
    why: Rejected
    image_id: str | None = None
    moment: datetime | None = None
    camera: str | None = None
    landed: datetime | None = None
    alone: bool = False


def object_row(member: Member) -> tuple[Any, ...]:
    """A row of `objects`."""
    moment, landed = member.moment.isoformat(), member.landed.isoformat()
    return member.key, member.size, member.etag, member.camera, member.image_id, moment, landed, ending(member.key)


def record_row(row: Found, record: PredictionRecord) -> tuple[Any, ...]:
    """A row of `records`, but for its number."""
    latency = record.latency_ms.model_dump_json() if record.latency_ms else None
    text = record.model_dump_json(by_alias=True, exclude={"latency_ms"}, exclude_defaults=True)
    classes = " ".join(map(str, classes_of(record)))
    return (
        row.source, row.size, row.etag, record.image_id, record.key, record.camera, record.captured_at.isoformat(),
        record.model_version, answer_of(text), classes, bool(record.error), record.note, latency, text,
    )  # fmt: skip


def brief(row: tuple[Any, ...]) -> Brief:
    """A row of the query `BRIEFS`."""
    _, number, key, version, answer, note, failed = row
    return Brief(number=number, key=key, version=version, answer=answer, note=note, failed=bool(failed))


def refusal_row(row: Found, why: Rejected) -> tuple[Any, ...]:
    """A row of `refused`."""
    told: tuple[str | None, ...] = (None,) * 5
    if (about := why.about) is not None:
        landed = row.landed.isoformat() if row.landed else None
        told = about.image_id, about.captured_at.isoformat(), about.camera, landed, about.key
    return row.source, row.size, row.etag, why.reason.value, why.note, *told


def known_row(key: str, etag: str, look: Look) -> tuple[Any, ...]:
    """A row of `known`."""
    if isinstance(look, Rejected):
        return key, etag, None, None, None, None, look.reason.value, look.note
    return key, etag, look.sha256, look.width, look.height, look.format, None, look.note


def class_of(seen_on: Mapping[int, int]) -> Callable[[str | None, int | None], str]:
    """The third part of a stratum, from the columns `classes` and `failed` of a record (null: there is none)."""

    def told(classes: str | None, failed: int | None) -> str:
        if classes is None:
            return sample.NO_RECORD
        return sample.FAILED if failed else sample.rarest([int(each) for each in classes.split()], seen_on)

    return told


def drawn_object(row: tuple[Any, ...]) -> Drawn:
    """A row of the query `OBJECTS`."""
    key, size, etag, camera, image_id, moment, landed, chance, text, latency, note, session, contradicted, other = row[
        :14
    ]
    member = Member(
        key=key,
        size=size,
        etag=etag,
        camera=camera,
        image_id=image_id,
        moment=datetime.fromisoformat(moment),
        landed=datetime.fromisoformat(landed),
    )
    record = _record(text, latency) if text else None
    return Drawn(
        member=member,
        chance=chance,
        record=record,
        note=note or "",
        session=session or "",
        known=_known(etag, row[14:20]),
        contradicted=bool(contradicted),
        other=other,
        claimed=(datetime.fromisoformat(row[20]), row[21]) if row[20] and record is None else None,
    )


def drawn_record(row: tuple[Any, ...]) -> Drawn:
    """A row of the query `LONE`."""
    text, latency, chance, session = row
    return Drawn(member=None, chance=chance, record=_record(text, latency), session=session)


def refused_row(row: tuple[Any, ...]) -> Refused:
    """A row of the query `REFUSED`."""
    source, size, etag, reason, note, image_id, moment, camera, landed, alone = row
    return Refused(
        source=source,
        size=size,
        etag=etag,
        why=Rejected(reason=Reason(reason), note=note),
        image_id=image_id,
        moment=datetime.fromisoformat(moment) if moment else None,
        camera=camera,
        landed=datetime.fromisoformat(landed) if landed else None,
        alone=bool(alone),
    )


def _record(text: str, latency: str | None) -> PredictionRecord:
    record = PredictionRecord.model_validate_json(text)
    if latency is None:
        return record
    return record.model_copy(update={"latency_ms": Latency.model_validate_json(latency)})


def _known(etag: str, row: tuple[Any, ...]) -> Look | None:
    sha256, width, height, shape, reason, note = row
    if sha256:
        return Seen(sha256=sha256, width=width, height=height, etag=etag, note=note, format=shape)
    return Rejected(reason=Reason(reason), note=note) if reason else None
