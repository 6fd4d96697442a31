"""Distinct scenes: near-duplicate pictures of one camera are one piece of evidence, not many."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

BURST = timedelta(minutes=1)
"""Pictures of one scene within this time are one burst, and no sign of a camera that repeats itself.

A pinned reference is thinned, so that most of its bursts have lost all frames but one: counted in the window alone they
would make every camera that sends bursts look frozen.
"""


def distinct(cameras: Sequence[str], hashes: Sequence[str], bits: int) -> NDArray[np.bool_]:
    """Which images show something that no earlier image of the same camera showed, (n,).

    Images come in order of time. Two are the same scene when their 64-bit hashes (16 hex digits) differ in at
    most `bits`; an image without a hash (`""`) is a scene of its own.
    """
    return np.asarray(first_shown(cameras, hashes, bits) == np.arange(len(hashes)), np.bool_)


def first_shown(cameras: Sequence[str], hashes: Sequence[str], bits: int) -> NDArray[np.intp]:
    """The place of the image that first showed each image's scene, (n,): its own place for a new scene."""
    first = np.arange(len(hashes))
    names = np.asarray(cameras, dtype=object)
    for camera in dict.fromkeys(cameras):
        places = np.flatnonzero(names == camera)
        first[places] = places[_first_of_each([hashes[place] for place in places.tolist()], bits)]
    return first


def _first_of_each(hashes: Sequence[str], bits: int) -> NDArray[np.intp]:
    """Greedy in the order given: an image is a new scene when it is far from every scene before it."""
    first = np.arange(len(hashes))
    seen = np.empty(len(hashes), dtype=np.uint64)
    owners: list[int] = []
    for place, text in enumerate(hashes):
        if not text:
            continue
        value = np.uint64(int(text, 16))
        apart = np.bitwise_count(seen[: len(owners)] ^ value)
        nearest = int(apart.argmin()) if owners else 0
        if owners and int(apart[nearest]) <= bits:
            first[place] = owners[nearest]
            continue
        seen[len(owners)] = value
        owners.append(place)
    return first
