"""Synthetic scenes as Arrow tables: embeddings in clusters, one a camera, and boxes somewhere in the picture."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.domain.tables import REFERENCES

START = datetime(2026, 11, 1, tzinfo=UTC)
DIMENSIONS = 32
_MIX = np.random.default_rng(1).standard_normal((8, DIMENSIONS))
"""What a backbone sees varies in few directions."""


def usual(rng: np.random.Generator, count: int, camera: int = 0) -> NDArray[np.float32]:
    """Embeddings of everyday scenes of a camera, (count, 32)."""
    middle = np.random.default_rng(100 + camera).standard_normal(DIMENSIONS) * 3
    return (middle + rng.standard_normal((count, 8)) @ _MIX).astype(np.float32)


def odd(rng: np.random.Generator, count: int) -> NDArray[np.float32]:
    """Embeddings of something else, (count, 32)."""
    return (rng.standard_normal((count, DIMENSIONS)) * 4).astype(np.float32)


def table(
    vectors: NDArray[np.float32],
    cameras: Sequence[str],
    centres: Sequence[Sequence[tuple[float, float]]] | None = None,
    start: datetime = START,
    apart: timedelta = timedelta(minutes=10),
) -> pa.Table:
    """A `references` table; `centres` are the middles of each image's boxes, as shares of 640 x 480 pixels."""
    rows = []
    for place, (vector, camera) in enumerate(zip(vectors, cameras, strict=True)):
        name = f"{start:%d%H}-{place:05}"
        shown = centres[place] if centres is not None else [(0.5, 0.5)]
        boxes = [[640 * x - 8, 480 * y - 8, 640 * x + 8, 480 * y + 8] for x, y in shown]
        digest = np.random.default_rng(place + 7919 * start.day).integers(0, 2**63)
        rows.append(
            {
                "sha256": f"{place:064x}", "image_id": name, "key": f"m/images/{camera}/{name}.jpg", "camera": camera,
                "captured_at": start + place * apart, "dhash": f"{int(digest):016x}", "embedding": vector.tolist(),
                "model_version": "1", "kind": "detect", "width": 640, "height": 480,
                "detections": [{"class_id": 0, "confidence": 0.9, "box": box} for box in boxes],
            }
        )  # fmt: skip
    return pa.Table.from_pylist(rows, schema=REFERENCES)
