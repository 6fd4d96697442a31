"""The random images of a window that are answered once more, by both versions and mirrored; nothing is answered twice.

A window's estimate and the audit of the window look at the same images: what the first one answered is kept with the
other answers of this machine, so that the second costs no inference.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol as Typed

from tasks.adapters.answer_cache import AnswerCache
from tasks.domain.prediction import Prediction
from tasks.estimate import beside, posture
from tasks.estimate.audit import Candidate
from tasks.estimate.checking import Again
from tasks.estimate.ladder import Image
from tasks.estimate.signs import Views


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Under which names the answers are kept: model and recipe of each; `second` is None without a second version."""

    own: tuple[str, str]
    second: tuple[str, str] | None

    @property
    def mirrored(self) -> tuple[str, str]:
        """Those about the mirrored images, turned back."""
        return self.own[0], hashlib.sha256(f"mirrored {self.own[1]}".encode()).hexdigest()


class Looking(Typed):
    """Two loaded versions that look at pictures."""

    @property
    def names(self) -> Names:
        """Under which names their answers are kept."""

    def __call__(self, images: Sequence[Image]) -> Views:
        """The answers about each image."""


def seen_again(
    see: Looking,
    wanted: Sequence[Candidate],
    picture: Callable[[Candidate], Image | None],
    cache: AnswerCache,
    batch: int,
) -> Again:
    """The answers about these images, those whose picture is gone left out; looked up where they are known."""
    names, hashes = see.names, [each.sha256 for each in wanted]
    kinds = [names.own, names.mirrored, *([names.second] if names.second else [])]
    known = [cache.get(*kind, hashes) for kind in kinds]
    missing = [each for each in wanted if not all(each.sha256 in kept for kept in known)]
    for start in range(0, len(missing), batch):
        pictures = [
            (each.sha256, shown) for each in missing[start : start + batch] if (shown := picture(each)) is not None
        ]
        views = see([shown for _, shown in pictures])
        made = (views.own, views.mirrored, views.second)
        for kind, kept, found in zip(kinds, known, made, strict=False):
            new = dict(zip((sha256 for sha256, _ in pictures), found, strict=True))
            kept.update(new)
            cache.add(*kind, new)
    return _together(wanted, known)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shown:
    """What pictures show that answers do not: how their `cameras` hold them, and what is around the objects of each."""

    postures: dict[str, posture.Posture]
    cameras: list[str]
    measured: list[beside.Measured | None]


def shown(
    wanted: Sequence[Candidate], picture: Callable[[Candidate], Image | None], again: Again, confidence: float
) -> Shown:
    """Each picture that was answered, read once; `confidence` is the one from which its boxes are kept."""
    answered = dict(zip(again.image_ids, again.views.own, strict=True))
    cameras, held, measured = [], [], []
    for each in wanted:
        found = picture(each) if each.image_id in answered else None
        if found is not None:
            cameras.append(each.camera)
            held.append(posture.measured(found))
            measured.append(beside.measured(found, answered[each.image_id], confidence))
    return Shown(postures=posture.postures(cameras, held), cameras=cameras, measured=measured)


def _together(wanted: Sequence[Candidate], known: Sequence[dict[str, Prediction]]) -> Again:
    there = [each for each in wanted if all(each.sha256 in kept for kept in known)]
    found = [[kept[each.sha256] for each in there] for kept in known]
    return Again(
        image_ids=[each.image_id for each in there],
        views=Views(own=found[0], mirrored=found[1], second=found[2] if len(found) > 2 else ()).framed(),
    )
