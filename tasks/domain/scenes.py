"""Distinct scenes: near-duplicate pictures of one camera are one piece of evidence, not many."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def distinct(cameras: Sequence[str], hashes: Sequence[str], bits: int) -> NDArray[np.bool_]:
    """Which images show something that no earlier image of the same camera showed, (n,).

    Images come in order of time. Two are the same scene when their 64-bit hashes (16 hex digits) differ in at
    most `bits`; an image without a hash (`""`) is a scene of its own.
    """
    keep = np.zeros(len(hashes), dtype=bool)
    names = np.asarray(cameras, dtype=object)
    for camera in dict.fromkeys(cameras):
        places = np.flatnonzero(names == camera)
        keep[places] = _first_of_each([hashes[place] for place in places.tolist()], bits)
    return keep


def _first_of_each(hashes: Sequence[str], bits: int) -> NDArray[np.bool_]:
    """Greedy in the order given: an image is kept when it is far from every image that was kept before it."""
    keep = np.zeros(len(hashes), dtype=bool)
    seen = np.empty(len(hashes), dtype=np.uint64)
    count = 0
    for place, text in enumerate(hashes):
        if not text:
            keep[place] = True
            continue
        value = np.uint64(int(text, 16))
        if count and int(np.bitwise_count(seen[:count] ^ value).min()) <= bits:
            continue
        keep[place] = True
        seen[count] = value
        count += 1
    return keep
