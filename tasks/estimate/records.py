"""Records of production and labels in the form that estimates are computed from."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.domain import few
from tasks.domain.prediction import Prediction
from tasks.domain.scoring.truth import Truth
from tasks.domain.tables_catalog import CHANCE, DRAWN, drawn_chances
from tasks.estimate.audit import Candidate
from tasks.estimate.framed import SIZE, frames, one, whole

FACTS = ("image_id", "camera", "session", "width", "height", CHANCE, DRAWN)

WANTED = (*FACTS, "model_version", "detections", "error")
"""What is read of answers."""

LISTED = ("key", "image_id", "sha256", "camera", "captured_at", "verdict", CHANCE, DRAWN)
"""What is read of a catalog."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Answered:
    """Answers that production gave: image ids, cameras, sessions, sizes in pixels and the answers, row by row.

    `chances` are those that the records had to be looked at, 0..1, and `kept` those that their images had to be kept:
    an answer is recorded in either case.
    """

    image_ids: tuple[str, ...]
    cameras: tuple[str, ...]
    sessions: tuple[str, ...]
    sizes: tuple[tuple[int, int], ...]
    answers: tuple[Prediction, ...]
    chances: tuple[float, ...] = ()
    kept: tuple[float, ...] = ()

    def __len__(self) -> int:
        return len(self.image_ids)


def answered(table: pa.Table, version: str) -> Answered:
    """The rows of a `predictions` or `references` table that this version answered; failed requests are no answers."""
    usable = pc.and_(pc.fill_null(pc.equal(table["model_version"], version), False), pc.is_valid(table["detections"]))
    rows = table.filter(usable)
    if "error" in rows.column_names:
        rows = rows.filter(pc.is_null(rows["error"]))
    wanted = [name for name in FACTS if name in rows.column_names]
    facts, given = rows.select(wanted).to_pylist(), rows["detections"].to_pylist()
    chances = drawn_chances(rows)
    return Answered(
        image_ids=tuple(row["image_id"] for row in facts),
        cameras=tuple(row["camera"] for row in facts),
        sessions=tuple(row.get("session") or row["image_id"] for row in facts),
        sizes=tuple(
            SIZE if whole(found) else (row["width"] or 1, row["height"] or 1)
            for row, found in zip(facts, given, strict=True)
        ),
        answers=tuple(prediction(found) for found in given),
        chances=tuple(chances.tolist()),
        kept=tuple((row.get(CHANCE) or each) / each for row, each in zip(facts, chances.tolist(), strict=True)),
    )


def prediction(detections: Sequence[Mapping[str, Any]]) -> Prediction:
    """The boxes of one record, surest first; an entry without a box is left out.

    Where no entry has one, the surest is the class of the whole picture.
    """
    if whole(detections):
        best = max(detections, key=lambda each: each["confidence"] or 0.0)
        return one(best["class_id"], best["confidence"] or 0.0)
    boxes = sorted((each for each in detections if each["box"]), key=lambda each: -(each["confidence"] or 0.0))
    return Prediction(
        boxes=np.array([each["box"] for each in boxes], np.float32).reshape(-1, 4),
        classes=np.array([each["class_id"] for each in boxes], np.int64),
        confidences=np.array([each["confidence"] or 0.0 for each in boxes], np.float32),
    )


def drawn(piece: pa.RecordBatch, chance: float, always: Collection[str] = ()) -> pa.Table:
    """The rows of a piece that a draw with this chance takes, and all about these images; each knows its chance."""
    sure = np.array([name in always for name in piece["image_id"].to_pylist()], np.bool_)
    taken = sure | few.lot(piece["image_id"].to_pylist(), chance)
    rows = pa.Table.from_batches([piece]).filter(pa.array(taken))
    by = np.where(sure[taken], 1.0, chance)
    for name, known in ((CHANCE, pc.fill_null(rows[CHANCE], 1.0).to_numpy()), (DRAWN, drawn_chances(rows))):
        place = rows.column_names.index(name)
        rows = rows.set_column(place, rows.schema.field(place), pa.array(known * by))
    return rows


def candidates(catalog: Iterable[pa.RecordBatch]) -> Iterator[Candidate]:
    """The accepted images of a catalog whose bytes are known; pieces have the columns of `LISTED`."""
    for piece in catalog:
        rows = piece.filter(pc.equal(piece["verdict"], "accepted"))
        for row, chance in zip(rows.to_pylist(), drawn_chances(rows).tolist(), strict=True):
            if row["sha256"] and row["image_id"] and row["captured_at"]:
                yield Candidate(
                    key=row["key"],
                    image_id=row["image_id"],
                    sha256=row["sha256"],
                    camera=row["camera"] or "",
                    captured_at=row["captured_at"],
                    chance=chance,
                )


def truth_of(image_id: str, session: str, objects: Iterable[Mapping[str, Any]]) -> Truth:
    """The label of one image; objects without a box are left out, unless none has one: then of the whole picture."""
    things = list(objects)
    boxes = [each for each in things if each["box"]]
    if whole(things):
        classes = np.array([each["class_id"] for each in things], np.int64)
        return Truth(image_id=image_id, session=session, classes=classes, boxes=frames(len(classes)))
    return Truth(
        image_id=image_id,
        session=session,
        classes=np.array([each["class_id"] for each in boxes], np.int64),
        boxes=np.array([each["box"] for each in boxes], np.float32).reshape(-1, 4),
    )
