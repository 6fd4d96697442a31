"""Where the profiles of one window lie in the bucket: whole tables, and pieces of one that is being made."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa

from tasks.adapters.objects import ObjectStore
from tasks.adapters.tables import TableStore
from tasks.domain.snapshot import TableRef, table_note, table_of
from tasks.drift.profiles import IDENTITY, content_name

MARKER_BYTES = 10_000

PART = "part-"
"""How names of pieces begin that are put aside while the rest of a large window is measured."""


class Shelf:
    """Tables below one folder, each with a marker that is written last: without it the table is not there."""

    def __init__(self, store: ObjectStore, tables: TableStore, folder: str) -> None:
        self._store = store
        self._tables = tables
        self._folder = folder

    def table(self, name: str) -> TableRef | None:
        """The table of that name, or None."""
        marker = f"{self._folder}/{name}.json"
        return self._marked(marker) if self._store.exists(marker) else None

    def present(self, name: str) -> TableRef | None:
        """The table that the name points to, or None when there is none or it was tidied away."""
        ref = self.table(name)
        return ref if ref and self._store.exists(self._store.key_of(ref.uri)) else None

    def point(self, name: str, ref: TableRef) -> TableRef:
        """Let a name of this folder point to a table that lies elsewhere."""
        self._store.put(f"{self._folder}/{name}.json", table_note(ref).encode(), "application/json")
        return ref

    def all(self) -> list[TableRef]:
        """Everything that was ever measured of the window, whole or in pieces."""
        listed = self._store.list(f"{self._folder}/")
        return [self._marked(info.key) for info in listed if info.key.endswith(".json")]

    def write(self, name: str, pieces: Iterable[pa.Table]) -> TableRef:
        """A whole table; what was put aside on the way is tidied up."""
        ref = self._written(name, pieces)
        for info in list(self._store.list(f"{self._folder}/{PART}")):
            self._store.delete(info.key)
        return ref

    def put_aside(self, piece: pa.Table) -> None:
        """A piece of a table that is not complete yet: whoever is killed on the way finds it here."""
        self._written(f"{PART}{content_name([piece.select(list(IDENTITY))])}", [piece])

    def _written(self, name: str, pieces: Iterable[pa.Table]) -> TableRef:
        with self._tables.writer("profiles", f"{self._folder}/{name}.parquet") as writer:
            for piece in pieces:
                writer.write(piece)
        return self.point(name, writer.ref)

    def _marked(self, marker: str) -> TableRef:
        return table_of(self._store.get(marker, MARKER_BYTES).decode())
