"""The Arrow schema of the catalog: what became of every object that was listed for a window."""

from __future__ import annotations

import pyarrow as pa

_TIME = pa.timestamp("us", tz="UTC")

CHANCE = "sampling_probability"
"""The column with the chance (0..1] that a row had to be looked at; null: certain."""

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
        pa.field(CHANCE, pa.float64()),  # chance that the object was looked at; null: certain
        pa.field("claimed", _TIME),  # when a record says that it was taken, also one refused for that; else null
    ]
)
"""One row per object that was looked at, and one per row of a record that was refused."""
