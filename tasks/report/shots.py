"""Images that went worst, as pictures with what people said and what the version answered drawn in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tasks.domain.contrast import Corners, Mark
from tasks.domain.errors import EvergreenError
from tasks.domain.portrait import Shot
from tasks.domain.wording import moment, one_line
from tasks.report.gallery import SHOWN_SIDE, SIDE, Cache, Drawn, drawn, region
from tasks.report.thumbnail import Picture, shown_size, thumbnail

BYTES = 40_000
"""Most bytes of a picture: with two galleries of two sets the page stays below 3 MB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownShot:
    """One image as it is shown; `picture` is None when it is gone, `part` says that it is cut out."""

    picture: Picture | None
    view: Corners
    unit: float
    boxes: tuple[Drawn, ...]
    words: str
    where: str
    part: bool


def shown_shots(shots: Iterable[Shot], cache: Cache) -> tuple[ShownShot, ...]:
    """Every image with its picture from the cache."""
    return tuple(_shown(shot, cache) for shot in shots)


def _shown(shot: Shot, cache: Cache) -> ShownShot:
    photo = shot.photo
    picture, size = None, (SHOWN_SIDE, SHOWN_SIDE)
    view = (0.0, 0.0, float(SHOWN_SIDE), float(SHOWN_SIDE))
    try:
        path = cache.fetch(photo.key, photo.sha256)
        size = shown_size(path)
        view = region(size, [mark.box for mark in (*shot.missed, *shot.wrong) if mark.box is not None])
        picture = thumbnail(path, one_line(photo.key.rsplit("/", 1)[-1], 200), SIDE, view, BYTES)
    except EvergreenError:  # gone or changed since: its words are shown without it
        pass
    when = f", {moment(photo.captured_at)}" if photo.captured_at else ""
    return ShownShot(
        picture=picture,
        view=view,
        unit=max(view[2:]) / SHOWN_SIDE,
        boxes=drawn(_looks(shot), view) if picture is not None else (),
        words=_words(shot),
        where=f"{one_line(photo.camera, 60)}{when}",
        part=view[2] < size[0],
    )


def _looks(shot: Shot) -> list[tuple[str, Mark]]:
    """What lies below comes first: people's boxes, then answers, then what nobody found."""
    looks = [("truth", mark) for mark in shot.truth if mark not in shot.missed]
    looks += [("right", mark) for mark in reversed(shot.right)] + [("missed", mark) for mark in shot.missed]
    return looks + [("wrong", mark) for mark in reversed(shot.wrong)]


def _words(shot: Shot) -> str:
    if any(mark.box is not None for mark in (*shot.truth, *shot.right, *shot.wrong, *shot.missed)) or not shot.truth:
        counts = {"missed": _named(shot.missed), "wrong": _named(shot.wrong), "right": _named(shot.right)}
        return "; ".join(f"{name}: {words}" for name, words in counts.items() if words) or "nothing was found"
    truth = one_line(shot.truth[0].label, 40)
    if not shot.wrong:
        return f"is {truth}, no usable answer"
    said = shot.wrong[0]
    odds = f", {truth} {shot.missed[0].confidence:.0%}" if shot.missed and shot.missed[0].confidence is not None else ""
    return f"is {truth}, answered {one_line(said.label, 40)} {said.confidence or 0:.0%}{odds}"


def _named(marks: Sequence[Mark]) -> str:
    names = [one_line(mark.label, 40) for mark in marks]
    return ", ".join(f"{names.count(name)} × {name}" for name in list(dict.fromkeys(names))[:3])
