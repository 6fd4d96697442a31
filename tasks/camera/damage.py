"""Places of a picture that show less than they did, while the rest of it shows what it always showed.

Something on a lens takes detail from where it sits, or lays a haze over it: the place looks different in all images,
and what passes there stands out less. Its edge may add detail of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, gaussian_filter, label
from scipy.stats import rankdata

from tasks.camera.frames import Floats, Frames
from tasks.camera.looks import above, spread
from tasks.domain.tables import DETAIL_SIDE

LOST = 0.3
"""Fall of the logarithm of detail from which a place has lost it: a quarter of what there was."""
CHANGED, PART = 12.0, 0.15
"""Grey levels by which a place is another one than before, and share of its light where light changed."""
FADED, STILL = -0.4, -1.4
"""ln of movement, against the rest of the picture, from which what passes stands out less, and hardly at all."""
WHITE, NEARLY_WHITE = 225.0, 170.0
"""Grey levels from which a place is burnt out, and from which part of it is when the light rose."""
BRIGHTER, SOME_WHITE = 0.1, 0.005
"""Rise of ln light, and of the share of white pixels, from which that is asked: plastic is bright and not white."""

DARKEST = 0.15
"""Part of its light from which on a picture is not lit up any further: noise is all that would be seen."""
SIDES = 2
"""Sides of the frame that dirt in a corner reaches."""
MOST = 0.5
"""Share of places that speak for the whole picture."""
SOFTER = (0.7, 1.5, 2.5)
"""Places over which a reference is blurred to be held against a blurred picture."""
RELIT = 0.2
"""Change of ln light in most places from which light may also fall from the middle of a picture."""
GLOW = 7
"""Places a side around a white one that its glow reaches."""
REST, FLAT = 0.25, 2.0
"""Least part of a picture, and least spread of its grey levels, that can be recognised."""

Places = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """(16, 16) each: places that lost detail, that look different with less movement, that gained detail elsewhere.

    `poorer` are the first two as far as they are no chance of what happened to pass, `richer` so the third.
    `strange` is how little the rest of the picture looks like before: 1 - correlation, nan when there is no rest.
    """

    lost: Places
    hazy: Places
    gained: Places
    poorer: Places
    richer: Places
    strange: float


def damage(reference: Frames, current: Frames, light: float, burnt: float = 0.0) -> Damage:
    """Where something changed, beyond what changed everywhere; `light` is ln of the light against the reference,
    `burnt` the rise of the share of white pixels.
    """
    lit = relit(reference, current)
    before, after, known = (np.median(frames.detail, axis=0) for frames in (reference, current, lit))
    contrast = _contrast(before, after)
    least = min(_contrast(before, known), 1.0)
    seen = ~burnt_out(reference, current, light, burnt)
    lost = (known - _times(before, least) <= -LOST) & seen
    faded = np.log((cells(lit.luma.std(axis=0)) + 1) / (cells(reference.luma.std(axis=0)) + 1))
    faded -= np.median(faded)
    expected = cells(middle(reference)) * np.exp(_light(reference, lit))
    other = np.abs(cells(middle(lit)) - expected) >= np.maximum(CHANGED, PART * expected)
    hazy = (faded <= FADED) & other & seen
    around = np.asarray(binary_dilation(hazy | lost | (faded <= STILL), np.ones((3, 3))), dtype=bool)
    gained = (after - _times(before, contrast) >= LOST) & ~around & ~(other & (faded <= 0))
    strange = _strange(middle(reference), middle(current), around)
    chance, was = spread(reference, current), reference.detail
    richer = gained & above(_times(was, contrast), current.detail, chance)
    poorer = hazy | (lost & above(-_times(was, least), -lit.detail, chance))
    return Damage(lost=lost, hazy=hazy, gained=gained, poorer=poorer, richer=richer, strange=strange)


def relit(reference: Frames, current: Frames) -> Frames:
    """The current images, those with less light than images of their rank in the reference as if they had as much.

    What gets less light shows less detail, and at dusk what happens to pass late shows least of all. The rank is that
    by light: a camera may know nights as well.
    """
    known, seen = (lights(reference, frames) for frames in (reference, current))
    expected = np.quantile(known, (rankdata(seen) - 0.5) / len(seen))
    gain = 1 / np.clip(seen / expected, DARKEST, 1.0)[:, None, None]
    return replace(current, luma=current.luma * gain, detail=np.log1p(np.expm1(current.detail) * gain))


def lights(reference: Frames, frames: Frames) -> Floats:
    """(n,) times the light of the reference that each image has in most places."""
    return np.asarray(np.median((frames.luma + 1) / (middle(reference) + 1), axis=(1, 2)), dtype=np.float64)


def _light(reference: Frames, current: Frames) -> float:
    """ln of the light of most places against the reference."""
    return float(np.median(np.log((middle(current) + 1) / (middle(reference) + 1))))


def _strange(before: Floats, after: Floats, around: Places) -> float:
    rest = ~np.kron(around, np.ones((2, 2), dtype=bool))
    if rest.mean() < REST or min(before[rest].std(), after[rest].std()) < FLAT:
        return float("nan")
    return float(1 - np.corrcoef(before[rest], after[rest])[0, 1])


def unlike(reference: Frames, current: Frames, blurred: bool = False) -> float:
    """How little the whole picture looks like before (0..2, nan: it is even), whatever became of its places.

    It may be lit otherwise: light that grows evenly across the picture, or falls from its middle, is no other picture,
    and what is white, or close to it, says nothing. A blurred one is held against a blurred reference as well.
    """
    nowhere = np.zeros((DETAIL_SIDE, DETAIL_SIDE), dtype=bool)
    before, after = middle(reference), middle(current)
    white = np.asarray(binary_dilation(cells(after) >= WHITE, np.ones((GLOW, GLOW))), dtype=bool)
    softer = [gaussian_filter(before, sigma) for sigma in SOFTER] if blurred else []
    found = [_strange(each, after, nowhere) for each in (before, *softer)]
    shown = ~np.kron(white, np.ones((2, 2), dtype=bool))
    if shown.mean() >= REST:
        found.append(_strange(_lit_as(before, after, shown), after, white))
    return min(found)


def _lit_as(before: Floats, after: Floats, shown: Places) -> Floats:
    """The picture of before under the light of now, fitted by least squares: ln light differs by a plane, or by a
    paraboloid where most places have another light as well. Without that, it would be a view that shifted.
    """
    y, x = (each.ravel() / len(before) - 0.5 for each in np.mgrid[0 : len(before), 0 : len(before)])
    light = np.stack([np.ones(before.size), y, x, y * y, x * x, x * y], axis=1)
    ratio, kept = np.log((after + 1) / (before + 1)).ravel(), shown.ravel()
    light = light if abs(np.median(ratio[kept])) >= RELIT else light[:, :3]
    found = np.linalg.lstsq(light[kept], ratio[kept], rcond=None)[0]
    return np.asarray(before * np.exp(light @ found).reshape(before.shape))


def inside(places: Places) -> Places:
    """Those of the places that a move does not leave at its edges: it leaves some on three sides of the frame or more.

    All places when they reach two sides at most, else those that hang together without reaching any.
    """
    if sum(bool(side.any()) for side in (places[0], places[-1], places[:, 0], places[:, -1])) <= SIDES:
        return places
    numbers, _ = label(places)
    frame = np.concatenate([numbers[0], numbers[-1], numbers[:, 0], numbers[:, -1]])
    return np.asarray(places & ~np.isin(numbers, frame), dtype=bool)


def burnt_out(reference: Frames, current: Frames, light: float, burnt: float) -> Places:
    """Places that are all but white: what they lost, they lost to the light."""
    limit = NEARLY_WHITE if light >= BRIGHTER and burnt >= SOME_WHITE else WHITE
    brightest = middle(current)
    if burnt >= SOME_WHITE:
        brightest = np.maximum(brightest, middle(reference) * np.exp(max(light, 0.0)))
    return np.asarray(cells(brightest) >= limit)


def middle(frames: Frames) -> Floats:
    """The median of every place."""
    return np.asarray(np.median(frames.luma, axis=0), dtype=np.float64)


def cells(places: Floats) -> Floats:
    """(32, 32) places as means of (16, 16)."""
    step = len(places) // DETAIL_SIDE
    return np.asarray(places.reshape(DETAIL_SIDE, step, DETAIL_SIDE, step).mean(axis=(1, 3)), dtype=np.float64)


def _contrast(before: Floats, after: Floats) -> float:
    """Times the detail that most places have now; of those that kept theirs, where these are most."""
    kept = after - before > -LOST
    chosen = kept if kept.mean() >= MOST else np.ones_like(kept)
    return float(np.median(np.expm1(after[chosen]) + 0.1) / np.median(np.expm1(before[chosen]) + 0.1))


def _times(detail: Floats, contrast: float) -> Floats:
    """Detail (a logarithm) as it is at another contrast."""
    return np.asarray(np.log1p(contrast * np.expm1(detail)), dtype=np.float64)
