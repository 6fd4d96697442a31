"""How often an object is gone for one frame: there before, there after, not there between. One rate per session."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tasks.domain.few import numbers
from tasks.domain.prediction import Floats, Ints
from tasks.domain.scoring.matching import assigned, box_iou
from tasks.flicker.rules import FlickerRules

WANTED = ["camera", "session", "captured_at", "model_version", "detections", "error"]
LEAST_FRAMES = 3
MOST_FRAMES = 50_000
"""Frames of a window that are looked at: of more, whole sessions of every camera by a hash of their names."""

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
    rows = table.filter(_own(table, version)).select(WANTED)
    groups: dict[tuple[str, str], list[Frame]] = {}
    for batch in rows.to_batches(max_chunksize=1024):
        for row in batch.to_pylist():
            if row["error"] is None:
                groups.setdefault((row["camera"], row["session"]), []).append(_frame(row, rules))
    found = [_session(camera, group, rules) for (camera, _), group in groups.items() if len(group) >= LEAST_FRAMES]
    return sorted(found, key=lambda session: (session.start, session.camera))


def chosen(pieces: Iterable[pa.RecordBatch], version: str, most: int = MOST_FRAMES) -> dict[int, int]:
    """64 bits of the names of sessions -> how many of their frames are looked at: about `most`, as many of each camera.

    Pieces have the columns `camera`, `session` and `model_version`. 16 bytes of memory a frame.
    """
    codes: dict[str, int] = {}
    parts, owners = [np.zeros(0, np.uint64)], [np.zeros(0, np.int64)]
    for piece in pieces:
        rows = piece.filter(_own(piece, version))
        parts.append(named(rows))
        cameras = rows["camera"].to_pylist()
        owners.append(np.array([codes.setdefault(camera, len(codes)) for camera in cameras], np.int64))
    names, first, counts = np.unique(np.concatenate(parts), return_index=True, return_counts=True)
    owner = np.concatenate(owners)[first]
    found: dict[int, int] = {}
    for code in codes.values():
        places = np.flatnonzero((owner == code) & (counts >= LEAST_FRAMES))
        used = np.minimum(counts[places], most // len(codes))  # of a session that is longer, its first frames
        some = np.cumsum(used) - used < most // len(codes)
        found |= dict(zip(names[places[some]].tolist(), used[some].tolist(), strict=True))
    return found


def of_sessions(pieces: Iterable[pa.RecordBatch], version: str, wanted: Mapping[int, int]) -> Iterator[pa.Table]:
    """The rows of these sessions, of each as many as are wanted; pieces have the columns of `WANTED`."""
    left = dict(wanted)
    for piece in pieces:
        rows = piece.filter(_own(piece, version))
        keep = []
        for name in named(rows).tolist():
            keep.append(left.get(name, 0) > 0)
            left[name] = left.get(name, 0) - 1
        yield pa.Table.from_batches([rows.filter(pa.array(keep, pa.bool_()))])


def named(rows: pa.RecordBatch) -> NDArray[np.uint64]:
    """64 bits of the name of each row's session: evenly spread, so that their order is a fair draw."""
    pairs = zip(rows["camera"].to_pylist(), rows["session"].to_pylist(), strict=True)
    return numbers(f"{camera}\0{session}" for camera, session in pairs)


def _own(table: pa.Table, version: str) -> pa.ChunkedArray:
    own = pc.and_(pc.is_valid(table["session"]), pc.equal(table["model_version"], version))
    return pc.fill_null(own, False)


def _session(camera: str, given: Sequence[Frame], rules: FlickerRules) -> Session:
    frames = sorted(given, key=lambda frame: frame.moment)
    gaps = [(later.moment - earlier.moment).total_seconds() for earlier, later in pairwise(frames)]
    near = [gap <= rules.max_gap_seconds for gap in gaps]
    middles = [at for at in range(1, len(frames) - 1) if near[at - 1] and near[at]]
    counts = [vanished(frames[at - 1], frames[at], frames[at + 1], rules.overlap) for at in middles]
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
