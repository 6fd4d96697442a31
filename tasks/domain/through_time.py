"""A few of many images: the newest ones, and a fixed draw of all times before."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

Item = TypeVar("Item")


def through_time(
    items: Sequence[Item], most: int, moment: Callable[[Item], datetime], sha256: Callable[[Item], str]
) -> list[Item]:
    """At most `most` items: of more, half are the newest, the others a draw of all older ones.

    Their order follows from hashes of their bytes, so that any first part of it is of all times and cameras.
    What is asked about is production as it is; what it was once may come back. The same items give the same choice,
    and one more item changes few of it.
    """
    ranked = sorted(items, key=lambda item: hashlib.sha256(sha256(item).encode()).digest())
    if len(ranked) <= most:
        return ranked
    by_age = sorted(range(len(ranked)), key=lambda at: moment(ranked[at]), reverse=True)
    newest = set(by_age[: most // 2])
    drawn = [at for at in range(len(ranked)) if at not in newest][: most - len(newest)]
    return [ranked[at] for at in sorted([*newest, *drawn])]
