"""The schema of kept answers: what one model said about images under one recipe."""

from __future__ import annotations

import pyarrow as pa

_NUMBERS = pa.list_(pa.float32())

ANSWERS = pa.schema(
    [
        pa.field("sha256", pa.string(), nullable=False),
        pa.field("boxes", _NUMBERS, nullable=False),  # x1, y1, x2, y2, x1, …
        pa.field("classes", pa.list_(pa.int32()), nullable=False),
        pa.field("confidences", _NUMBERS, nullable=False),
        pa.field("probabilities", _NUMBERS),  # null for detect
        pa.field("polygons", pa.list_(_NUMBERS), nullable=False),  # one outline a box, x, y, x, …; segment only
        pa.field("corners", _NUMBERS),  # eight numbers a box; null but for obb
        pa.field("keypoints", _NUMBERS),  # x, y, confidence, …, as many a box; null but for pose
        pa.field("speed", _NUMBERS, nullable=False),  # ms for preprocess, inference, postprocess
    ]
)
"""One row an image: its content hash and what was answered."""
