"""Profiles of a window's images: measured once, kept whole, and of a very large window a fixed sample beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.adapters.images import ImageCache
from tasks.adapters.manifests import local_paths
from tasks.adapters.objects import ObjectStore
from tasks.adapters.tables import MANY, TableStore
from tasks.adapters.yolo import Yolo
from tasks.domain import few
from tasks.domain.model import ModelRef
from tasks.domain.snapshot import TableRef
from tasks.domain.tables import PROFILES
from tasks.domain.window import Window
from tasks.drift import profiles
from tasks.drift.kept import Kept
from tasks.drift.measures import BLOCK, PIECE, SCHEMA, embedded, in_blocks
from tasks.drift.properties import Properties, of_file
from tasks.drift.shelf import Shelf


@dataclass(frozen=True, slots=True, kw_only=True)
class Profiler:
    """Measures images as one champion sees them; `model` loads it, and is asked only when something is new."""

    store: ObjectStore
    tables: TableStore
    images: ImageCache
    kept: Kept
    champion: ModelRef
    batch: int
    model: Callable[[], Yolo]

    def window(self, catalog: TableRef, window: Window) -> TableRef:
        """The profiles of a catalog's accepted images; other parts of the same window save what they can.

        Of more than `few.MOST` images the fixed sample that is compared; the whole table lies beside it.
        """
        folder = profiles.folder(self.champion.name, self.champion.sha256, window)
        known = Shelf(self.store, self.tables, f"{folder}-of")
        name = f"{catalog.digest[:24]}-{few.MOST}"
        return known.present(name) or known.point(name, self._measured(catalog, folder))

    def _measured(self, catalog: TableRef, folder: str) -> TableRef:
        shelf = Shelf(self.store, self.tables, folder)
        least = profiles.smallest(self.tables.batches(catalog, profiles.CHANCES, MANY))

        def rows() -> Iterator[pa.Table]:
            columns = (*profiles.CHANCES, *profiles.IDENTITY)
            return profiles.accepted(self.tables.batches(catalog, columns, MANY), least)

        name = profiles.content_name(rows())
        whole = shelf.table(name) or shelf.write(name, self.of(rows(), shelf.all(), shelf.put_aside))
        return (
            whole if whole.rows <= few.MOST else self._portion(whole, Shelf(self.store, self.tables, f"{folder}-few"))
        )

    def again(self, rows: pa.Table) -> pa.Table:
        """The profiles of these images (identity columns in order of time), measured anew, in the same order."""
        parts = (rows.slice(start, BLOCK) for start in range(0, max(rows.num_rows, 1), BLOCK))
        return pa.concat_tables([PROFILES.empty_table(), *(piece for part in parts for piece in self.of([part]))])

    def of(
        self,
        rows: Iterable[pa.Table],
        parts: Iterable[TableRef] = (),
        keep: Callable[[pa.Table], object] = lambda piece: None,
    ) -> Iterator[pa.Table]:
        """Profiles of these images, piece by piece; of what no part knows, only what
        was never measured on this machine is decoded or embedded."""
        model = cache(self.model)

        def look(fresh: pa.Table) -> pa.Table:
            hashes = fresh["sha256"].to_pylist()

            def properties(places: list[int]) -> list[Properties]:
                with ThreadPoolExecutor(max_workers=4) as pool:
                    return list(pool.map(of_file, local_paths(self.images, fresh.take(places))))

            def vectors(places: list[int]) -> NDArray[np.float32]:
                paths = local_paths(self.images, fresh.take(places))
                return model().embed(paths, self.champion.imgsz, self.batch)

            who = f"{self.champion.sha256}-{self.champion.imgsz}"
            return embedded(self.kept.properties(hashes, properties), self.kept.vectors(who, hashes, vectors))

        known = (batch for part in parts for batch in self.tables.batches(part, SCHEMA.names, PIECE))
        with self.tables.scratch() as folder:
            yield from in_blocks(rows, known, look, keep, folder)

    def _portion(self, whole: TableRef, shelf: Shelf) -> TableRef:
        name = whole.digest[:24]
        known = shelf.table(name)
        if known:
            return known
        sizes = few.sizes(self.tables.batches(whole, ["camera"], MANY))
        given = few.chances(sizes, few.MOST, few.least(len(sizes)))
        return shelf.write(name, few.portion(self.tables.batches(whole, PROFILES.names, PIECE), given))
