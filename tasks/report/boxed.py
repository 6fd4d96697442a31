"""A picture with boxes drawn over it: the one thing that galleries of single images are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tasks.domain.contrast import Corners, Mark
from tasks.domain.errors import EvergreenError
from tasks.domain.wording import one_line
from tasks.report.gallery import Cache, Drawn, drawn
from tasks.report.thumbnail import Picture, shown_size, thumbnail

SHOWN_SIDE = 240
"""Pixels that text and lines in a picture are made for."""

SURE = 0.25
"""Detections below this confidence are not drawn."""

MARKS = 20
"""Boxes drawn in one picture, the surest."""

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Boxed:
    """One image; `words` tell what is in it, `view` is x, y, width, height of what is shown."""

    picture: Picture
    words: str
    view: Corners
    unit: float
    boxes: tuple[Drawn, ...] = ()


def boxed(
    key: str, sha256: str, marks: Sequence[tuple[str, Mark]], words: str, cache: Cache, limit: int
) -> Boxed | None:
    """The image of that key with these boxes (look, mark), those last that must lie on top; None when it is gone."""
    try:
        path = cache.fetch(key, sha256)
        size = shown_size(path)
        picture = thumbnail(path, one_line(key.rsplit("/", 1)[-1], 200), limit=limit)
    except EvergreenError:  # gone or changed since: the page does without it
        return None
    view = (0.0, 0.0, float(size[0]), float(size[1]))
    unit = max(size) / SHOWN_SIDE
    boxes = tuple(replace(each, at=None) for each in drawn(marks, view, SHOWN_SIDE))  # too small for texts
    return Boxed(picture=picture, words=words, view=view, unit=unit, boxes=boxes)


def answered(detections: Sequence[Row] | None, classes: Sequence[str]) -> list[Mark]:
    """What the model is sure enough of, the surest first; for classify the first answer alone."""
    found = [
        Mark(label=label(each["class_id"], classes), box=corners(each["box"]), confidence=each["confidence"])
        for each in detections or ()
        if each["confidence"] is not None and each["class_id"] is not None
    ]
    found.sort(key=lambda mark: -(mark.confidence or 0.0))
    if not any(mark.box for mark in found):
        return found[:1]
    return [mark for mark in found if mark.box is not None and (mark.confidence or 0.0) >= SURE][:MARKS]


def said(marks: Sequence[Mark], asked: bool = True) -> str:
    """The answer in words."""
    if not marks:
        return "found nothing" if asked else "the model was not asked"
    if marks[0].box is None:
        return f"says {one_line(marks[0].label, 40)}, {marks[0].confidence or 0:.0%} sure"
    names = [one_line(mark.label, 40) for mark in marks]
    return "found " + ", ".join(f"{names.count(name)} × {name}" for name in list(dict.fromkeys(names))[:4])


def label(class_id: int, classes: Sequence[str]) -> str:
    """The class's name, its number where it has none."""
    return classes[class_id] if 0 <= class_id < len(classes) else f"#{class_id}"


def corners(box: Sequence[float] | None) -> Corners | None:
    """Four finite numbers of a sensible size, or None."""
    if box is None or len(box) != 4 or not all(abs(side) < 1e7 for side in box):
        return None
    return box[0], box[1], box[2], box[3]
