"""Which images of a window people are asked to label, so that few labels speak for all of them.

Drawn by the hash of the bytes: the same window gives the same list on every machine, asking for more adds to it, and
every image's chance to be on it is known and written down. Plainly all chances are equal. Where the champion is less
sure of some images they may be asked for more often, up to `MOST` times as often as the others down to `LEAST` times;
then their labels speak for the window only with one over the chance as their weight. Labels of images that were
picked because they look difficult, with no chance known, cannot be averaged at all.

Sources: Ohlsson, Sequential Poisson sampling (Journal of Official Statistics 1998); Neyman (1934) for whom to ask.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from tasks.domain.window import Window

Numbers = NDArray[np.float64]

PERSON = b"evergreen audit"
"""Makes this order another than that in which windows are sampled or sessions held out."""

LEAST, MOST = 0.5, 2.0
"""How often, beside the average image, an image is asked for at least and at most: no label weighs more than four times
as much as another, and whatever a model is wrongly sure of is still asked for."""


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
    by_doubt: bool = False


def audit(window: Window, images: Iterable[Candidate], n: int, doubt: Mapping[str, float] | None = None) -> Audit:
    """`n` images of the window, all of them where there are no more; `doubt` by image id makes some more likely.

    Copies of one picture count once: what is labelled is a picture, and its copies say nothing new.
    """
    known = {image.sha256: image for image in sorted(images, key=lambda image: image.key, reverse=True)}
    listed = sorted(known.values(), key=lambda image: (place(image.sha256), image.key))
    worth = worths([(doubt or {}).get(image.image_id, math.nan) for image in listed])
    order = sorted(range(len(listed)), key=lambda at: (_draw(listed[at].sha256) / worth[at], at))[: max(n, 0)]
    shares = chances(worth, n)
    drawn = tuple(Drawn(image=listed[at], chance=listed[at].chance * float(shares[at])) for at in order)
    return Audit(
        window=window, accepted=len(listed), drawn=drawn, by_doubt=bool(np.ptp(shares) > 0) if drawn else False
    )


def worths(doubts: Sequence[float]) -> Numbers:
    """(n,) how often each image is asked for beside the average one, `LEAST` to `MOST`; an unknown doubt (nan) is 1.

    >>> worths([0.1, 0.1, 0.4]).round(2).tolist(), worths([math.nan, math.nan]).tolist()
    ([0.5, 0.5, 2.0], [1.0, 1.0])
    """
    found = np.array(doubts, np.float64)
    known = np.isfinite(found)
    usual = float(found[known].mean()) if known.any() else 0.0
    if usual <= 0:
        return np.ones(len(found))
    return np.where(known, np.clip(found / usual, LEAST, MOST), 1.0)


def chances(worth: Numbers, n: int) -> Numbers:
    """(N,) the chance of each image to be among `n` that are drawn in proportion to their worth; they sum to n.

    >>> chances(np.array([1.0, 1.0, 2.0]), 2).tolist()
    [0.5, 0.5, 1.0]
    """
    if n >= len(worth):
        return np.ones(len(worth))
    sure = np.zeros(len(worth), bool)
    for _ in range(len(worth)):
        found = np.where(sure, 1.0, worth * max(n - int(sure.sum()), 0) / max(float(worth[~sure].sum()), 1e-12))
        if not (found[~sure] > 1).any():
            return np.asarray(found, np.float64)
        sure |= found > 1
    return np.ones(len(worth))


def place(sha256: str) -> bytes:
    """The place of an image in the order in which images are drawn: even, and the same on every machine."""
    return hashlib.blake2b(sha256.encode(), digest_size=16, person=PERSON).digest()


def _draw(sha256: str) -> float:
    """The place as a number, 0..1."""
    return int.from_bytes(place(sha256)[:7], "big") / 2.0**56


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
