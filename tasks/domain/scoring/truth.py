"""What people said is in an image: one row of a `datasets` table in the form that scoring needs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow as pa

from tasks.domain.prediction import Floats, Ints

_COLUMNS = ("image_id", "session", "camera", "captured_at", "chance", "objects")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Truth:
    """The label of one image.

    `classes` (n,) int64 with `boxes` (n, 4) float32 in pixels; for classify one class and no box (its row is
    zeros). No object at all means "nothing there". `session` names the frames that are not independent.
    `chance` is the probability (0..1] with which the image came into the set, None where nobody knows it.
    """

    image_id: str
    session: str
    classes: Ints
    boxes: Floats
    camera: str = ""
    captured_at: datetime | None = None
    chance: float | None = None


def truths(table: pa.Table) -> list[Truth]:
    """One `Truth` per row of a `datasets` table, in its order; columns that an older table lacks are None or ""."""
    names = [name for name in _COLUMNS if name in table.column_names]
    return [
        Truth(
            image_id=row["image_id"],
            session=row["session"],
            classes=np.array([thing["class_id"] for thing in row["objects"]], np.int64),
            boxes=np.array([thing["box"] or (0, 0, 0, 0) for thing in row["objects"]], np.float32).reshape(-1, 4),
            camera=row.get("camera") or "",
            captured_at=row.get("captured_at"),
            chance=row.get("chance"),
        )
        for row in table.select(names).to_pylist()
    ]
