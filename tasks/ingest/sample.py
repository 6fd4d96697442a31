"""Which images of a crowded window are looked at: always the same ones, each with the same known chance."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from tasks.ingest.members import Member


def drawn(members: Sequence[Member], limit: int) -> tuple[list[Member], float]:
    """At most `limit` members in order of keys, and the chance that each one had to be among them (0..1].

    The draw is by a hash of the key: running a window again looks at the same images.
    """
    ordered = sorted(members, key=lambda each: each.key)
    if len(ordered) <= limit:
        return ordered, 1.0
    chosen = sorted(ordered, key=lambda each: hashlib.sha256(each.key.encode("utf-8", "surrogatepass")).digest())[
        :limit
    ]
    return sorted(chosen, key=lambda each: each.key), limit / len(ordered)
