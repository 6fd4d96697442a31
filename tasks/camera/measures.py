"""One camera now against itself when it was healthy, in a handful of numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tasks.camera.colours import Cast, cast, differing, kept
from tasks.camera.damage import CHANGED, LOST, PART, WHITE, burnt_out, cells, damage, inside, lights, middle, unlike
from tasks.camera.frames import Floats, Frames
from tasks.camera.looks import by_chance, spread
from tasks.camera.spots import Spots, spots
from tasks.camera.stance import Stance, stance
from tasks.camera.tone import Tone, tone
from tasks.domain.scenes import BURST

OFTEN = 0.9
"""Share of the images in which a place must not be burnt out."""
STILL = 0.25
"""Share of its movement below which a place is blind: what passes is not seen there any more."""
DIM = -1.9
"""ln of light from which on less light excuses nothing further: below a sixth noise is all that moves."""
HIDDEN = 0.15
"""Share of the picture without sight from which what is left of it speaks for it, and not the whole."""
BARE = 0.1
"""Below the plainest image of the reference by so much (logarithm of detail), pictures show nothing."""
NO_MORE = 0.03
"""Rise of the logarithm of detail up to which a lens may have lost its focus: blur adds detail nowhere."""
SOFT = 0.33
"""Blur from which a picture is held against a blurred reference to see what it shows."""
STEEP = 1.5
"""Times the fall of the third octave that counts, where noise hides the finest one: the second fell far more."""
REPEATED = 1.0
"""Mean grey levels between two images that show the same, at most: what an encoder changes of a picture."""
RARE, SAME = 0.05, 0.6
"""Twentieth part of the steps that healthy images take at least, and the share of it that is no step."""
LIT = 1.25
"""Times the light that a repeated picture may have: of an automatic gain, or of what decodes it."""
NEARLY_ALL = 0.8
"""Share of the images that must be repeated ones when their light may differ."""
LIKE = 0.6
"""Part of the likeness of healthy pictures that an old picture shows at least."""
BACK = 16
"""Images before it that an image is held against: a camera may send some old pictures in turns."""
CRAWL, CRAWLING = 4.0, 0.4
"""Grey levels between two images, and part of the least healthy step, up to which nearly all images are one picture,
shown a little aside every time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """What is told apart.

    `light` is ln of the light against the reference where nothing passes, `weather` how much of that is chance where
    light comes and goes, `burnt` the rise of the share of white
    pixels, `colour` the share of colour that is left and `differing` that of how places differ in it (nan where
    there was none), `cast` the tint over all. `blur` is by how much fine detail fell more than coarse detail (ln
    variance; 0 or less: not at all). `lost` and `gained` are shares of the picture that show less and more than the
    rest of it, `poorer` and `richer` of these what is more than the chance of what happened to pass, `inside` the
    share that is hazy and does not reach the frame, `strange` says how little the rest of it, or the whole, looks
    like before (0..2, nan: there is no rest; where all of it changed and is not hidden, the whole is the rest),
    `blind` is the share in which nothing moves any more and that looks different. `level` is the change of detail
    in most places, `depth` the fall in the lost ones. `repeats` is the share of images that show the same as the
    one before; `familiar` says that the middle picture looks like one of the reference, `bare` that pictures show
    nothing.
    """

    light: float
    weather: float
    burnt: float
    colour: float
    differing: float
    cast: Cast
    blur: float
    lost: float
    inside: float
    gained: float
    poorer: float
    richer: float
    strange: float
    blind: float
    level: float
    depth: float
    repeats: float
    familiar: bool
    bare: bool
    tone: Tone
    spots: Spots
    stance: Stance


def measures(reference: Frames, current: Frames) -> Measures:
    """The numbers for one camera; both sides hold at least two images."""
    light = float(np.median(np.log((middle(current) + 1) / (middle(reference) + 1))))
    change = np.median(current.detail, axis=0) - np.median(reference.detail, axis=0)
    level = float(np.median(change))
    burnt = float(np.median(current.burnt) - np.median(reference.burnt))
    places = damage(reference, current, light, burnt)
    later = current.take(np.arange(len(current) // 4, len(current)))  # what hides may come in the first quarter
    blind = max(_blind(reference, each, light, burnt, change) for each in (current, later))
    blur = _blur(reference, current, light) if level <= max(light, 0.0) + NO_MORE else 0.0
    whole = unlike(reference, current, blur >= SOFT)
    strange = whole if np.isnan(places.strange) and blind < HIDDEN else min(places.strange, whole)  # nan stays nan
    plain = float(reference.detail.mean(axis=(1, 2)).min()) - BARE
    bare = bool(np.median(current.detail.mean(axis=(1, 2))) < plain)
    blind = 1.0 if bare and light <= DIM and np.isnan(whole) else blind  # black
    return Measures(
        light=light,
        weather=by_chance(np.log(lights(reference, reference)), spread(reference, current)),
        burnt=burnt,
        colour=kept(reference, current),
        differing=differing(reference, current),
        cast=cast(reference, current),
        blur=blur,
        lost=float((places.lost | places.hazy).mean()),
        inside=float(inside(places.hazy).mean()),
        gained=float(places.gained.mean()),
        poorer=float(places.poorer.mean()),
        richer=float(places.richer.mean()),
        strange=strange,
        blind=blind,
        level=level,
        depth=float(-change[places.lost].mean()) if places.lost.any() else 0.0,
        repeats=repeats(reference, current),
        familiar=familiar(reference, current),
        bare=bare,
        tone=tone(reference, current),
        spots=spots(reference, current),
        stance=stance(reference, current),
    )


def repeats(reference: Frames, current: Frames) -> float:
    """Share of the images that show the same as one of the few before, a burst or more earlier; 0 where none is.

    What counts as the same is less than healthy images of this camera differ: where little moves, that is little. Under
    another light as well, as of an automatic gain, when nearly all are: a line that rests now and then looks alike too.
    """
    known, seen = _steps(reference), _steps(current)
    nearly = max(_repeated(_steps(reference, LIT), _steps(current, LIT)), _repeated(known, seen, CRAWL, CRAWLING))
    return nearly if nearly >= NEARLY_ALL else _repeated(known, seen)


def _repeated(known: Floats, found: Floats, most: float = REPEATED, part: float = SAME) -> float:
    usual = float(np.quantile(known, RARE)) if len(known) else 0.0
    return float((found <= min(most, part * usual)).mean()) if len(found) else 0.0


def familiar(reference: Frames, current: Frames) -> bool:
    """Whether the middle picture is like one of the reference, nearly as much as these are like each other."""
    known = _standard(reference.luma.reshape(len(reference), -1))
    alike = known @ known.T
    np.fill_diagonal(alike, -1.0)
    found = known @ _standard(middle(current).reshape(1, -1))[0]
    return bool(found.max() >= LIKE * max(np.quantile(alike.max(axis=1), RARE), 0.0) and found.max() >= LIKE / 2)


def _standard(places: Floats) -> Floats:
    """Each row without its mean, of length 1; zeros for an even one."""
    beside = places - places.mean(axis=1, keepdims=True)
    return np.asarray(beside / np.maximum(np.linalg.norm(beside, axis=1, keepdims=True), 1e-9), dtype=np.float64)


def _steps(frames: Frames, gain: float = 1.0) -> Floats:
    """Grey levels by which each image differs on average from the most alike of those a burst before it, which may have
    up to `gain` times its light, or so much less.

    Frames of one burst show one scene. A reference is thinned and has lost most of them: held against it, every
    camera that sends bursts would look frozen. Images of the first burst have none before them and are left out.
    """
    luma = frames.luma.reshape(len(frames), -1)
    found = np.full(len(luma), np.inf)
    power = np.maximum((luma * luma).mean(axis=1), 1.0)
    last = np.searchsorted(frames.moment, frames.moment - BURST.total_seconds(), side="right") - 1
    for back in range(BACK):
        rows = np.flatnonzero(last >= back)
        before = last[rows] - back
        lit = np.clip((luma[rows] * luma[before]).mean(axis=1) / power[before], 1 / gain, gain)
        apart = np.abs(luma[rows] - lit[:, None] * luma[before]).mean(axis=1)
        found[rows] = np.minimum(found[rows], apart)
    return found[last >= 0]


def _blur(reference: Frames, current: Frames, light: float) -> float:
    """A lens out of focus takes the finest octaves most, each coarser one less.

    The finest may hide it: light passes the lens before it meets the sensor, whose noise stays sharp. Then the next
    two show it. What fell with the coarsest octave, or with the light, is contrast. A coarsest octave that rose is
    something new in the picture, and no measure of focus.
    """
    fall = np.median(reference.octaves, axis=0) - np.median(current.octaves, axis=0)
    finest, fine, middle, coarse = (float(each) for each in fall)
    contrast = max(coarse, -2 * light)
    seen = min((finest - contrast) / 2, fine - contrast)
    return max(seen, min(fine - middle, STEEP * (middle - contrast)))


def _steady(frames: Frames) -> Floats:
    """(n, 32, 32) the images as if each had the light of most: what is left is what passes."""
    light = np.maximum(np.median(frames.luma, axis=(1, 2), keepdims=True), 1.0)
    return np.asarray(frames.luma * (np.median(light) / light), dtype=np.float64)


def _blind(reference: Frames, current: Frames, light: float, burnt: float, change: Floats) -> float:
    """Share of the places that do not move any more, light taken into account, and that also look different.

    Less light moves less. More light asks for no more movement: a veil or a curve brightens and takes contrast at once.
    What hides a place may be lit as the scene is: it is still also where it only follows the light of its picture, and
    is another one under that light. Nobody knows of a place that was burnt out to white at times.
    """
    least = STILL * np.exp(np.clip(light, DIM, 0.0))
    still = cells(current.luma.std(axis=0)) <= least * cells(reference.luma.std(axis=0))
    steady, was = _steady(current), _steady(reference)
    now, before = (cells(np.median(each, axis=0)) for each in (steady, was))
    expected = before * np.exp(light)
    apart = np.abs(now - expected) >= np.maximum(CHANGED, PART * expected)
    apart |= np.abs(change - np.median(change)) >= LOST
    known = cells(np.quantile(reference.luma, OFTEN, axis=0)) < WHITE
    still |= (cells(steady.std(axis=0)) <= least * cells(was.std(axis=0))) & apart & known
    white = burnt_out(reference, current, light, burnt)
    other = cells(np.abs(middle(current) - middle(reference))) >= CHANGED
    return float((still & (other | (np.abs(change) >= LOST)) & ~white).mean())
