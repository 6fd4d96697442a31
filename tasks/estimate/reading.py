"""What an estimate reads of a window, however large: a fixed draw of its answers, its images one piece at a time."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import pyarrow as pa

from tasks.adapters.tables import MANY, TableStore
from tasks.domain import few
from tasks.domain.snapshot import TableRef
from tasks.domain.tables import PREDICTIONS
from tasks.estimate.audit import Candidate
from tasks.estimate.records import LISTED, WANTED, Answered, answered, candidates, drawn


def answers_of(tables: TableStore, predictions: TableRef, version: str, labelled: Collection[str] = ()) -> Answered:
    """What a version answered in a window: all, or of more than `few.MOST` a fixed draw and all about these images.

    The draw is mixed as the window is. Each answer knows its chance to be here.
    """
    chance = min(1.0, few.MOST / max(predictions.rows, 1))
    pieces = tables.batches(predictions, WANTED, MANY)
    some = [drawn(piece, chance, labelled) for piece in pieces]
    empty = pa.schema([PREDICTIONS.field(name) for name in WANTED]).empty_table()
    return answered(pa.concat_tables([empty, *(each.cast(empty.schema) for each in some)]), version)


def images_of(tables: TableStore, catalog: TableRef) -> Iterator[Candidate]:
    """The accepted images of a catalog whose bytes are known; few of them are in memory."""
    return candidates(tables.batches(catalog, LISTED, MANY))
