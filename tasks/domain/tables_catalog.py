"""The Arrow schema of the catalog: what became of every object that was listed for a window; and its two chances.

Capture may keep an image by chance, and ingestion draws some rows of a crowded window. Production records every
prediction, whether its image was kept or not: what is summed over records or over objects in the bucket stands for
`1 / DRAWN`, what is summed over images that somebody had to look at, such as labelled ones, for `1 / CHANCE`.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

_TIME = pa.timestamp("us", tz="UTC")

CHANCE = "sampling_probability"
"""The column with the chance (0..1] that an image is here: of being kept, times `DRAWN`; null: certain."""

DRAWN = "drawn"
"""The column with the chance (0..1] that a row was drawn from its window; null in tables of before it was written."""

CATALOG = pa.schema(
    [
        pa.field("key", pa.string(), nullable=False),
        pa.field("image_id", pa.string()),
        pa.field("captured_at", _TIME),
        pa.field("camera", pa.string()),
        pa.field("size", pa.int64(), nullable=False),
        pa.field("etag", pa.string(), nullable=False),
        pa.field("sha256", pa.string()),
        pa.field("verdict", pa.string(), nullable=False),  # accepted | quarantined
        pa.field("reason", pa.string(), nullable=False),  # "" or a `tasks.domain.contract.Reason`
        pa.field("note", pa.string(), nullable=False),
        pa.field("landed", _TIME),  # when the object was written to the bucket; null in older tables
        pa.field("format", pa.string()),  # jpeg | png | webp, whatever the key says; from here on not in older tables
        pa.field("width", pa.int32()),  # pixels as shown
        pa.field("height", pa.int32()),
        pa.field("unusual", pa.string()),  # what inspecting the bytes had to say, without what the record adds
        pa.field(CHANCE, pa.float64()),  # that the image was kept and drawn; before `drawn` was there: drawn
        pa.field(DRAWN, pa.float64()),
        pa.field("claimed", _TIME),  # when a record says that it was taken, also one refused for that; else null
    ]
)
"""One row per object that was looked at, and one per row of a record that was refused."""


def drawn_chances(rows: pa.Table | pa.RecordBatch) -> NDArray[np.float64]:
    """(n,) the chance (0..1] of each row to be drawn from its window; 1 where it was certain or says nothing sound.

    Of a table from before `DRAWN` was written what `CHANCE` says: it cannot be taken apart any more.
    """
    found = np.full(rows.num_rows, np.nan)
    for name in (DRAWN, CHANCE):
        if name in rows.schema.names:
            told = np.asarray(pc.fill_null(rows[name], np.nan).to_numpy(zero_copy_only=False), np.float64)
            found = np.where(np.isnan(found), told, found)
    return np.where((found > 0) & (found <= 1), found, 1.0)
