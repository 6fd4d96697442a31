"""How inference is shared out over workers: by the images' hashes, so that a shard is the same whoever asks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

LEAST = 16
"""Images below which starting another process costs more than it brings."""

ROUNDS = 2
"""How often what is missing is shared out: workers may be killed for reasons of their machine, not of the images."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """Shard `number` (from 0) of `count`; `asker` names the machine and folder where the answers are wanted."""

    number: int
    count: int
    asker: str

    def rows_of(self, hashes: Sequence[str]) -> list[int]:
        """The rows of a table with these image hashes that belong to the shard; equal images are in one shard.

        >>> Shard(number=1, count=2, asker="").rows_of(["00", "01", "02", "03"])
        [1, 3]
        """
        return [row for row, sha256 in enumerate(hashes) if int(sha256[:12], 16) % self.count == self.number]


def shards_of(unknown: int, workers: int, asker: str) -> tuple[Shard, ...]:
    """As many shards as workers, fewer for few images; () when there is nothing to share.

    >>> len(shards_of(1000, 4, "")), len(shards_of(40, 4, "")), shards_of(20, 4, "")
    (4, 2, ())
    """
    count = min(workers, unknown // LEAST)
    return tuple(Shard(number=number, count=count, asker=asker) for number in range(count)) if count > 1 else ()
