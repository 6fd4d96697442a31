"""A part of a window in which one camera sent nothing, although at these hours it always did and the others send.

A camera that breaks off in the afternoon, or is away for some hours, sends images in a window of a day as ever before
and after: what is missing is all of one part of it. A pause is as long as the share of its images that the camera
usually sends meanwhile: nights and breaks that were always there are none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from tasks.domain.window import EPOCH, Window

Floats = NDArray[np.float64]

LONG = 0.25
"""Share of a window's images from which a pause is one: images may take their time to land."""
DAY = timedelta(days=1).total_seconds()


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """The longest pause of a camera in a window.

    `share` is the part of its images that it usually sends meanwhile, `usual` the largest such part that it ever paused
    in a tile of the reference. `counts` are the images expected meanwhile: those of each tile, times the share of their
    usual images that most other cameras sent (1 at most, 0 without others).
    """

    start: datetime
    end: datetime
    share: float
    usual: float
    counts: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """A camera's reference: seconds since the start of its tile, and the number of the tile, of each image."""

    phase: Floats
    tile: NDArray[np.intp]
    tiles: int

    def counts(self, low: float, high: float) -> NDArray[np.intp]:
        """(tiles,) images between these seconds of each tile."""
        return np.bincount(self.tile[(self.phase >= low) & (self.phase < high)], minlength=self.tiles)


def silences(reference: Mapping[str, Floats], current: Mapping[str, Floats], window: Window) -> dict[str, Silence]:
    """The longest silence of every camera that sent in the window, if it is `LONG`; moments: seconds since 1970 (UTC).

    The reference is cut into tiles of the window's length; where it knows the same hour of the day, only those count.
    """
    start, length = (window.start - EPOCH).total_seconds(), window.length.total_seconds()
    known = _tiles({camera: moments - start for camera, moments in reference.items()}, length)
    found = {}
    for camera in sorted(set(known) & {name for name, moments in current.items() if len(moments)}):
        own = known[camera]
        usually = np.sort(own.phase)
        low, high, share = _longest(current[camera] - start, usually, length)
        if share < LONG:
            continue
        ran = [
            _between(current.get(other, usually[:0]) - start, low, high) / middle
            for other, each in known.items()
            if other != camera and (middle := float(np.median(each.counts(low, high))))
        ]
        pace = min(1.0, float(np.median(ran))) if ran else 0.0
        found[camera] = Silence(
            start=window.start + timedelta(seconds=low),
            end=window.start + timedelta(seconds=high),
            share=share,
            usual=max(_longest(own.phase[own.tile == tile], usually, length)[2] for tile in range(own.tiles)),
            counts=tuple(pace * float(count) for count in own.counts(low, high)),
        )
    return found


def _tiles(moments: Mapping[str, Floats], length: float) -> dict[str, _Known]:
    """What is known of each camera in the tiles that count; moments are seconds since the start of the window."""
    tiles = {camera: np.floor(each / length) for camera, each in moments.items()}
    every = np.unique(np.concatenate([np.zeros(0), *tiles.values()]))
    same = every[every * length % DAY == 0]
    chosen = same if len(same) else every
    known = {}
    for camera, each in moments.items():
        inside = np.isin(tiles[camera], chosen)
        number = np.searchsorted(chosen, tiles[camera][inside])
        known[camera] = _Known(phase=(each % length)[inside], tile=number, tiles=len(chosen))
    return {camera: each for camera, each in known.items() if len(each.phase)}


def _longest(moments: Floats, usually: Floats, length: float) -> tuple[float, float, float]:
    """Start and end of the longest pause of a tile, in seconds, and the share of the usual images inside it."""
    edges = np.concatenate([[0.0], np.sort(np.clip(moments, 0.0, length)), [length]])
    inside = np.diff(np.searchsorted(usually, edges)) / max(len(usually), 1)
    place = int(np.argmax(inside))
    return float(edges[place]), float(edges[place + 1]), float(inside[place])


def _between(moments: Floats, low: float, high: float) -> int:
    return int(((moments >= low) & (moments < high)).sum())
