"""Places that are another part of the picture in nearly all images, while the picture as a whole stayed what it was.

What sticks to a lens is the same in every scene: a place that it changes is darker, brighter, plainer or richer than
it used to be whatever passes. What is photographed passes, and changes a place in some images only, or all of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_opening, label

from tasks.camera.damage import WHITE
from tasks.camera.frames import Floats, Frames
from tasks.domain.tables import DETAIL_SIDE, LUMA_SIDE

LEAST = (0.12, 0.15)
"""Least change of ln light, and of the logarithm of detail, of a place beside the rest of its picture."""
USUAL = (0.1, 0.9)
"""Shares of the reference between which a place is as it usually is."""
HALF = (0.25, 0.75)
"""Three quarters of the images must lie beyond three quarters of the reference, and that far from its middle."""
TOGETHER = 2
"""Places that hang together, at least: one alone may be a thing of the scene's."""
AROUND, MOST = 0.7, 0.6
"""Share of the places around what hides something that are as they were, and of the picture that may be hidden so."""
SQUARE, SOLID = 4, 0.8
"""Places a side of what is solid, and part of what hides something that is."""
FIXED, LEFT, EVEN = 0.8, 0.4, 1e-6
"""Likeness of two halves of the reference from which places are always the same, and below which nothing is left."""
WIDE, ELSE_CALM = 0.5, 0.8
"""Share of the picture that a fixed pattern reaches at most, and share of all other places that is as it was then."""
CURVED, KEPT, ROUNDS = 0.2, 0.6, 4
"""Part of the changed places that is left at most where a curve of tones explains them; share of the places that a
line is fitted to, those next to it, and times that they are chosen anew."""
DARK = 4.0
"""Grey levels added before a logarithm is taken: in the dark one level is nothing."""


Places = NDArray[np.bool_]
Pairs = list[tuple[Floats, Floats]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spots:
    """Shares of the picture: `apart` is another one in nearly all images, `calm` is as it was.

    `side` is the share of one side of the frame that is apart, of that with most. `hidden` is the share that is apart
    and shows nothing of what it showed, in light nor in detail, while what lies around it is calm.
    """

    apart: float
    calm: float
    side: float = 0.0
    hidden: float = 0.0

    @property
    def wide(self) -> bool:
        """Whether all that is not apart is as it was, over half of the picture: a pattern, however far it reaches."""
        return 0 < self.apart <= WIDE and self.calm >= ELSE_CALM * (1 - self.apart)


def spots(reference: Frames, current: Frames) -> Spots:
    """Where the current images differ from the reference throughout, beside what became of the whole picture."""
    both = _beside(reference, current)
    (lit, calmly), (richer, calm) = (_changed(*pair, least) for pair, least in zip(both, LEAST, strict=True))
    toned, evenly = _changed(both[0][0], _without_curve(*both[0]), LEAST[0])
    if toned.sum() <= CURVED * lit.sum():
        lit, calmly = toned, evenly
    found, calm = _together(lit | richer), calm & calmly
    white = np.median(_raw(current)[0], axis=0) >= np.log(WHITE + DARK)
    hides = found & ~white  # light hides what is there as well
    sides = (found[0], found[-1], found[:, 0], found[:, -1])
    return Spots(
        apart=float(found.mean()),
        calm=float(calm.mean()),
        side=max(float(each.mean()) for each in sides),
        hidden=float(hides.mean()) if _hidden(both, hides, calm | white) else 0.0,
    )


def _changed(before: Floats, after: Floats, least: float) -> tuple[Places, Places]:
    """Places (16, 16) that are other ones in nearly all images (n, 16, 16) than before, and those as they were."""
    low, high = np.quantile(before, USUAL, axis=0)
    middle, (least_before, most_before) = np.median(before, axis=0), np.quantile(before, HALF, axis=0)
    least_after, most_after = np.quantile(after, HALF, axis=0)
    above = least_after >= np.maximum(most_before, middle + least)
    apart = above | (most_after <= np.minimum(least_before, middle - least))
    change = np.median(after, axis=0) - middle
    return apart, np.asarray(np.abs(change) <= np.maximum((high - low) / 4, least), dtype=bool)


def _without_curve(before: Floats, after: Floats) -> Floats:
    """(n, 16, 16) ln light of now without what a curve of tones made of it: a line over the old ln light of places.

    Fitted to most places, those next to it, so that what sticks to a lens does not bend it. Source: least trimmed
    squares by concentration steps; Rousseeuw & Van Driessen, Data Mining and Knowledge Discovery 12 (2006).
    """
    usual = np.median(before, axis=0)
    was, change = usual.ravel(), np.median(after - usual, axis=0).ravel()
    kept, line = np.ones(len(was), dtype=bool), np.zeros(2)
    for _ in range(ROUNDS):
        if np.ptp(was[kept]) <= EVEN:
            return after
        line = np.polyfit(was[kept], change[kept], 1)
        apart = np.abs(change - np.polyval(line, was))
        kept = apart <= np.quantile(apart, KEPT)
    return np.asarray(after - np.polyval(line, usual), dtype=np.float64)


def _hidden(both: Pairs, found: Places, calm: Places) -> bool:
    """Whether nothing of what was always to be seen in these places is left, and the others are as they were.

    What sticks to a lens dims or blurs what is behind it, and some of that can still be made out. What hides it is
    solid; specks, drops and the edges of a moved picture are not. False where nothing was always to be seen there: then
    nobody knows.
    """
    if not 0 < found.mean() <= MOST or calm[~found].mean() < AROUND or _solid(found) < SOLID:
        return False
    known = []
    for before, after in both:
        one, other, now = (np.median(each, axis=0)[found] for each in (before[::2], before[1::2], after))
        if _alike(one, other) >= FIXED:
            known.append(_alike((one + other) / 2, now) < LEFT)
    return bool(known) and all(known)


def _solid(found: Places) -> float:
    """Part of these places that lie in squares of `SQUARE` all of which are such places; the frame cuts none off."""
    padded = np.pad(found, SQUARE, mode="edge")
    kept = binary_opening(padded, np.ones((SQUARE, SQUARE)))[SQUARE:-SQUARE, SQUARE:-SQUARE]
    return float((kept & found).sum() / found.sum())


def _alike(one: Floats, other: Floats) -> float:
    """Correlation of two sets of places; 0 where one of them is even."""
    return float(np.corrcoef(one, other)[0, 1]) if min(one.std(), other.std()) > EVEN else 0.0


def _beside(reference: Frames, current: Frames) -> Pairs:
    """(n, 16, 16) ln light and detail of every place before and now, beside what became of most places of its picture.

    Beside the usual picture of the reference, that is: a picture's own median may be that of another thing.
    """
    pairs = []
    for before, after in zip(_raw(reference), _raw(current), strict=True):
        usual = np.median(before - np.median(before, axis=(1, 2), keepdims=True), axis=0)
        pairs.append((before - _common(before - usual), after - _common(after - usual)))
    return pairs


def _common(change: Floats) -> Floats:
    """(n, 1, 1) the change that the half of a picture's places have which changed most alike.

    The middle of the shortest half, which other things over nearly half of a picture do not move. Source: Rousseeuw &
    Leroy, Robust Regression and Outlier Detection (1987), chapter 4.
    """
    ordered = np.sort(change.reshape(len(change), -1), axis=1)
    half = ordered.shape[1] // 2
    first = np.argmin(ordered[:, half:] - ordered[:, :-half], axis=1)[:, None]
    return np.take_along_axis(ordered, first + half // 2, axis=1)[:, :, None]


def _raw(frames: Frames) -> tuple[Floats, Floats]:
    step = LUMA_SIDE // DETAIL_SIDE
    light = frames.luma.reshape(-1, DETAIL_SIDE, step, DETAIL_SIDE, step).mean(axis=(2, 4))
    return np.log(light + DARK), frames.detail


def _together(places: Places) -> Places:
    numbers, _ = label(places, np.ones((3, 3)))
    large = np.flatnonzero(np.bincount(numbers.ravel()) >= TOGETHER)
    return np.asarray(np.isin(numbers, large[large > 0]), dtype=bool)
