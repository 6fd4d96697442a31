"""Which images of a crowded window are looked at: some of every camera, class and hour, each with a known chance.

A stratum is a camera, a class and an hour. Every stratum gives at least `FLOOR` images (all it has, when it has
fewer), and the rest is shared out in proportion to size. In proportion, because what is compared with a reference
must be mixed as the window is; with a floor, because a simple sample of 20,000 in a million misses what happens ten
times. An image's chance is its stratum's `taken / size`: adding up `1 / chance` counts every stratum exactly, and a
total of anything else is estimated without bias (Horvitz and Thompson 1952).

Within a stratum those with the smallest hash of their key are taken. So the same window gives the same images, and
one image that lands late replaces at most a few.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from fractions import Fraction

FLOOR = 20
"""Images that every stratum gives, as long as all floors together take no more than half of the sample."""

NO_RECORD, FAILED, NOTHING = "no record", "failed", "nothing"
"""Strata of images that nothing was predicted about, whose request failed, and on which nothing was seen."""


def draw(key: str) -> bytes:
    """The place of a key in the order in which keys are drawn: even and the same on every machine."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()[:16]


def rarest(classes: Sequence[int], seen_on: Mapping[int, int]) -> str:
    """The class that an image counts for: of all that are on it, the one that the fewest images of the window show.

    An image with an ordinary part and a rare defect is an image of the defect. Of equally rare ones the lowest id.
    """
    return str(min(classes, key=lambda each: (seen_on[each], each))) if classes else NOTHING


def _by_hour(camera: str, label: str, hour: str) -> str:
    return f"{camera}\x1f{label}\x1f{hour}"


def _by_class(camera: str, label: str, _hour: str) -> str:
    return f"{camera}\x1f{label}"


def _by_camera(camera: str, _label: str, _hour: str) -> str:
    return camera


def _together(_camera: str, _label: str, _hour: str) -> str:
    return ""


MERGES = (_by_hour, _by_class, _by_camera, _together)
"""Names of strata, the finest first: a coarser one counts where the finer ones are too many for the sample."""


def fits(strata: int, limit: int) -> bool:
    """Whether so many strata can all be in a sample of `limit` without making it up alone."""
    return strata <= max(1, limit // 2)


def allocation(sizes: Mapping[str, int], limit: int) -> dict[str, int]:
    """How many of each stratum are taken: all when they are at most `limit`, else `limit` together.

    Raises:
        ValueError: more strata than `fits`.
    """
    if sum(sizes.values()) <= limit:
        return dict(sizes)
    if not fits(len(sizes), limit):
        raise ValueError(f"{len(sizes)} strata do not fit into a sample of {limit}")
    floor = max(1, min(FLOOR, limit // (2 * len(sizes))))
    certain = {name: min(size, floor) for name, size in sizes.items()}
    held = _held_at_floor(sizes, certain, limit)
    rest = limit - sum(certain[name] for name in held)
    shared = {name: size for name, size in sizes.items() if name not in held}
    return {name: certain[name] for name in held} | _in_proportion(shared, rest)


def _held_at_floor(sizes: Mapping[str, int], certain: Mapping[str, int], limit: int) -> Collection[str]:
    """Strata whose share in proportion would be less than their floor; what they take more, the others take less."""
    held: set[str] = set()
    while True:
        rest = limit - sum(certain[name] for name in held)
        others = sum(size for name, size in sizes.items() if name not in held)
        more = {name for name in sizes.keys() - held if sizes[name] * rest <= certain[name] * others}
        if not more:
            return held
        held |= more


def _in_proportion(sizes: Mapping[str, int], limit: int) -> dict[str, int]:
    """Whole numbers that add up to `limit`, by largest remainders; of equal ones the first name."""
    total = sum(sizes.values())
    exact = {name: Fraction(size * limit, total) for name, size in sizes.items()}
    taken = {name: int(share) for name, share in exact.items()}
    by_remainder = sorted(exact, key=lambda name: (taken[name] - exact[name], name))
    for name in by_remainder[: limit - sum(taken.values())]:
        taken[name] += 1
    return taken
