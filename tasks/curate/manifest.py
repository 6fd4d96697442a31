"""A labelled set as a `datasets` table."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import pyarrow as pa

from tasks.curate.split import Row
from tasks.domain.tables import DATASETS


def manifest(rows: Iterable[Row]) -> pa.Table:
    """One row an image, in the order given."""
    return pa.Table.from_pylist(
        [
            {
                "image_id": row.image.image_id,
                "key": row.image.key,
                "sha256": row.image.sha256,
                "camera": row.image.camera,
                "session": row.image.session,
                "split": row.split,
                "source": row.source,
                "objects": list(row.image.objects),
                "labelled_at": row.image.labelled_at,
                "captured_at": row.image.captured_at,
                "chance": None if row.image.golden else row.image.chance,  # golden images are picked, not drawn
            }
            for row in rows
        ],
        schema=DATASETS,
    )


def digest_of(table: pa.Table) -> str:
    """One hash over all that the rows say: the same set has the same name."""
    return hashlib.sha256(repr(table.to_pylist()).encode()).hexdigest()
