"""Which prediction records stand: one per image, none that contradict each other, none from another hour."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tasks.domain.contract import PredictionRecord
from tasks.domain.contract_reasons import Reason, Rejected
from tasks.domain.window import Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One row of a part: `source` is `<key of the part>#<row from 1>`."""

    source: str
    size: int
    etag: str
    answer: PredictionRecord | Rejected


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A row that will not be used, and why."""

    found: Found
    why: Rejected


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A record that stands, with what had to be said about it."""

    found: Found
    record: PredictionRecord
    note: str = ""


@dataclass(slots=True)
class Settled:
    """Records that stand and rows that do not."""

    standing: list[Standing] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)


def settle(rows: Iterable[Found], window: Window) -> Settled:
    """Sort the rows of all parts into those that stand and those that do not.

    Equal records of an image count once; different ones of the same model version are all refused; of several
    model versions the highest stands. A record whose time lies outside the window lies in the wrong folder.
    """
    settled = Settled()
    by_image: dict[str, list[Standing]] = defaultdict(list)
    for row in rows:
        if isinstance(row.answer, Rejected):
            settled.refused.append(Refused(found=row, why=row.answer))
        elif not window.contains(row.answer.captured_at):
            note = f"captured_at {row.answer.captured_at.isoformat()} does not belong into this folder"
            settled.refused.append(Refused(found=row, why=Rejected(reason=Reason.BAD_TIME, note=note)))
        else:
            by_image[row.answer.image_id].append(Standing(found=row, record=row.answer, note=row.answer.note))
    for group in by_image.values():
        _settle_image(group, settled)
    _refuse_shared_keys(settled)
    settled.standing.sort(key=lambda each: each.record.image_id)
    return settled


def _settle_image(group: Sequence[Standing], settled: Settled) -> None:
    newest = max((each.record.model_version for each in group), key=_version_order)
    same = [each for each in group if each.record.model_version == newest]
    if any(_answer(each.record) != _answer(same[0].record) for each in same):
        why = Rejected(reason=Reason.CONFLICTING_RECORDS, note=f"{len(same)} different records of one image")
        settled.refused.extend(Refused(found=each.found, why=why) for each in same)
        return
    first = same[0]
    notes = [
        first.note,
        "duplicate_record" if len(same) > 1 else "",
        "several_versions" if len(group) > len(same) else "",
    ]
    settled.standing.append(Standing(found=first.found, record=first.record, note=" ".join(filter(None, notes))))


def _answer(record: PredictionRecord) -> PredictionRecord:
    """The record without its stopwatch: a request that was tried twice answers alike, never equally fast."""
    return record.model_copy(update={"latency_ms": None})


def _version_order(version: str) -> tuple[int, int, str]:
    return (1, int(version), version) if version.isascii() and version.isdigit() else (0, 0, version)


def _refuse_shared_keys(settled: Settled) -> None:
    """Two image ids for one object: nobody can tell which one the labels will name."""
    by_key: dict[str, list[Standing]] = defaultdict(list)
    for each in settled.standing:
        by_key[each.record.key].append(each)
    for key, group in by_key.items():
        if key and len(group) > 1:
            why = Rejected(reason=Reason.CONFLICTING_RECORDS, note=f"{len(group)} image ids for one object")
            settled.refused.extend(Refused(found=each.found, why=why) for each in group)
            settled.standing = [each for each in settled.standing if each.record.key != key]
