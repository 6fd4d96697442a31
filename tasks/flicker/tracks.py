"""How often an object is gone for one frame: there before, there after, not there between. One rate per session."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tasks.domain.prediction import Floats, Ints
from tasks.domain.scoring.matching import assigned, box_iou
from tasks.flicker.rules import FlickerRules

WANTED = ["camera", "session", "captured_at", "model_version", "detections", "error"]
LEAST_FRAMES = 3

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What the model found in one frame, (n, 4) boxes and (n,) classes, and when it was taken."""

    moment: datetime
    boxes: Floats
    classes: Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One session: objects that were there before and after a frame, and how many of them were gone in it.

    `gap` is the usual (median) distance of its frames in seconds.
    """

    camera: str
    start: datetime
    objects: int
    gone: int
    gap: float

    @property
    def rate(self) -> float:
        """Share of the objects that flickered, 0..1."""
        return self.gone / self.objects if self.objects else 0.0


def sessions(table: pa.Table, version: str, rules: FlickerRules) -> list[Session]:
    """The sessions of a `predictions` table with three frames and more that this version answered with boxes.

    Only sessions that production names: single pictures are no video. In order of time; an image whose request
    failed ends the run of neighbours, as a frame that is missing does.
    """
    own = pc.and_(pc.is_valid(table["session"]), pc.equal(table["model_version"], version))
    rows = table.filter(pc.fill_null(own, False)).select(WANTED)
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows.to_pylist():
        if row["error"] is None:
            groups.setdefault((row["camera"], row["session"]), []).append(row)
    found = [_session(camera, group, rules) for (camera, _), group in groups.items() if len(group) >= LEAST_FRAMES]
    return sorted(found, key=lambda session: (session.start, session.camera))


def _session(camera: str, rows: Sequence[Row], rules: FlickerRules) -> Session:
    frames = sorted((_frame(row, rules) for row in rows), key=lambda frame: frame.moment)
    gaps = [(later.moment - earlier.moment).total_seconds() for earlier, later in pairwise(frames)]
    near = [gap <= rules.max_gap_seconds for gap in gaps]
    triples = [frames[at : at + 3] for at in range(len(frames) - 2) if near[at] and near[at + 1]]
    counts = [vanished(*triple, rules.overlap) for triple in triples]
    return Session(
        camera=camera,
        start=frames[0].moment,
        objects=sum(objects for objects, _ in counts),
        gone=sum(gone for _, gone in counts),
        gap=float(np.median(gaps)),
    )


def vanished(before: Frame, between: Frame, after: Frame, overlap: float) -> tuple[int, int]:
    """How many objects are in `before` and `after`, and how many of them are not in the frame between.

    Objects are matched one to one, class by class. In the frame between an object is looked for half-way, so that what
    moves evenly is not taken for gone. One that is there as another class is gone.
    """
    objects = gone = 0
    for label in np.unique(before.classes).tolist():
        first, middle, last = (frame.boxes[frame.classes == label] for frame in (before, between, after))
        if not len(last):
            continue
        takes = assigned(box_iou(first, last), overlap)
        half_way = ((first[takes >= 0] + last[takes[takes >= 0]]) / 2).astype(np.float32)
        objects += len(half_way)
        seen = assigned(box_iou(half_way, middle), overlap) if len(middle) else np.full(len(half_way), -1)
        gone += int((seen < 0).sum())
    return objects, gone


def _frame(row: Row, rules: FlickerRules) -> Frame:
    kept = [each for each in row["detections"] if _counts(each, rules.confidence)]
    kept.sort(key=lambda each: -each["confidence"])
    boxes: NDArray[np.float32] = np.array([each["box"] for each in kept], np.float32).reshape(-1, 4)
    return Frame(
        moment=row["captured_at"], boxes=boxes, classes=np.array([each["class_id"] for each in kept], np.int64)
    )


def _counts(detection: Row, confidence: float) -> bool:
    sure = detection["confidence"] is not None and detection["confidence"] >= confidence
    box = detection["box"]
    return bool(sure and detection["class_id"] is not None and box is not None and len(box) == 4 and _finite(box))


def _finite(box: Iterable[float]) -> bool:
    return all(abs(side) < 1e7 for side in box)
