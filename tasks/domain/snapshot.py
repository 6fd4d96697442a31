"""References instead of data: what one stage hands to the next fits into a task's parameters."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from tasks.domain.window import Window

PROFILER_VERSION = "4"
"""Changes whenever a number of a profile is computed in another way: profiles of two versions are never compared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRef:
    """A Parquet table in the bucket.

    `uri` is `s3://bucket/key`, `schema` a name in `tasks.domain.tables.SCHEMAS`, `digest` the SHA-256 of the
    file's bytes (hex): it is verified when the table is read, and it is the cache key.
    """

    uri: str
    schema: str
    rows: int
    digest: str


def table_note(ref: TableRef) -> str:
    """The reference as one line of JSON, for ledgers and markers."""
    return json.dumps(asdict(ref), sort_keys=True)


def table_of(note: str) -> TableRef:
    """The inverse of `table_note`."""
    return TableRef(**json.loads(note))


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The right to write about one window, until another process takes it over.

    `epoch` is the fencing token: every write carries it and the ledger refuses an old one.
    """

    model: str
    window: Window
    epoch: int
    revision: int

    @property
    def window_id(self) -> str:
        """`model@start/end`: unique in the ledger."""
        return f"{self.model}@{self.window}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Images and predictions of a window, by reference.

    `catalog` has one row per object that was listed (accepted or quarantined with a reason); `predictions`
    one row per accepted image that was predicted on. Image bytes lie in the local cache by content hash.
    `mark` says in one line what was listed (`tasks.ingest.marks`), empty when nobody knows any more. `left_out` counts
    images of a crowded window that were not drawn: each row of both tables then stands for
    `1 / drawn`.
    """

    claim: Claim
    catalog: TableRef
    predictions: TableRef
    listed: int
    accepted: int
    quarantined: int
    mark: str = ""
    left_out: int = 0
    recipe: str = ""


LISTED, LEFT_OUT = "listed", "left_out"
"""Names of a snapshot's mark, and of how many images were not drawn, among the artifacts of a judged window."""

RECIPE = "recipe"
"""Name of a digest of everything but the objects that a snapshot's tables depend on, among the same artifacts."""

AS_OF = "as_of"
"""Name of the sentence that says of which time champion, reference and rules are, among the same artifacts."""

STRANGE, WHERE = "strange", "places"
"""Names of the tables (`tasks.domain.tables`) that a window's page draws strange images and moved objects from."""
