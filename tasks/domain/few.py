"""So many images of a window as a comparison gains from: a fixed choice, camera by camera, mixed as the window is.

Twenty thousand images say all that a test can use. Of a window of a million the others are measured and kept, but what
compares windows reads the chosen ones, so that its memory and time do not grow with the window. An image is chosen by
a hash of its name, never of its bytes: a camera that sends one picture a thousand times must be seen to do so.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.domain.finding import Finding

MOST = 20_000
"""About so many images of a window are compared, all of them in a window that has no more."""

LEAST = 200
"""Images that every camera may give where there are many: what is judged by camera must not starve."""

BOUND = 60_000
"""More are never compared, however many cameras there are: a fleet of thousands gives fewer of each."""


def numbers(names: Iterable[str], salt: bytes = b"") -> NDArray[np.uint64]:
    """64 bits for every name, (n,): even, the same on every machine; another salt gives an independent draw."""
    digests = (
        hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8, person=salt).digest() for name in names
    )
    return np.frombuffer(b"".join(digests), dtype=">u8").astype(np.uint64)


def chances(sizes: Mapping[str, int], most: int, least: int) -> dict[str, float]:
    """The chance (0..1] with which an image of each camera is chosen, so that about `most` are together.

    Small cameras give all they have and the others equally many, at least `least`. Within a camera every image has
    the same chance, so that hours and classes stay mixed as they are.

    >>> chances({"a": 100, "b": 900, "c": 1000}, most=1100, least=10)
    {'a': 1.0, 'b': 0.5555555555555556, 'c': 0.5}
    """
    if sum(sizes.values()) <= most:
        return dict.fromkeys(sizes, 1.0)
    rest, share = float(most), 0.0
    for place, size in enumerate(sorted(sizes.values())):
        share = rest / (len(sizes) - place)
        if size > share:
            break
        rest -= size
    share = max(share, float(least))
    return {camera: min(1.0, share / size) for camera, size in sizes.items() if size}


def least(cameras: int) -> int:
    """Images that every one of so many cameras may give.

    >>> least(10), least(300), least(3000)
    (200, 200, 20)
    """
    return min(LEAST, BOUND // max(cameras, 1))


def sizes(pieces: Iterable[pa.RecordBatch]) -> Counter[str]:
    """Images of every camera; pieces have a column `camera`."""
    found: Counter[str] = Counter()
    for piece in pieces:
        found.update({each["values"]: each["counts"] for each in piece["camera"].value_counts().to_pylist()})
    return found


def portion(pieces: Iterable[pa.RecordBatch], given: Mapping[str, float]) -> Iterator[pa.Table]:
    """The chosen rows of a table that comes in pieces; columns `camera` and `image_id` are among those of it."""
    for piece in pieces:
        keep = chosen(piece["camera"].to_pylist(), piece["image_id"].to_pylist(), given)
        yield pa.Table.from_batches([piece.filter(pa.array(keep))])


def chosen(cameras: Sequence[str], image_ids: Sequence[str], given: Mapping[str, float]) -> NDArray[np.bool_]:
    """Which images are chosen, (n,); `given` are the cameras' chances."""
    limits = np.array([given[camera] for camera in cameras], np.float64)
    return np.asarray((limits >= 1.0) | (numbers(image_ids, b"evergreen few") / 2.0**64 < limits), np.bool_)


def lot(image_ids: Iterable[str], chance: float) -> NDArray[np.bool_]:
    """Which images are taken where all have the same chance, (n,): mixed as the window is, always the same ones."""
    return np.asarray(numbers(image_ids, b"evergreen lot") / 2.0**64 < chance, np.bool_)


def evenly(places: NDArray[np.intp], most: int) -> NDArray[np.intp]:
    """At most so many of these places, evenly over them.

    >>> evenly(np.arange(10), 4).tolist()
    [0, 2, 5, 7]
    """
    count = min(len(places), most)
    return places[(np.arange(count) * len(places)) // max(count, 1)]


def told(findings: Iterable[Finding], looked: int, accepted: int) -> tuple[Finding, ...]:
    """The findings, saying what they are about where only some of a very large window's images were compared."""
    if looked >= accepted or accepted <= MOST:
        return tuple(findings)
    words = f"from a fixed sample of {looked:,} of {accepted:,} images"
    return tuple(replace(each, note=f"{each.note}; {words}" if each.note else words) for each in findings)
