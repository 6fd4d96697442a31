"""Getting parcels into the bucket: at once when it answers, from the spool when it does not."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Protocol

from tasks.capture.spool import Parcel, Spool
from tasks.domain.errors import EvergreenError

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0
"""Seconds between two attempts to reach a store that is away; doubled from the first to the longest."""


class Bucket(Protocol):
    """What is needed of `tasks.adapters.objects.ObjectStore`."""

    def put(self, key: str, data: bytes, content_type: str = ...) -> None:
        """Write an object; raises an `EvergreenError` when it cannot."""


class Delivery:
    """One store with its spool; used by one thread.

    Everything goes through the spool while anything waits in it, so that records never overtake their images.
    """

    def __init__(self, store: Bucket, spool: Spool | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._spool = spool
        self._clock = clock
        self._pause = FIRST_PAUSE
        self._not_before = 0.0
        self.counts: Counter[str] = Counter()

    def send(self, parcel: Parcel) -> None:
        """Deliver now, or keep for later, or count as lost when it can be neither."""
        self.retry()
        if not (self._spool is not None and len(self._spool)) and self._put(parcel):
            return
        if self._spool is not None and self._spool.add(parcel):
            self.counts["spooled"] += 1
        else:
            self.counts["lost"] += 1

    def retry(self) -> None:
        """Deliver what waits, oldest first, until the store fails again."""
        if self._spool is None or not len(self._spool) or self._clock() < self._not_before:
            return
        for parcel in self._spool.waiting():
            if not self._put(parcel):
                return
            self._spool.remove(parcel)
        self._spool.recount()

    def _put(self, parcel: Parcel) -> bool:
        if self._clock() < self._not_before:
            return False
        try:
            self._store.put(parcel.key, parcel.data, parcel.content_type)
        except EvergreenError:
            self.counts["failed_puts"] += 1
            self._not_before = self._clock() + self._pause
            self._pause = min(2 * self._pause, LONGEST_PAUSE)
            return False
        self._pause = FIRST_PAUSE
        self.counts["delivered"] += 1
        return True
