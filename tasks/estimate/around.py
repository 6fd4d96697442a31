"""What pictures show around and beside the objects that a model boxes: its answers need not tell of any of it.

Light, lenses and sensors act on a whole picture: what they change, they change of the objects and of their ground
alike, and they draw no sharp outlines. So four questions are asked of pictures and answers that no such damage
answers with yes. Do the objects differ from their ground in colour otherwise than they did, beyond more or less of
the same difference? Are there colours, beside that of the ground, that the camera never showed? Are there things, as
large and as sharply outlined as the objects, in which the model sees nothing at all, not even a hint?
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.estimate.beside import Measured, colours, inside
from tasks.estimate.likeness import UNCHANGED, UNKNOWN, Likeness, changed
from tasks.estimate.look import Shift

Numbers = NDArray[np.float64]

BIN, REACH = 0.05, 24
"""Width of a colour bin (log), and how many of them there are on each side of none."""

LEAST = 8
"""Pictures of a camera below which nothing is said of it."""

LIGHTS: tuple[Callable[[Numbers], Numbers], ...] = (
    lambda cells: cells,
    lambda cells: 0.4 * cells,
    lambda cells: np.minimum(1.6 * cells, 255.0),
    lambda cells: 255.0 * (cells / 255.0) ** 0.6,
    lambda cells: 255.0 * (cells / 255.0) ** 1.8,
    lambda cells: 0.75 * cells + 0.25 * 150.0,
    lambda cells: 0.5 * cells + 0.5 * 150.0,
)
"""How the same colours look in less and more light, through flat and steep curves and through a veil."""

PALE, VIVID = 0.0, 4.0
"""Differences of colour may become so many times what they were: fog takes them away, a steep curve adds to them."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scenery:
    """What a camera usually shows in `n` pictures: mean `tone` (2,) with its error and spread between pictures, the
    colour bins `known` (k,), the share of cells of other colours that half of the pictures show when the other half is
    known, the share of things, and how rough the ground is (nan when no picture shows objects).
    """

    n: int
    tone: Numbers
    error: Numbers
    spread: Numbers
    known: NDArray[np.int64]
    other: float
    things: float
    rough: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What changed around the objects: `tone` (log ratios), shares of the picture of new `colours` and of `things`, how
    much `rough`er the ground is (log); and `inside` their boxes, in spreads of a class.
    """

    tone: Shift = UNCHANGED
    colours: Shift = UNCHANGED
    things: Shift = UNCHANGED
    rough: Shift = UNCHANGED
    inside: Shift = UNCHANGED


NOTHING = Around()
"""Nothing changed around the objects, or nobody looked."""


def sceneries(cameras: Sequence[str], found: Sequence[Measured | None]) -> dict[str, Scenery]:
    """What every camera with enough pictures usually shows."""
    return {name: _scenery(mine) for name, mine in _by_camera(cameras, found).items() if len(mine) >= LEAST}


def around(
    before: Mapping[str, Scenery],
    cameras: Sequence[str],
    found: Sequence[Measured | None],
    objects: Likeness = UNKNOWN,
) -> Around:
    """What these pictures show that their cameras did not; cameras that are not known count for nothing.

    `objects` is what objects looked like inside.
    """
    mine = {name: each for name, each in _by_camera(cameras, found).items() if name in before and len(each) >= LEAST}
    within = changed(objects, cameras, inside(found))
    if not mine:
        return Around(inside=within)
    was = [before[name] for name in mine]
    tone = _toned(was, [_mean([each.tone for each in pictures]) for pictures in mine.values()])
    other = [_unknown(known.known, pictures) for known, pictures in zip(was, mine.values(), strict=True)]
    things, rough = (
        [_known([getattr(each, name) for each in pictures]) for pictures in mine.values()]
        for name in ("things", "rough")
    )
    return Around(
        tone=tone,
        colours=_risen([each.other for each in was], other),
        things=_risen([each.things for each in was], things),
        rough=_risen([each.rough for each in was], rough),
        inside=within,
    )


def _by_camera(cameras: Sequence[str], found: Sequence[Measured | None]) -> dict[str, list[Measured]]:
    mine: dict[str, list[Measured]] = {}
    for name, each in zip(cameras, found, strict=True):
        if each is not None:
            mine.setdefault(name, []).append(each)
    return dict(sorted(mine.items()))


def _scenery(pictures: Sequence[Measured]) -> Scenery:
    tone, error, spread = _mean([each.tone for each in pictures])
    halves = [(pictures[first::2], pictures[1 - first :: 2]) for first in (0, 1)]
    other = [_unknown(_bins(known), rest).mean() for known, rest in halves]
    things, rough = (_known([getattr(each, name) for each in pictures]) for name in ("things", "rough"))
    return Scenery(
        n=len(pictures),
        tone=tone,
        error=error,
        spread=spread,
        known=_bins(pictures),
        other=float(np.mean(other)),
        things=float(things.mean()) if len(things) else 0.0,
        rough=float(rough.mean()) if len(rough) else math.nan,
    )


def _known(values: Sequence[float]) -> Numbers:
    """Those that are numbers."""
    found = np.array(values, np.float64)
    return np.asarray(found[np.isfinite(found)], np.float64)


def _mean(tones: Sequence[Numbers]) -> tuple[Numbers, Numbers, Numbers]:
    """Mean, its standard error and the spread of pictures with objects; nan of too few."""
    known = np.array([tone for tone in tones if np.isfinite(tone).all()], np.float64).reshape(-1, 2)
    if len(known) < LEAST // 2:
        return (np.full(2, np.nan),) * 3
    spread = known.std(0, ddof=1)
    return known.mean(0), spread / np.sqrt(len(known)), spread


def _toned(was: Sequence[Scenery], now: Sequence[tuple[Numbers, Numbers, Numbers]]) -> Shift:
    """What is left of the change of tones when all of them became paler or more vivid."""
    pairs = [(a, b) for a, b in zip(was, now, strict=True) if np.isfinite(a.tone).all() and np.isfinite(b[0]).all()]
    if not pairs:
        return UNCHANGED
    before, after = np.array([a.tone for a, _ in pairs]), np.array([b[0] for _, b in pairs])
    spread = float(np.sqrt(np.mean([a.spread**2 for a, _ in pairs])))
    more = float(np.clip((before * after).sum() / max((before**2).sum(), 1e-9), PALE, VIVID))
    left = float(np.sqrt(((after - more * before) ** 2).mean()))
    error = float(np.sqrt(np.mean([b[1] ** 2 + (more * a.error) ** 2 for a, b in pairs])))
    steep = max(more, 1.0)
    return Shift(size=max(left / steep - spread, 0.0), error=error / steep)


def _risen(before: Sequence[float], after: Sequence[Numbers]) -> Shift:
    """How much something rose, the mean over cameras; less of it is no change."""
    pairs = [(was, now) for was, now in zip(before, after, strict=True) if len(now) > 1 and math.isfinite(was)]
    if not pairs:
        return UNCHANGED
    size = float(np.mean([now.mean() - was for was, now in pairs]))
    error = float(np.sqrt(sum(now.var(ddof=1) / len(now) for _, now in pairs))) / len(pairs)
    return Shift(size=max(size, 0.0), error=error)


def _placed(found: Numbers) -> NDArray[np.int64]:
    """(k,) the bin of each colour (k, 2)."""
    side = np.clip(np.rint(found / BIN), -REACH, REACH).astype(np.int64) + REACH
    return np.asarray(side[:, 0] * (2 * REACH + 1) + side[:, 1], np.int64)


def _bins(pictures: Sequence[Measured]) -> NDArray[np.int64]:
    """The bins that these pictures show, or would in other light, and those beside them."""
    seen = np.zeros((2 * REACH + 1) ** 2, np.uint8)
    for each in pictures:
        for light in LIGHTS:
            seen[_placed(colours(light(each.cells), each.ground))] = 1
    wide = cv2.dilate(seen.reshape(2 * REACH + 1, -1), np.ones((3, 3), np.uint8))
    return np.flatnonzero(wide.ravel()).astype(np.int64)


def _unknown(known: NDArray[np.int64], pictures: Sequence[Measured]) -> Numbers:
    """(n,) the share of each picture whose colour is none of the known ones."""
    return np.array(
        [(~np.isin(_placed(colours(each.cells, each.ground)), known)).mean() for each in pictures], np.float64
    )
