"""What people said is in an image: one row of a `datasets` table in the form that scoring needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

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
    `polygons` (segment: one (k, 2) per object), `corners` (obb: (n, 4, 2)) and `keypoints` (pose: (n, k, 3) of x, y,
    visible) are there when every object has one.
    """

    image_id: str
    session: str
    classes: Ints
    boxes: Floats
    camera: str = ""
    captured_at: datetime | None = None
    chance: float | None = None
    polygons: tuple[Floats, ...] = ()
    corners: Floats | None = None
    keypoints: Floats | None = None


def truths(table: pa.Table) -> list[Truth]:
    """One `Truth` per row of a `datasets` table, in its order; columns that an older table lacks are None or ""."""
    names = [name for name in _COLUMNS if name in table.column_names]
    return [
        Truth(
            image_id=row["image_id"],
            session=row["session"],
            classes=np.array([thing["class_id"] for thing in row["objects"]], np.int64),
            boxes=np.array([_box(thing) for thing in row["objects"]], np.float32).reshape(-1, 4),
            camera=row.get("camera") or "",
            captured_at=row.get("captured_at"),
            chance=row.get("chance"),
            **_shapes(row["objects"]),
        )
        for row in table.select(names).to_pylist()
    ]


def _box(thing: Mapping[str, Any]) -> Sequence[float]:
    """The box of an object; of one that only has an outline or corners the box around them, else zeros."""
    if thing["box"]:
        return tuple(thing["box"])
    points = np.array(thing["corners"] or thing["polygon"] or (0, 0), np.float32).reshape(-1, 2)
    return (*points.min(0), *points.max(0))


def _shapes(things: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if things and all(thing["polygon"] for thing in things):
        found["polygons"] = tuple(np.array(thing["polygon"], np.float32).reshape(-1, 2) for thing in things)
    if things and all(thing["corners"] for thing in things):
        found["corners"] = np.array([thing["corners"] for thing in things], np.float32).reshape(-1, 4, 2)
    if things and len({len(thing["keypoints"] or ()) for thing in things}) == 1 and things[0]["keypoints"]:
        found["keypoints"] = np.array([thing["keypoints"] for thing in things], np.float32).reshape(len(things), -1, 3)
    return found
