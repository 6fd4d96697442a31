"""What was listed for a window, as one line: enough to see later whether anything new has landed in it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime

from tasks.adapters.objects import ObjectInfo

NEVER = datetime.min.replace(tzinfo=UTC)


def mark_of(listed: Iterable[ObjectInfo]) -> str:
    """`<objects> <newest change> <digest of keys and ETags>`, whatever the order of the listing.

    >>> mark_of([]).split()[:2]
    ['0', '0001-01-01T00:00:00+00:00']
    """
    infos = sorted(listed, key=lambda info: info.key)
    digest = hashlib.sha256("\n".join(f"{info.key}\0{info.etag}" for info in infos).encode("utf-8", "surrogatepass"))
    newest = max((info.modified for info in infos), default=NEVER)
    return f"{len(infos)} {newest.isoformat()} {digest.hexdigest()[:32]}"


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
