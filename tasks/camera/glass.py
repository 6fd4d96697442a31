"""What happens to the glass before a sensor: it is out of focus, dirty, or fogged all over."""

from __future__ import annotations

import math

import numpy as np

from tasks.camera.case import BURNT, LIFTED, SPARE, Case
from tasks.camera.colours import size
from tasks.camera.measures import Measures
from tasks.camera.moves import fixed_view, moved
from tasks.camera.sign import Sign, or_shared, sign
from tasks.domain.subjects import CameraFault

LEAST_DEPTH = 0.6
"""Depth of dirt that most places are held against at least."""
RARE_GAIN = 0.4
"""Dirt takes detail and gives none: places with more detail may be so many of the places with less, at most."""
SHARED = 0.4
"""Change of most places, as a share of the change of the lost ones, from which it is no matter of places."""
SLOPE, VEIL, FADE, NEAR = 0.78, 0.15, 0.25, 0.6
"""Contrast left by a veil at most, how far below what a curve would leave, fall of detail, change of the exponent."""
RESTS = 0.2
"""Rise of the share of repeated images from which a line rests for part of the window."""
MOST_SPOTS, CALM, FAINT = 0.35, 0.7, 3.0
"""Share of the picture that dirt reaches, share that is as it was, and times the limit up to which it is faint."""
TINTED = 0.1
"""Tint of the whole picture (ln) from which places of strong colours are darker or brighter than others for it."""
DOUBT, SOME_OTHERS = 0.95, 0.33
"""Part of its limit that faint dirt reaches at most when its places are not another one in all images, or when such a
share of the other cameras shows changed places as well."""
OTHERWISE = 0.15
"""Change of the logarithm of detail in most places from which pictures of an only camera are other ones."""
RICHER, VERY_CALM = 0.02, 0.85
"""Share of the picture that shows more detail than it did, as drops do, and share that must be as it was."""


def focus(case: Case) -> Sign:
    """Fine detail fell more than coarse detail, and more than on the other cameras."""
    limit = case.limit(case.rules.blur_octaves, _blur) * case.strictness
    words = f"is out of focus: fine detail fell {1 - math.exp(-max(case.now.blur, 0.0)):.0%} more than coarse detail"
    found = sign(CameraFault.OUT_OF_FOCUS, max(case.own(_blur), 0.0), limit, "ln of detail", words)
    return found if case.everywhere(_blur) else or_shared(found, case.now.blur)


def focus_left(case: Case) -> bool:
    """Whether the lens is about as sharp as it was, whatever the other cameras show."""
    return case.now.blur < case.limit(case.rules.blur_octaves, _blur)


def veiled(case: Case) -> bool:
    """Whether a veil lies over the whole picture: contrast is gone in all places, of fine and coarse alike.

    A curve that brightens takes contrast as well, but then the level says how much; light that is gone takes none.
    Where nothing passes there is little contrast: many images alike are a line that rests.
    """
    found = case.now.tone
    curved = math.exp(found.level) - found.slope if abs(found.level) <= NEAR else 0.0
    even = case.own(_fade) >= case.limit(FADE, _fade) and case.now.burnt < BURNT
    rests = case.now.repeats - max((each.repeats for each in case.healthy), default=0.0) >= RESTS
    return even and not rests and found.slope <= SLOPE and curved >= VEIL and focus_left(case)


def dirt(case: Case) -> Sign:
    """The same places are poorer or another part of the picture in all images, or a veil lies over all of it."""
    now, limit = case.now, case.limit(case.rules.dirty_share, _poorer)
    if veiled(case):
        words = f"has a fogged lens: a veil over the whole picture left {math.exp(-now.tone.fade):.0%} of its contrast"
        return sign(CameraFault.DIRTY_LENS, 1.0, limit, "share of picture", words)
    stands = fixed_view(case) and moved(case) < 1 and now.spots.apart > 0  # or what passes stood a little aside
    patchy = (stands or now.gained <= RARE_GAIN * now.lost) and now.level > -SHARED * max(now.depth, LEAST_DEPTH)
    sharp = focus_left(case)  # also when all cameras are out of focus
    sure = now.spots.apart > 0 or now.poorer >= FAINT * limit
    lost = now.poorer if sure else min(now.poorer, DOUBT * limit)
    seen = max(lost if patchy else 0.0, _stuck(case)) if sharp else 0.0
    if seen < FAINT * limit and _among_others(case):
        seen = min(seen, DOUBT * limit)
    words = f"has a dirty lens: the same {seen:.1%} of the picture changed in all images"
    return sign(CameraFault.DIRTY_LENS, seen, limit, "share of picture", words)


def _among_others(case: Case) -> bool:
    """Whether a third of the other cameras show changed places as well: how pictures are packed, not what sticks."""
    found = [each.spots.apart > 0 or each.poorer >= case.rules.dirty_share for each in case.others]
    return bool(found) and float(np.mean(found)) >= SOME_OTHERS


def _stuck(case: Case) -> float:
    """Share of the picture that is another one in all images while all else is calm; 0 where the whole changed.

    Just below the limit for an only camera of which any place is, or on which most places show more or less detail than
    ever: nobody can tell whose doing that is.
    """
    found, limit = case.now.spots, case.limit(case.rules.dirty_share, _poorer)
    least = case.limit(OTHERWISE, _level)
    shared = bool(case.others) and float(np.median([_apart(each) for each in case.others])) > 0
    even = abs(case.shared_light) < LIFTED and not size(case.now.cast.tint) >= TINTED
    local = (found.wide or (found.apart <= MOST_SPOTS and found.calm >= CALM)) and even and not shared
    apart = found.apart if found.apart > SPARE * max(map(_apart, case.healthy), default=0.0) else 0.0
    drops = case.now.gained <= MOST_SPOTS and found.calm >= VERY_CALM
    richer = case.now.richer if drops and case.now.richer >= case.limit(RICHER, _richer) else 0.0
    if local and max(apart, richer) > 0:
        return max(apart, richer)
    return DOUBT * limit if not case.others and (apart > 0 or abs(case.now.level) >= least) else 0.0


def _apart(each: Measures) -> float:
    return each.spots.apart


def _richer(each: Measures) -> float:
    return each.richer


def _fade(each: Measures) -> float:
    return max(each.tone.fade, 0.0)


def _blur(each: Measures) -> float:
    return max(each.blur, 0.0)


def _level(each: Measures) -> float:
    return each.level


def _poorer(each: Measures) -> float:
    return each.poorer
