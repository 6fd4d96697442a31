"""The rows of a reference, gathered from judged windows: however many there are, few of each are in memory."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.adapters.ledger.store import Ledger
from tasks.adapters.manifests import learnt_by
from tasks.adapters.tables import TableStore
from tasks.domain.errors import NotFound
from tasks.domain.model import ModelRef
from tasks.domain.snapshot import TableRef, table_of
from tasks.domain.tables import PREDICTIONS, PROFILES
from tasks.domain.window import Window
from tasks.drift import pinning
from tasks.drift.measuring import Profiler
from tasks.drift.pair import answered_by
from tasks.drift.rules import DriftRules
from tasks.drift.sample import joined

TELLING = ("image_id", "sha256", "camera", "captured_at")
"""What is read of every row, to choose by."""


def gathered(book: Ledger, profiler: Profiler, windows: Sequence[Window], rules: DriftRules) -> pa.Table:
    """The rows that a reference of these windows is made of; whole rows are read of the chosen ones only.

    Raises:
        NotFound: a window was never judged.
    """
    tables, champion, seen = profiler.tables, profiler.champion, []
    card = book.versions.get(champion.name, champion.sha256).card
    trained = frozenset(each.sha256 for each in learnt_by(tables, [card]))
    for window in sorted(windows, key=lambda each: each.start):
        catalog, note, blamed = _judged(book, champion, window)
        profiled = profiler.window(catalog, window)
        rows = tables.read(profiled, TELLING)
        places = pinning.sound(rows, blamed, trained)
        seen.append((profiled, note, places, pinning.cameras_at(rows, places)))
    chosen = pinning.spread([cameras for *_, cameras in seen], rules.reference_scenes)
    parts = [
        _rows(tables, profiled, note, places[kept])
        for (profiled, note, places, _), kept in zip(seen, chosen, strict=True)
    ]
    return pa.concat_tables(parts)


def _rows(tables: TableStore, profiled: TableRef, note: str, places: NDArray[np.intp]) -> pa.Table:
    """These rows of a window with the answers that were given; where none were kept the champion answers anew."""
    found = tables.at(profiled, places.tolist(), PROFILES.names)
    known = note.startswith("{")
    return answered_by(tables, table_of(note), found) if known else joined(found, PREDICTIONS.empty_table())


def _judged(book: Ledger, champion: ModelRef, window: Window) -> tuple[TableRef, str, frozenset[str]]:
    """The catalog of a judged window, where its answers are, and the cameras that were at fault in it."""
    record = book.windows.get(champion.name, window)
    if record is None or record.facts is None or record.facts.catalog is None:
        raise NotFound(f"window {window} of {champion.name!r} was never judged: run the monitor over it first")
    return record.facts.catalog, record.facts.artifacts.get("predictions", ""), pinning.blamed(record.verdict)
