"""Which images of a window people are asked to label, so that few labels speak for all of them.

Drawn by chance alone: by the hash of the bytes, never by what the model said or how sure it was. So the same window
gives the same list on every machine, asking for more adds to it, and every image's chance to be on it is known. Labels
of images that were picked because they look difficult cannot be averaged as if they were drawn.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import nsmallest

import numpy as np

from tasks.domain.window import Window

PERSON = b"evergreen audit"
"""Makes this order another than that in which windows are sampled or sessions held out."""

GROUP = 10_000
"""Images beyond those that are wanted that are held at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An accepted image of a window; `chance` is the one it had to be drawn from it (1 unless it was crowded)."""

    key: str
    image_id: str
    sha256: str
    camera: str
    captured_at: datetime
    chance: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """An image that people are asked to label; `chance` is the one it had to be asked for, 0..1."""

    image: Candidate
    chance: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """The images drawn from a window of `accepted` images, in the order in which they were drawn."""

    window: Window
    accepted: int
    drawn: tuple[Drawn, ...] = ()


def audit(window: Window, images: Iterable[Candidate], n: int) -> Audit:
    """The `n` images of the window with the smallest hashes; all of them where there are no more.

    Copies of one picture count once: what is labelled is a picture, and its copies say nothing new. Of the others 8
    bytes each are in memory.
    """
    seen = bytearray()

    def passing() -> Iterator[Candidate]:
        for image in images:
            seen.extend(place(image.sha256)[:8])
            yield image

    best = first(passing(), max(n, 0))
    accepted = len(np.unique(np.frombuffer(seen, ">u8")))
    share = min(1.0, n / accepted) if accepted else 0.0
    drawn = tuple(Drawn(image=image, chance=image.chance * share) for image in best)
    return Audit(window=window, accepted=accepted, drawn=drawn)


def first(images: Iterable[Candidate], n: int) -> list[Candidate]:
    """The first `n` images in the order in which audits are drawn; of the same bytes the image with the first key.

    However many there are, few are in memory.
    """
    known: dict[str, Candidate] = {}
    for image in images:
        if image.sha256 not in known or image.key < known[image.sha256].key:
            known[image.sha256] = image
        if len(known) > n + GROUP:
            known = {kept.sha256: kept for kept in nsmallest(n, known.values(), key=order)}
    return nsmallest(n, known.values(), key=order)


def order(image: Candidate) -> tuple[bytes, str]:
    """The place of an image among others, copies by their keys."""
    return place(image.sha256), image.key


def place(sha256: str) -> bytes:
    """The place of an image in the order in which images are drawn: even, and the same on every machine."""
    return hashlib.blake2b(sha256.encode(), digest_size=16, person=PERSON).digest()


def shared_out(windows: Sequence[tuple[Window, Sequence[Candidate]]], n: int) -> list[Audit]:
    """One audit a window, `n` images together, each window in proportion to its images (largest remainders).

    >>> shared_out([], 100)
    []
    """
    sizes = [len({image.sha256 for image in images}) for _, images in windows]
    total = sum(sizes)
    if not total:
        return [audit(window, images, 0) for window, images in windows]
    exact = [min(n, total) * size / total for size in sizes]
    taken = [int(share) for share in exact]
    by_rest = sorted(range(len(exact)), key=lambda at: (taken[at] - exact[at], at))
    for at in by_rest[: min(n, total) - sum(taken)]:
        taken[at] += 1
    return [audit(window, images, count) for (window, images), count in zip(windows, taken, strict=True)]
