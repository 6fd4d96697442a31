"""What people said is in an image: one row of a `datasets` table in the form that scoring needs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from tasks.domain.prediction import Floats, Ints


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Truth:
    """The label of one image.

    `classes` (n,) int64 with `boxes` (n, 4) float32 in pixels; for classify one class and no box (its row is
    zeros). No object at all means "nothing there". `session` names the frames that are not independent.
    """

    image_id: str
    session: str
    classes: Ints
    boxes: Floats


def truths(table: pa.Table) -> list[Truth]:
    """One `Truth` per row of a `datasets` table, in its order; an empty table gives an empty list."""
    columns = table.select(["image_id", "session", "objects"]).to_pylist()
    return [
        Truth(
            image_id=row["image_id"],
            session=row["session"],
            classes=np.array([thing["class_id"] for thing in row["objects"]], np.int64),
            boxes=np.array([thing["box"] or (0, 0, 0, 0) for thing in row["objects"]], np.float32).reshape(-1, 4),
        )
        for row in columns
    ]
