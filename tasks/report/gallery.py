"""The examples of a comparison as pictures: what people said beside what both versions say, image by image.

Boxes are drawn as SVG over one thumbnail, so they stay sharp, can be pointed at, and their text is escaped.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tasks.domain.contrast import Answer, Corners, Example, Mark
from tasks.domain.errors import EvergreenError
from tasks.domain.wording import moment, one_line
from tasks.report.thumbnail import Picture, shown_size, thumbnail

SIDE = 480
"""Pixels of the longer side of a picture; it is shown at two thirds of that."""

SHOWN_SIDE = 320
"""Pixels of a tile on a usual screen: what the size of text and lines is made for."""

LABELLED = 12
"""Texts in a tile at most: more would hide the picture."""

CLOSER = 960
"""Pixels of the longer side from which on only the part with boxes is shown, when that part is small."""

OUTCOMES = ("wrong", "right")

TEXT = 13.0
"""Pixels of the text at a box, in a tile of `SHOWN_SIDE`."""


class Cache(Protocol):
    """What is needed of `tasks.adapters.images.ImageCache`."""

    def fetch(self, key: str, sha256: str = "") -> Path:
        """A local file with the object's bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """One box (x, y, width, height in pixels of the image); `look` is truth, right, wrong, missed or answer.

    `text` starts `at` its baseline; None where there is no room, then `hint` tells it to who points at the box.
    """

    look: str
    box: Corners
    text: str
    hint: str
    at: tuple[float, float] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """What people or one version say about the image: in words, and as boxes."""

    title: str
    words: str
    good: bool | None
    boxes: tuple[Drawn, ...] = ()
    odds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Exhibit:
    """One example as it is shown. `picture` is None when the image is gone; `view` is x, y, width, height."""

    where: str
    when: str
    change: str
    gain: float
    boxed: bool
    picture: Picture | None
    view: Corners
    part: bool
    unit: float
    tiles: tuple[Tile, ...]


def exhibits(examples: Iterable[Example], cache: Cache, boxed: bool) -> tuple[Exhibit, ...]:
    """Every example with its picture from the cache; `boxed` for detect, where tiles show boxes."""
    return tuple(_exhibit(example, cache, boxed) for example in examples)


def region(size: tuple[int, int], boxes: Sequence[Corners]) -> Corners:
    """x, y, width, height of what is shown: all of it, or of a large image the part around its boxes.

    The part has the shape of the image and at least `SIDE` of its pixels, so that one sees what is around.

    >>> region((640, 480), [(10, 10, 20, 20)]), region((4000, 2000), [(3900, 900, 3960, 960)])
    ((0.0, 0.0, 640.0, 480.0), (3520.0, 810.0, 480.0, 240.0))
    """
    width, height = float(size[0]), float(size[1])
    if not boxes or max(size) <= CLOSER:
        return 0.0, 0.0, width, height
    left, top = max(0.0, min(b[0] for b in boxes)), max(0.0, min(b[1] for b in boxes))
    right, bottom = min(width, max(b[2] for b in boxes)), min(height, max(b[3] for b in boxes))
    share = max(SIDE / max(size), 1.4 * (right - left) / width, 1.4 * (bottom - top) / height)
    if share > 0.7:
        return 0.0, 0.0, width, height
    wide, high = width * share, height * share
    x = min(max((left + right - wide) / 2, 0.0), width - wide)
    y = min(max((top + bottom - high) / 2, 0.0), height - high)
    return round(x, 1), round(y, 1), round(wide, 1), round(high, 1)


def _exhibit(example: Example, cache: Cache, boxed: bool) -> Exhibit:
    photo = example.photo
    said = (example.truth, *(a.right + a.wrong for a in (example.champion, example.challenger)))
    picture, size = None, (SHOWN_SIDE, SHOWN_SIDE)
    view = (0.0, 0.0, float(SHOWN_SIDE), float(SHOWN_SIDE))
    try:
        path = cache.fetch(photo.key, photo.sha256)
        size = shown_size(path)
        view = region(size, [mark.box for marks in said for mark in marks if mark.box is not None])
        picture = thumbnail(path, one_line(photo.key.rsplit("/", 1)[-1], 200), SIDE, view)
    except EvergreenError:  # the image is gone or changed since: its numbers are shown without it
        pass
    scores = (example.champion.score, example.challenger.score)
    return Exhibit(
        where=one_line(photo.camera, 100),
        when=moment(photo.captured_at) if photo.captured_at else "",
        change=_change(scores, boxed),
        gain=example.gain,
        boxed=boxed,
        picture=picture,
        view=view,
        part=view[2] < size[0],
        unit=max(view[2:]) / SHOWN_SIDE,
        tiles=_tiles(example, boxed, view),
    )


def _change(scores: tuple[float, float], boxed: bool) -> str:
    if boxed:
        return f"F1 {scores[0]:.2f} → {scores[1]:.2f}"
    return " → ".join(OUTCOMES[int(score)] for score in scores)


def _tiles(example: Example, boxed: bool, view: Corners) -> tuple[Tile, ...]:
    versions = (("Champion", example.champion), ("Challenger", example.challenger))
    if not boxed:
        truth = Tile(title="Truth", words=", ".join(mark.label for mark in example.truth), good=None)
        return (truth, *(_named(title, answer) for title, answer in versions))
    count = len(example.truth)
    words = f"{count} object{'' if count == 1 else 's'}" if count else "nothing there"
    truth = Tile(title="Truth", words=words, good=None, boxes=drawn([("truth", m) for m in example.truth], view))
    return (truth, *(_boxed(title, answer, view) for title, answer in versions))


def _named(title: str, answer: Answer) -> Tile:
    said = (*answer.right, *answer.wrong)
    if not said or said[0].confidence is None:
        return Tile(title=title, words="no usable answer", good=False)
    words = f"{said[0].label} {said[0].confidence:.0%}"
    if answer.missed and answer.missed[0].confidence is not None:
        words += f", {answer.missed[0].label} {answer.missed[0].confidence:.0%}"
    return Tile(title=title, words=words, good=bool(answer.right), odds=said[0].confidence)


def _boxed(title: str, answer: Answer, view: Corners) -> Tile:
    looks = [("missed", m) for m in answer.missed]
    looks += [("wrong", m) for m in reversed(answer.wrong)] + [("right", m) for m in reversed(answer.right)]
    counts = {
        "right": len(answer.right),
        "wrong": len(answer.wrong),
        "missed": len(answer.missed),
        "less sure, not drawn": answer.undrawn,
    }
    words = ", ".join(f"{count} {name}" for name, count in counts.items() if count) or "nothing"
    return Tile(title=title, words=words, good=answer.score == 1, boxes=drawn(looks, view))


def drawn(marks: Sequence[tuple[str, Mark]], view: Corners, side: int = SHOWN_SIDE) -> tuple[Drawn, ...]:
    """The boxes, those last that must lie on top; a text that would hide another one is left to the pointer.

    `side` is how many pixels of a screen text and lines are made for.
    """
    taken: list[Corners] = []
    found = []
    for look, mark in reversed(marks):
        if mark.box is None:
            continue
        sure = "" if mark.confidence is None else f" {mark.confidence:.2f}"
        text = f"{one_line(mark.label, 40)}{sure}"
        hint = text if look == "answer" else f"{look}: {text}"
        at = _place(text, mark.box, view, taken, side) if look != "missed" and len(taken) < LABELLED else None
        x1, y1, x2, y2 = (round(side, 1) for side in mark.box)
        box = (x1, y1, round(x2 - x1, 1), round(y2 - y1, 1))
        found.append(Drawn(look=look, box=box, text=text, hint=hint, at=at))
    return tuple(reversed(found))


def _place(text: str, box: Corners, view: Corners, taken: list[Corners], side: int) -> tuple[float, float] | None:
    """Where the text starts: above its box, else below, inside the view; None when neither is free."""
    unit = max(view[2:]) / side
    width, height = len(text) * TEXT * 0.7 * unit, TEXT * unit
    x = max(view[0] + 2 * unit, min(box[0], view[0] + view[2] - width))
    for y in (box[1] - 4 * unit, box[3] + height):
        here = (x, y - height, x + width, y + 3 * unit)
        inside = view[1] <= here[1] and here[3] <= view[1] + view[3]
        if inside and not any(_touch(here, other) for other in taken):
            taken.append(here)
            return round(x, 1), round(y, 1)
    return None


def _touch(first: Corners, second: Corners) -> bool:
    apart = first[2] <= second[0] or second[2] <= first[0] or first[3] <= second[1] or second[3] <= first[1]
    return not apart
