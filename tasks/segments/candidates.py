"""The segments that are looked at: a camera, a part of the day, an answer, a range of a property, and both at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.segments.facts import Facts, Floats

Mask = NDArray[np.bool_]

CUTS = ((0.0, 0.1), (0.0, 0.25), (0.25, 0.5), (0.5, 0.75), (0.75, 1.0), (0.9, 1.0))
"""Ranges of a property as quantiles of all images: its quarters, and its lowest and highest tenth."""

ENDS = ((0.0, 0.25), (0.75, 1.0))
"""Ranges that are looked at on each camera and within each part of the day."""

WORDS = {"camera": "camera {}", "hour": "taken {}", "answer": "answered {}"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A named subset of the images; `camera` is "" where it is not about one. `inside` (n,).

    `parents` are the two larger segments that it is the common part of, () where it is not.
    """

    words: str
    inside: Mask
    camera: str = ""
    parents: tuple[Mask, ...] = ()


def candidates(known: Facts, min_images: int, min_sessions: int) -> list[Segment]:
    """Every segment with enough images and sessions that is not more than half of all, in a fixed order."""
    named = list(_named(known))
    ranges = list(_ranges(known, CUTS))
    ends = list(_ranges(known, ENDS))
    both = [
        Segment(
            words=f"{end.words}, {name.words}",
            inside=end.inside & name.inside,
            camera=name.camera,
            parents=(end.inside, name.inside),
        )
        for name in named
        for end in ends
    ]
    found = [*named, *ranges, *both]
    return [each for each in found if _large(each.inside, known, min_images, min_sessions)]


def _large(inside: Mask, known: Facts, min_images: int, min_sessions: int) -> bool:
    if not min_images <= int(inside.sum()) <= len(known) / 2:
        return False
    return all(len(np.unique(known.sessions[side])) >= min_sessions for side in (inside, ~inside))


def _named(known: Facts) -> Iterator[Segment]:
    for kind, values in known.names.items():
        for value in sorted({*values.tolist()} - {""}):
            camera = value if kind == "camera" else ""
            yield Segment(words=WORDS[kind].format(value), inside=values == value, camera=camera)


def _ranges(known: Facts, cuts: tuple[tuple[float, float], ...]) -> Iterator[Segment]:
    for name, values in known.numbers.items():
        usable = values[np.isfinite(values)]
        if not len(usable) or np.ptp(usable) == 0:
            continue
        for low, high in cuts:
            ends = np.quantile(usable, [low, high])
            yield Segment(words=_words(name, ends, low, high), inside=_between(values, ends, low, high))


def _between(values: Floats, ends: Floats, low: float, high: float) -> Mask:
    above = np.isfinite(values) if low == 0 else values > ends[0]
    below = np.isfinite(values) if high == 1 else values <= ends[1]
    return above & below


def _words(name: str, ends: Floats, low: float, high: float) -> str:
    word = name.replace("_", " ")
    if low == 0:
        return f"{word} up to {ends[1]:.3g}"
    return f"{word} above {ends[0]:.3g}" if high == 1 else f"{word} {ends[0]:.3g} to {ends[1]:.3g}"
