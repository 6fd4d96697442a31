"""What production answered about one image, held against what people said is there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import numpy as np

from tasks.domain.model import Kind
from tasks.domain.prediction import Floats
from tasks.domain.scoring.matching import assigned, box_iou
from tasks.domain.scoring.outlines import area
from tasks.domain.scoring.overlaps import gaussian_iou
from tasks.domain.tables_catalog import CHANCE

SCORED = frozenset({Kind.DETECT, Kind.CLASSIFY, Kind.SEGMENT, Kind.POSE, Kind.OBB})
"""Kinds whose answers are a class, upright boxes or turned ones."""

Things = Sequence[Mapping[str, Any]]
"""Detections of a record, or objects of a label."""

HIT, ALIKE = 0.5, 0.2
"""Overlap from which a box is right, and from which two boxes are about the same thing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One thing on an image: the class that was answered, the class on the label, -1 where there is none.

    `size` is ln(area of the label / area of the answer), `right` and `down` by how much the label's centre lies beside
    the answer's, as parts of the answer's width and height (of turned boxes: of a square of the same area); they are
    known where `boxed`: both have a box.
    """

    answered: int
    labelled: int
    size: float = 0.0
    right: float = 0.0
    down: float = 0.0
    boxed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A labelled image of production; `score` is F1 at IoU 0.5 for detect and 1 or 0 for classify.

    `chance` (0..1] is the one that it had to be kept and drawn: nobody could label it otherwise.
    """

    image_id: str
    camera: str
    session: str
    version: str
    captured_at: datetime
    labelled_at: datetime
    annotator: str
    golden: bool
    score: float
    pairs: tuple[Pair, ...] = ()
    chance: float = 1.0

    @property
    def loss(self) -> float:
        """1 - score: 0 is right, 1 is wrong altogether."""
        return 1.0 - self.score


def answered(
    predictions: Iterable[Mapping[str, Any]], labels: Mapping[str, Mapping[str, Any]], least: float
) -> list[Answered]:
    """The predictions that have a label, in their order; failed requests and kinds that are not `SCORED` are left out.

    Args:
        predictions: Rows of a `predictions` table.
        labels: Image id -> row of a `labels` table.
        least: Confidence from which a recorded box counts as an answer.
    """
    found = []
    for row in predictions:
        label = labels.get(row["image_id"])
        if label is None or row["error"] or row["kind"] != label["kind"] or row["kind"] not in SCORED:
            continue
        if row["kind"] == Kind.CLASSIFY:
            if not label["objects"] or not row["detections"]:
                continue
            score, pairs = _classified(row["detections"], label["objects"])
        else:
            kept = [each for each in row["detections"] if each["confidence"] >= least]
            score, pairs = _detected(kept, label["objects"], row["kind"] == Kind.OBB)
        found.append(_with(row, label, score, pairs))
    return found


def answered_json(found: Sequence[Answered]) -> list[dict[str, Any]]:
    """The same as JSON values."""
    return [
        {
            **asdict(each),
            "captured_at": each.captured_at.isoformat(),
            "labelled_at": each.labelled_at.isoformat(),
            "pairs": [list(asdict(pair).values()) for pair in each.pairs],
        }
        for each in found
    ]


def answered_of(data: Iterable[Mapping[str, Any]]) -> list[Answered]:
    """The inverse of `answered_json`."""
    names = ("answered", "labelled", "size", "right", "down", "boxed")
    return [
        Answered(
            **{
                **row,
                "captured_at": datetime.fromisoformat(row["captured_at"]),
                "labelled_at": datetime.fromisoformat(row["labelled_at"]),
                "pairs": tuple(Pair(**dict(zip(names, pair, strict=True))) for pair in row["pairs"]),
            }
        )
        for row in data
    ]


def _with(row: Mapping[str, Any], label: Mapping[str, Any], score: float, pairs: tuple[Pair, ...]) -> Answered:
    return Answered(
        image_id=row["image_id"],
        camera=row["camera"],
        session=row["session"] or row["image_id"],
        version=row["model_version"],
        captured_at=row["captured_at"],
        labelled_at=label["labelled_at"],
        annotator=label["annotator"],
        golden=bool(label["golden"]),
        score=score,
        pairs=pairs,
        chance=row.get(CHANCE) or 1.0,
    )


def _classified(
    detections: Sequence[Mapping[str, Any]], objects: Sequence[Mapping[str, Any]]
) -> tuple[float, tuple[Pair, ...]]:
    pair = Pair(answered=detections[0]["class_id"], labelled=objects[0]["class_id"])
    return float(pair.answered == pair.labelled), (pair,)


def _detected(kept: Things, objects: Things, turned: bool) -> tuple[float, tuple[Pair, ...]]:
    ordered = sorted(kept, key=lambda each: -each["confidence"])
    turned = turned and all(each["corners"] for each in (*ordered, *objects))
    shape = _squares if turned else _boxes
    mine, told = shape(ordered), shape(objects)
    names = np.array([each["class_id"] for each in ordered], np.int64)
    truth = np.array([each["class_id"] for each in objects], np.int64)
    overlap = gaussian_iou(_corners(ordered), _corners(objects)) if turned else box_iou(mine, told)
    right = np.where(names[:, None] == truth[None], overlap, 0.0)
    hits, total = int((assigned(right, HIT) >= 0).sum()), len(mine) + len(told)
    takes = assigned(overlap, ALIKE)
    met = [_pair(ordered[row], objects[place], mine[row], told[place]) for row, place in _met(takes)]
    alone = [Pair(answered=int(name), labelled=-1) for name, place in zip(names, takes, strict=True) if place < 0]
    missed = [Pair(answered=-1, labelled=int(truth[p])) for p in sorted(set(range(len(truth))) - set(takes.tolist()))]
    return (2 * hits / total if total else 1.0), (*met, *alone, *missed)


def _met(takes: np.ndarray[Any, Any]) -> list[tuple[int, int]]:
    return [(row, int(place)) for row, place in enumerate(takes.tolist()) if place >= 0]


def _pair(answer: Mapping[str, Any], thing: Mapping[str, Any], mine: Floats, told: Floats) -> Pair:
    width, height = (max(float(mine[2 + axis] - mine[axis]), 1e-6) for axis in (0, 1))
    area = max(float((told[2] - told[0]) * (told[3] - told[1])), 1e-6)
    centre = (told[:2] + told[2:] - mine[:2] - mine[2:]) / 2
    return Pair(
        answered=answer["class_id"],
        labelled=thing["class_id"],
        size=float(np.log(area / (width * height))),
        right=float(centre[0]) / width,
        down=float(centre[1]) / height,
        boxed=True,
    )


def _boxes(rows: Things) -> Floats:
    return np.array([row["box"] or (0, 0, 0, 0) for row in rows], np.float32).reshape(-1, 4)


def _corners(rows: Things) -> Floats:
    return np.array([row["corners"] for row in rows], np.float32).reshape(-1, 4, 2)


def _squares(rows: Things) -> Floats:
    """Upright squares with the middles and areas of turned boxes: what pairs are measured by."""
    corners = _corners(rows)
    middle, half = corners.mean(1), np.array([np.sqrt(area(each)) / 2 for each in corners], np.float32).reshape(-1, 1)
    return np.concatenate([middle - half, middle + half], 1)
