"""From the bucket to a window's tables: list, read records, draw, read images, write; every object once.

Memory does not grow with the window: what is listed and what records say lies on a scratch sheet on disk, images are
looked at in batches, and tables are written as they come.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import TypeVar

from tasks.adapters.images import inspect
from tasks.adapters.objects import ObjectInfo, ObjectStore
from tasks.adapters.tables import TableStore, TableWriter
from tasks.domain.contract_reasons import Reason, Rejected
from tasks.domain.contract_values import camera_name
from tasks.domain.errors import NotFound
from tasks.domain.snapshot import Claim, Snapshot, TableRef
from tasks.domain.window import Window
from tasks.ingest import catalog as entries
from tasks.ingest import members as keys
from tasks.ingest.bucket import Bucket
from tasks.ingest.marks import Mark
from tasks.ingest.reading import rows_of
from tasks.ingest.records import Found
from tasks.ingest.rules import IngestRules
from tasks.ingest.sheet import Sheet, blank
from tasks.ingest.sheet_rows import Drawn, Look, Seen

T = TypeVar("T")

BATCH = 500
"""Images that are looked at before their rows are written."""

_KNOWN = ["key", "etag", "sha256", "verdict", "reason", "note", "landed", "format", "width", "height", "unusual"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which window of which model is pulled, by what rules.

    `classes` is how many the model has, None when nobody knows. `place` names the tables that are written.
    `before` is the catalog of an earlier look at the window: what it knows of bytes is not downloaded again.
    """

    model: str
    window: Window
    rules: IngestRules
    place: str
    classes: int | None = None
    before: TableRef | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulled:
    """A window's tables, how many rows are in which state, how many images were not drawn, and the listing's mark."""

    catalog: TableRef
    predictions: TableRef
    accepted: int
    quarantined: Counter[str]
    left_out: int
    mark: str

    @property
    def refused(self) -> int:
        """Rows that are quarantined, whatever the reason."""
        return sum(self.quarantined.values())

    def snapshot(self, claim: Claim, recipe: str) -> Snapshot:
        """The same in the words of the stages that follow; `recipe` is `tasks.ingest.again.recipe`."""
        return Snapshot(
            claim=claim,
            catalog=self.catalog,
            predictions=self.predictions,
            listed=self.accepted + self.refused,
            accepted=self.accepted,
            quarantined=self.refused,
            mark=self.mark,
            left_out=self.left_out,
            recipe=recipe,
        )


def pull_window(bucket: Bucket, tables: TableStore, asked: Asked) -> Pulled:
    """List, read, judge and join everything of one window.

    An image without a record is accepted as `no_prediction`; a record whose image was not kept has no row in the
    catalog, only a prediction; one that names an image which is not there is refused.
    """
    mark = Mark()
    with tables.scratch() as folder, blank(folder) as sheet:
        folders = camera_folders(bucket.store, asked.model)
        listed = _listed(bucket.store, folders, asked.window)
        sheet.add_objects(
            keys.member(info.key, info.size, info.etag, info.modified, at) for at, info in mark.noting(listed)
        )
        parts = mark.passing(_parts(bucket.store, asked.model, asked.window))
        sheet.add_records(records_of(bucket, parts, asked.rules, asked.classes), asked.window)
        sheet.settle(timedelta(seconds=asked.rules.session_gap_seconds))
        left_out = sheet.draw(asked.rules.max_images)
        if asked.before is not None:
            with suppress(NotFound):  # somebody tidied it away: the images are read again
                for batch in tables.batches(asked.before, _KNOWN):
                    sheet.add_known(entries.looks_of(batch))
        return _written(bucket, tables, asked, sheet, left_out, mark.text())


def camera_folders(store: ObjectStore, model: str) -> list[str]:
    """The folder of every camera that ever sent an image."""
    return list(store.folders(keys.camera_folder(model)))


def present_mark(store: ObjectStore, folders: Sequence[str], model: str, window: Window) -> str:
    """The mark of what lies in the bucket for a window now; nothing is read but lists."""
    mark = Mark()
    mark.note(info for _, info in _listed(store, folders, window))
    mark.note(_parts(store, model, window))
    return mark.text()


def records_of(bucket: Bucket, parts: Iterable[ObjectInfo], rules: IngestRules, classes: int | None) -> Iterator[Found]:
    """Every row of every part, parsed; a part that cannot be read is one refused row named like the part."""
    limit = rules.max_part_mb << 20
    for info, data in bucket.contents(parts, limit):
        if isinstance(data, Rejected):
            yield Found(source=info.key, size=info.size, etag=info.etag, answer=data)
        else:
            latest = info.modified + timedelta(minutes=rules.future_minutes)
            yield from rows_of(info, data, limit, latest, classes)


def _listed(store: ObjectStore, folders: Sequence[str], window: Window) -> Iterator[tuple[str, ObjectInfo]]:
    """Every object below the window's image folders, with its folder; one that a page repeats comes once."""
    for prefix in keys.image_prefixes(folders, window):
        before = ""
        for info in store.list(prefix):
            if info.key != before:
                yield prefix, info
            before = info.key


def _parts(store: ObjectStore, model: str, window: Window) -> Iterator[ObjectInfo]:
    """Every file of records, one listed page at a time: where production writes one an image, they are many."""
    return (info for prefix in keys.prediction_prefixes(model, window) for info in store.list(prefix))


def _written(bucket: Bucket, tables: TableStore, asked: Asked, sheet: Sheet, left_out: int, mark: str) -> Pulled:
    tally, folder = entries.Tally(), f"{asked.model}/evergreen"
    limit = asked.rules.max_image_mb << 20
    with (
        tables.writer("catalog", f"{folder}/catalog/{asked.place}") as catalog,
        tables.writer("predictions", f"{folder}/predictions/{asked.place}") as predictions,
    ):
        for batch in _groups(sheet.objects()):
            _write_objects(batch, dict(_looks(bucket, batch, limit)), sheet, tally, (catalog, predictions))
        for batch in _groups(sheet.lone_records()):
            predictions.write(entries.answers([(each, each.record) for each in batch if each.record]))
        for refused in _groups(sheet.refused()):
            rows = [entries.refused_row(each) for each in refused]
            catalog.write(entries.arrow(rows))
            tally.quarantined.update(row["reason"] for row in rows)
    return Pulled(
        catalog=catalog.ref,
        predictions=predictions.ref,
        accepted=tally.accepted,
        quarantined=tally.quarantined,
        left_out=left_out,
        mark=mark,
    )


def _write_objects(
    batch: Sequence[Drawn],
    looks: dict[str, Look],
    sheet: Sheet,
    tally: entries.Tally,
    into: tuple[TableWriter, TableWriter],
) -> None:
    rows, records = [], []
    for drawn in batch:
        if drawn.member is None:
            continue
        row, record = entries.object_row(drawn.member, drawn, looks[drawn.member.key], sheet.first_with)
        rows.append(row)
        tally.add(row)
        if record is not None:
            records.append((drawn, record))
    into[0].write(entries.arrow(rows))
    into[1].write(entries.answers(records))


def _looks(bucket: Bucket, batch: Sequence[Drawn], max_bytes: int) -> Iterator[tuple[str, Look]]:
    """What the bytes of each object are, by key; only what no earlier look knows is read."""
    wanted = []
    for drawn in batch:
        member = drawn.member
        if member is None:
            continue
        if not camera_name(member.camera):
            yield member.key, Rejected(reason=Reason.BAD_NAME, note=f"the camera's folder is {member.camera!r}")
        elif drawn.known is not None and keys.refusal(member.key, member.size, max_bytes) is None:
            yield member.key, drawn.known
        else:
            wanted.append(member.info())
    for info, data in bucket.contents(wanted, max_bytes):
        yield info.key, data if isinstance(data, Rejected) else _look(data, info.etag, max_bytes)


def _look(data: bytes, etag: str, max_bytes: int) -> Look:
    facts = inspect(data, max_bytes)
    if isinstance(facts, Rejected):
        return facts
    sha256 = hashlib.sha256(data).hexdigest()
    shape = {"width": facts.width, "height": facts.height}
    return Seen(sha256=sha256, **shape, etag=etag, note=facts.note, format=facts.format)


def _groups(found: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(found)
    while group := list(islice(rest, BATCH)):
        yield group
