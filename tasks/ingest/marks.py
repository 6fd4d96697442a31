"""What was listed for a window, as one line: enough to see later whether anything new has landed in it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from tasks.adapters.objects import ObjectInfo

NEVER = datetime.min.replace(tzinfo=UTC)
_SPACE = 1 << 128


class Mark:
    """Adds up a listing object by object; the order does not matter, and nothing but sums is kept."""

    def __init__(self) -> None:
        self._count, self._sum, self._newest = 0, 0, NEVER

    def note(self, listed: Iterable[ObjectInfo]) -> None:
        """Count these objects."""
        for info in listed:
            self._add(info)

    def noting(self, listed: Iterable[tuple[str, ObjectInfo]]) -> Iterator[tuple[str, ObjectInfo]]:
        """The same objects with their folders, each counted as it passes."""
        for folder, info in listed:
            self._add(info)
            yield folder, info

    def passing(self, listed: Iterable[ObjectInfo]) -> Iterator[ObjectInfo]:
        """The same objects, each counted as it passes."""
        for info in listed:
            self._add(info)
            yield info

    def text(self) -> str:
        """`<objects> <newest change> <digest of keys and ETags>`."""
        return f"{self._count} {self._newest.isoformat()} {self._sum % _SPACE:032x}"

    def _add(self, info: ObjectInfo) -> None:
        digest = hashlib.sha256(f"{info.key}\0{info.etag}".encode("utf-8", "surrogatepass")).digest()
        self._count += 1
        self._sum += int.from_bytes(digest[:16], "big")
        self._newest = max(self._newest, info.modified)


def mark_of(listed: Iterable[ObjectInfo]) -> str:
    """The mark of a listing.

    >>> mark_of([]).split()[:2]
    ['0', '0001-01-01T00:00:00+00:00']
    """
    mark = Mark()
    mark.note(listed)
    return mark.text()


def grew(before: str, now: str) -> bool:
    """Whether an object is new or was overwritten since `before`.

    Objects that were only deleted (a retention rule) are no reason to judge again: that would lose what was counted.
    A window without a mark was committed by an older program: nobody can tell, a person may ask for it by name.
    """
    if not before:
        return False
    (count, changed, digest), (count_now, changed_now, digest_now) = before.split(), now.split()
    if digest == digest_now:
        return False
    return int(count_now) > int(count) or datetime.fromisoformat(changed_now) > datetime.fromisoformat(changed)
