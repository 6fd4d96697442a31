"""The bucket with its local copy: an object whose version was read before is not downloaded again."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from tasks.adapters.images import ImageCache
from tasks.adapters.objects import ObjectInfo, ObjectStore
from tasks.adapters.objects_read import is_md5
from tasks.domain.contract_reasons import Reason, Rejected
from tasks.domain.errors import EvergreenError, NotFound, ObjectRejected
from tasks.ingest import members as keys

HEARTBEAT = 60.0
"""Seconds between two renewals of the window's lease while objects are read."""

BATCH_OBJECTS, BATCH_BYTES = 1000, 256 << 20
"""Objects that are asked for in one go, and how many bytes of them may wait in memory together."""


@dataclass(slots=True, kw_only=True)
class Bucket:
    """Reads objects through the local copy, several at a time; memory is bounded by `BATCH_BYTES`."""

    store: ObjectStore
    cache: ImageCache
    workers: int
    heartbeat: Callable[[], object] = lambda: None

    def contents(self, infos: Iterable[ObjectInfo], max_bytes: int) -> Iterator[tuple[ObjectInfo, bytes | Rejected]]:
        """Each object with its bytes or why it has none, in the given order; `etag` is of the bytes.

        Raises `StoreUnavailable` and `ConfigError`: an outage is never a property of an object.
        """
        beat = time.monotonic()
        for batch in batches(infos):
            for info, data in self._read(batch, max_bytes):
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
            return info, data  # it was sent in parts or encrypted: its ETag is no MD5 of its bytes
        data = self.store.get(info.key, max_bytes)
        after = self.store.stat(info.key)
        if now is None or after is None or after.etag != now.etag:
            raise ObjectRejected(Reason.CHANGED_DURING_READ, f"{info.key[:200]!r} was overwritten twice meanwhile")
        return after, data


def batches(infos: Iterable[ObjectInfo]) -> Iterator[list[ObjectInfo]]:
    """The objects in the given order, in groups that may be in memory together; a larger one is a group alone."""
    group: list[ObjectInfo] = []
    weight = 0
    for info in infos:
        if group and (len(group) >= BATCH_OBJECTS or weight + info.size > BATCH_BYTES):
            yield group
            group, weight = [], 0
        group.append(info)
        weight += info.size
    if group:
        yield group


def _is(data: bytes, etag: str) -> bool:
    """Whether the ETag proves that these are the bytes that were listed; if not, the store has to be asked."""
    return is_md5(etag) and hashlib.md5(data, usedforsecurity=False).hexdigest() == etag
