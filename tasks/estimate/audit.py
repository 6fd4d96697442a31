"""Which images of a window people are asked to label, so that few labels speak for all of them.

Drawn by chance alone: by the hash of the bytes, never by what the model said or how sure it was. So the same window
gives the same list on every machine, asking for more adds to it, and every image's chance to be on it is known. Labels
of images that were picked because they look difficult cannot be averaged as if they were drawn.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from tasks.domain.window import Window

PERSON = b"evergreen audit"
"""Makes this order another than that in which windows are sampled or sessions held out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An accepted image of a window; `chance` is the one it had to be looked at at all (1 unless it was crowded)."""

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

    Copies of one picture count once: what is labelled is a picture, and its copies say nothing new.
    """
    known = {image.sha256: image for image in sorted(images, key=lambda image: image.key, reverse=True)}
    order = sorted(known.values(), key=lambda image: (place(image.sha256), image.key))
    share = min(1.0, n / len(order)) if order else 0.0
    drawn = tuple(Drawn(image=image, chance=image.chance * share) for image in order[: max(n, 0)])
    return Audit(window=window, accepted=len(order), drawn=drawn)


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
