"""From the bucket to a window's tables: list, read records, read images, join; every object once, every answer kept."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from tasks.adapters.images import ImageCache, inspect
from tasks.adapters.objects import ObjectInfo, ObjectStore
from tasks.adapters.objects_read import is_md5
from tasks.domain.contract_reasons import Reason, Rejected
from tasks.domain.errors import EvergreenError, NotFound, ObjectRejected
from tasks.domain.window import Window
from tasks.ingest import members as keys
from tasks.ingest.catalog import Catalog, Seen, join
from tasks.ingest.marks import mark_of
from tasks.ingest.members import Member
from tasks.ingest.reading import rows_of
from tasks.ingest.records import Found, settle
from tasks.ingest.rules import IngestRules
from tasks.ingest.sample import drawn

HEARTBEAT = 60.0
"""Seconds between two renewals of the window's lease while objects are read."""


@dataclass(slots=True, kw_only=True)
class Bucket:
    """The bucket with its local copy: an object whose version was read before is not downloaded again."""

    store: ObjectStore
    cache: ImageCache
    workers: int
    heartbeat: Callable[[], object] = lambda: None

    def contents(self, infos: Sequence[ObjectInfo], max_bytes: int) -> Iterator[tuple[ObjectInfo, bytes | Rejected]]:
        """Each object with its bytes or why it has none, in the given order; `etag` is of the bytes.

        Raises `StoreUnavailable` and `ConfigError`: an outage is never a property of an object.
        """
        beat = time.monotonic()
        for info, data in self._read(infos, max_bytes):
            yield self._answer(info, data, max_bytes)
            if time.monotonic() - beat > HEARTBEAT:
                self.heartbeat()
                beat = time.monotonic()

    def _read(self, infos: Sequence[ObjectInfo], max_bytes: int) -> Iterator[tuple[ObjectInfo, bytes | EvergreenError]]:
        refused = {info.key: why for info in infos if (why := keys.refusal(info.key, info.size, max_bytes))}
        known = {info.key: self.cache.known(info.key, info.etag) for info in infos if info.key not in refused}
        wanted = [key for key, sha256 in known.items() if not sha256]
        fetched = self.store.get_many(wanted, workers=self.workers, max_bytes=max_bytes)
        for info in infos:
            if info.key in refused:
                yield info, ObjectRejected(refused[info.key].reason, refused[info.key].note)
            elif known[info.key]:
                yield info, self.cache.path(known[info.key]).read_bytes()
            else:
                yield info, next(fetched)[1]

    def _answer(
        self, info: ObjectInfo, data: bytes | EvergreenError, max_bytes: int
    ) -> tuple[ObjectInfo, bytes | Rejected]:
        try:
            if isinstance(data, EvergreenError):
                raise data
            if not _is(data, info.etag):
                info, data = self._reread(info, data, max_bytes)
            self.cache.remember(info.key, info.etag, self.cache.add(data))
        except ObjectRejected as error:
            return info, Rejected(reason=error.reason, note=str(error))
        except NotFound as error:
            return info, Rejected(reason=Reason.VANISHED, note=str(error))
        return info, data

    def _reread(self, info: ObjectInfo, data: bytes, max_bytes: int) -> tuple[ObjectInfo, bytes]:
        """The newest version of an object that is not what was listed; once, then it is `changed_during_read`."""
        now = self.store.stat(info.key)
        if now is not None and now.etag == info.etag:
            return info, data  # encrypted stores have ETags that look like an MD5 and are none
        data = self.store.get(info.key, max_bytes)
        after = self.store.stat(info.key)
        if now is None or after is None or after.etag != now.etag:
            raise ObjectRejected(Reason.CHANGED_DURING_READ, f"{info.key[:200]!r} was overwritten twice meanwhile")
        return after, data


def _is(data: bytes, etag: str) -> bool:
    return not is_md5(etag) or hashlib.md5(data, usedforsecurity=False).hexdigest() == etag


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulled:
    """A window's catalog, the chance that each of its images had to be looked at, and the mark of its listing."""

    catalog: Catalog
    probability: float
    left_out: int
    mark: str


def pull_window(bucket: Bucket, model: str, window: Window, rules: IngestRules, classes: int | None) -> Pulled:
    """List, read, judge and join everything of one window."""
    folders = camera_folders(bucket.store, model)
    listed, parts = _members(bucket.store, folders, window), _parts(bucket.store, model, window)
    chosen, probability = drawn([member for member, _ in listed], rules.max_images)
    left_out = frozenset(member.key for member, _ in listed) - {member.key for member in chosen}
    settled = settle(records_of(bucket, parts, rules, classes), window)
    infos = [info for _, info in listed if info.key not in left_out]
    seen = dict(_seen(bucket, infos, rules.max_image_mb << 20))
    catalog = join(chosen, settled, seen, left_out)
    mark = mark_of([*(info for _, info in listed), *parts])
    return Pulled(catalog=catalog, probability=probability, left_out=len(left_out), mark=mark)


def camera_folders(store: ObjectStore, model: str) -> list[str]:
    """The folder of every camera that ever sent an image."""
    return list(store.folders(keys.camera_folder(model)))


def present_mark(store: ObjectStore, folders: Sequence[str], model: str, window: Window) -> str:
    """The mark of what lies in the bucket for a window now; nothing is read but lists."""
    images = (info for _, info in _members(store, folders, window))
    return mark_of([*images, *_parts(store, model, window)])


def _members(store: ObjectStore, folders: Sequence[str], window: Window) -> list[tuple[Member, ObjectInfo]]:
    found = {}
    for prefix in keys.image_prefixes(folders, window):
        for info in store.list(prefix):
            found[info.key] = (keys.member(info.key, info.size, info.etag, info.modified, prefix), info)
    return [found[key] for key in sorted(found)]


def _parts(store: ObjectStore, model: str, window: Window) -> list[ObjectInfo]:
    return [info for prefix in keys.prediction_prefixes(model, window) for info in store.list(prefix)]


def records_of(bucket: Bucket, parts: Sequence[ObjectInfo], rules: IngestRules, classes: int | None) -> Iterator[Found]:
    """Every row of every part, parsed; a part that cannot be read is one refused row named like the part."""
    limit = rules.max_part_mb << 20
    for info, data in bucket.contents(parts, limit):
        if isinstance(data, Rejected):
            yield Found(source=info.key, size=info.size, etag=info.etag, answer=data)
        else:
            latest = info.modified + timedelta(minutes=rules.future_minutes)
            yield from rows_of(info, data, limit, latest, classes)


def _seen(bucket: Bucket, infos: Sequence[ObjectInfo], max_bytes: int) -> Iterable[tuple[str, Seen | Rejected]]:
    for info, data in bucket.contents(infos, max_bytes):
        facts = data if isinstance(data, Rejected) else inspect(data, max_bytes)
        if isinstance(facts, Rejected) or isinstance(data, Rejected):
            yield info.key, facts if isinstance(facts, Rejected) else Rejected(reason=Reason.CORRUPT)
        else:
            sha256 = hashlib.sha256(data).hexdigest()
            shown = {"width": facts.width, "height": facts.height}
            yield info.key, Seen(sha256=sha256, **shown, etag=info.etag, note=facts.note, format=facts.format)
