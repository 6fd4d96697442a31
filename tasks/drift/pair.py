"""A window and its reference as they are compared: read once for the comparison and for its page."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache

import pyarrow as pa

from tasks.adapters.ledger.records import PinnedReference
from tasks.adapters.tables import TableStore
from tasks.domain.snapshot import Snapshot, TableRef
from tasks.drift.rules import DriftRules
from tasks.drift.sample import ANSWERED, Sample, joined, main_version, sample


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Profiles and answers of a window, and the pinned reference that they are held against."""

    tables: TableStore
    snapshot: Snapshot
    profiled: TableRef
    reference: PinnedReference
    classes: tuple[str, ...]
    rules: DriftRules

    @property
    def about(self) -> tuple[str, ...]:
        """What a comparison depends on beside the window's own times."""
        digests = (self.snapshot.predictions.digest, self.profiled.digest, self.reference.table.digest)
        return (*digests, self.reference.champion_sha256, self.rules.model_dump_json())

    @property
    def page_name(self) -> str:
        """The key of its page, beside the window."""
        claim = self.snapshot.claim
        words = hashlib.sha256("\n".join(self.about).encode()).hexdigest()
        return f"{claim.model}/evergreen/windows/{claim.window.start:%Y%m%dT%H%M%SZ}/drift-{words[:24]}.html"


@lru_cache(maxsize=1)
def samples(pair: Pair) -> tuple[Sample, Sample]:
    """Reference and window; kept from the comparison until the page of the same window."""
    before = pair.tables.read(pair.reference.table)
    after = answered_by(pair.tables, pair.snapshot.predictions, pair.tables.read(pair.profiled))
    version, window = main_version(before), pair.snapshot.claim.window
    return (
        sample(before, pair.classes, version, pair.rules, window),
        sample(after, pair.classes, version, pair.rules),
    )


@lru_cache(maxsize=1)
def whole(pair: Pair) -> Sample:
    """The reference of all hours: read where a change has to be held against what its days differ by."""
    table = pair.tables.read(pair.reference.table)
    return sample(table, pair.classes, main_version(table), pair.rules)


def forget() -> None:
    """Nobody asks for this window again."""
    samples.cache_clear()
    whole.cache_clear()


def answered_by(tables: TableStore, predictions: TableRef, profiled: pa.Table) -> pa.Table:
    """The profiled images as rows of a reference, with the answers that were given about them."""
    image_ids = profiled["image_id"].combine_chunks()
    return joined(profiled, tables.about(predictions, image_ids, ("image_id", "error", *ANSWERED)))
