"""From numbers to signs of a fault: each held against its limit, and against what the other cameras show.

A limit is never narrower than what the camera's own healthy time spans: parts of the reference are measured against
the rest of it, and one and a half times the largest of these values is the least limit. Light, colour and focus are
what a season or a new product change as well, and those reach all cameras: only what the other cameras do not share
counts. A camera without others to compare with must show half as much again.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tasks.camera.case import BURNT, SPARE, Case
from tasks.camera.measures import Measures
from tasks.camera.moves import elsewhere, fixed_view, moved, placed, replaced, turned, where
from tasks.domain.subjects import CameraFault

LEAST_DEPTH = 0.6
"""Depth of dirt that most places are held against at least."""
LIFTED = 0.14
"""ln of light that the other cameras gained as well, from which white places are no matter of this camera."""
RARE_GAIN = 0.4
"""Dirt takes detail and gives none: places with more detail may be so many of the places with less, at most."""
SHARED = 0.4
"""Change of most places, as a share of the change of the lost ones, from which it is no matter of places."""
SURE = 2.0
"""Times the limit by which a view must be another one when it is blurred as well."""
LIT = 0.13
"""ln of light that must have changed in most places as well: a black edge of a moved picture is no less light."""
UNLIKE, LEAST_REST = 0.85, 0.1
"""Share of the picture that looks different from which it may be no old picture of this camera, and share of it that is
not burnt out to white from which its colour is asked about."""
LEVEL = 0.45
"""Change of the exponent between old and new grey levels (a logarithm) from which a curve was changed."""
SLOPE, VEIL, FADE, NEAR = 0.78, 0.15, 0.25, 0.6
"""Contrast left by a veil at most, how far below what a curve would leave, fall of detail, change of the exponent."""
MOST_SPOTS, CALM, FAINT = 0.35, 0.7, 3.0
"""Share of the picture that dirt reaches, share that is as it was, and times the limit up to which it is faint."""
DOUBT = 0.95
"""Part of its limit that faint dirt reaches at most when its places are not another one in all images."""
RICHER, VERY_CALM = 0.02, 0.85
"""Share of the picture that shows more detail than it did, as drops do, and share that must be as it was."""
MOSTLY_BLIND, HIDDEN = 0.6, 0.35
"""Share without sight from which directions and places say nothing, and from which no move brought what hides it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """One fault asked about: `value` is over `limit` or not; `words` go on after the camera's name."""

    fault: CameraFault
    value: float
    limit: float
    unit: str
    words: str

    @property
    def over(self) -> bool:
        """Whether it is out of limits."""
        return self.value >= self.limit


def signs(case: Case) -> list[Sign]:
    """Every fault of pictures that can be asked about, in the order of `CameraFault`: the first one over explains
    those after it.
    """
    found = [frozen(case), covered(case), colour_lost(case), too_bright(case), too_dark(case), *unsteady(case)]
    return [sign for sign in found if sign is not None]


def frozen(case: Case) -> Sign:
    """The same picture again and again; black, empty or foreign pictures are covered, not frozen."""
    now, before = case.now.repeats, max((each.repeats for each in case.healthy), default=0.0)
    unlike = case.now.blind >= UNLIKE and not case.now.familiar
    hidden = case.now.bare or unlike  # an old picture looks like the others, a cover does not
    rise = 0.0 if hidden else max(0.0, now - before)
    words = f"is frozen: {now:.0%} of its images show the same as the one before ({before:.0%} in the reference)"
    return _sign(CameraFault.FROZEN, rise, case.rules.frozen_share, "share of images", words)


def too_bright(case: Case) -> Sign:
    """More light than before on this camera alone, or much of the picture burnt out to white."""
    limit = -math.log(1 - case.rules.light_share)
    light = case.own(_light) / (case.limit(limit, _light) * case.strictness)
    burnt = case.own(_burnt) / case.limit(BURNT, _burnt)
    if 2 * case.own(_burnt) < case.now.burnt or _shared_light(case) >= LIFTED:
        burnt = 0.0  # the same light burns one more than another
    value = 0.0 if veiled(case) or replaced(case) else max(light, burnt, -curve(case), 0.0)
    words = f"is too bright: {math.exp(case.now.light):.2g} times the light of before"
    if burnt >= light:
        words = f"is too bright: {case.now.burnt:.0%} more of the picture is burnt out to white"
    return _sign(CameraFault.TOO_BRIGHT, value, 1.0, "of the limit", words)


def too_dark(case: Case) -> Sign:
    """Less light than before on this camera alone."""
    limit = case.limit(-math.log(1 - case.rules.light_share), _light) * case.strictness
    lost = max(-case.own(_light), limit * min(curve(case), 1.0), 0.0)
    words = f"is too dark: it gets {1 - math.exp(min(case.now.light, 0.0)):.0%} less light than before"
    value = 0.0 if veiled(case) or replaced(case) else 1 - math.exp(-lost)
    return _sign(CameraFault.TOO_DARK, value, 1 - math.exp(-limit), "share of light", words)


def curve(case: Case) -> float:
    """By how much grey levels moved away from white (towards it: below 0) on this camera alone, in its limit.

    A bright picture cannot gain much light, so what it lost of its distance to white is counted. Not asked while the
    light of the other cameras changes as well: near white a little of it is much of that distance.
    """
    along = -case.own(_level) * case.own(_light) > 0 and abs(case.own(_light)) >= LIT
    if abs(_shared_light(case)) >= LIFTED or not along or moved(case) >= 1:
        return 0.0
    return case.own(_level) / (case.limit(LEVEL, _level) * case.strictness)


def veiled(case: Case) -> bool:
    """Whether a veil lies over the whole picture: contrast is gone in all places, of fine and coarse alike.

    A curve that brightens takes contrast as well, but then the level says how much; light that is gone takes none.
    """
    found = case.now.tone
    curved = math.exp(found.level) - found.slope if abs(found.level) <= NEAR else 0.0
    even = case.own(_fade) >= case.limit(FADE, _fade) and case.now.burnt < BURNT
    return even and found.slope <= SLOPE and curved >= VEIL and _focus_left(case)


def covered(case: Case) -> Sign:
    """Part of the picture in which nothing passes and that looks different, or nothing is left of what was there.

    A camera that was knocked shows such a part at its edge, and something else everywhere.
    """
    blind = max(case.now.blind, case.now.spots.hidden)
    fits = case.now.stance.told and placed(case) >= 1  # what is fixed, somewhere else
    stood = case.now.spots.hidden >= HIDDEN and not fits
    knocked = blind < MOSTLY_BLIND and moved(case) >= 1 and not (case.now.bare or stood)
    value = 0.0 if knocked or case.now.burnt >= BURNT else blind
    words = f"is covered: {blind:.0%} of the picture is hidden behind something that does not move"
    return _sign(CameraFault.COVERED, value, case.limit(case.rules.covered_share, _blind), "share of picture", words)


def colour_lost(case: Case) -> Sign | None:
    """Grey pictures from a camera that saw colours, as after a switch to infrared light; None without colours."""
    if math.isnan(case.now.colour):
        return None
    colours = [each.colour for each in case.others if not math.isnan(each.colour)]
    shared = bool(colours) and float(np.median(colours)) <= 2 * case.rules.colour_kept
    words = f"has lost its colour ({case.now.colour:.0%} is left), as after a switch to infrared light"
    rest = 1 - max(case.now.burnt, 0.0)  # what is burnt out to white has no colour either
    lost = 0.0 if shared or rest < LEAST_REST else max(0.0, 1 - case.now.colour / rest)
    return _sign(CameraFault.COLOUR_LOST, lost, 1 - case.rules.colour_kept, "share of colour", words)


def unsteady(case: Case) -> tuple[Sign, Sign, Sign]:
    """Out of focus, moved, dirty: told apart by what each of them does not change.

    Without focus, directions and places are blurred as well, so a blurred picture says nothing of where it looks;
    dirt takes detail from few places, and from fine and coarse alike. A picture that is nearer looks slightly blurred:
    there a turn of all edges is a move.
    """
    focus, dirt = _focus(case), _dirt(case)
    found = moved(case)
    hazed = dirt.over and case.now.inside >= dirt.limit
    if focus.over or (hazed and not fixed_view(case)):  # then edges say less of where it looks
        slight = not hazed and not fixed_view(case) and focus.value < SURE * focus.limit
        found = max(placed(case), elsewhere(case) / SURE, turned(case) if slight else 0.0)
    return (_sign(CameraFault.MOVED, found, 1.0, "of the limit", where(case)), focus, dirt)


def _focus(case: Case) -> Sign:
    limit = case.limit(case.rules.blur_octaves, _blur) * case.strictness
    words = f"is out of focus: fine detail fell {1 - math.exp(-max(case.now.blur, 0.0)):.0%} more than coarse detail"
    return _sign(CameraFault.OUT_OF_FOCUS, max(case.own(_blur), 0.0), limit, "ln of detail", words)


def _focus_left(case: Case) -> bool:
    return case.now.blur < case.limit(case.rules.blur_octaves, _blur)


def _dirt(case: Case) -> Sign:
    now, limit = case.now, case.limit(case.rules.dirty_share, _poorer)
    if veiled(case):
        words = f"has a fogged lens: a veil over the whole picture left {math.exp(-now.tone.fade):.0%} of its contrast"
        return _sign(CameraFault.DIRTY_LENS, 1.0, limit, "share of picture", words)
    stands = fixed_view(case) and moved(case) < 1
    patchy = (stands or now.gained <= RARE_GAIN * now.lost) and now.level > -SHARED * max(now.depth, LEAST_DEPTH)
    sharp = _focus_left(case)  # also when all cameras are out of focus
    sure = now.spots.apart > 0 or now.poorer >= FAINT * limit
    lost = now.poorer if sure else min(now.poorer, DOUBT * limit)
    seen = max(lost if patchy else 0.0, _stuck(case)) if sharp else 0.0
    words = f"has a dirty lens: the same {seen:.1%} of the picture changed in all images"
    return _sign(CameraFault.DIRTY_LENS, seen, limit, "share of picture", words)


def _stuck(case: Case) -> float:
    """Share of the picture that is another one in all images while most of it is calm; 0 where the whole changed."""
    found = case.now.spots
    shared = bool(case.others) and float(np.median([_apart(each) for each in case.others])) > 0
    local = found.apart <= MOST_SPOTS and found.calm >= CALM and abs(_shared_light(case)) < LIFTED and not shared
    apart = found.apart if found.apart > SPARE * max(map(_apart, case.healthy), default=0.0) else 0.0
    drops = case.now.gained <= MOST_SPOTS and found.calm >= VERY_CALM
    richer = case.now.richer if drops and case.now.richer >= case.limit(RICHER, _richer) else 0.0
    return max(apart, richer) if local else 0.0


def _shared_light(case: Case) -> float:
    return float(np.median([each.light for each in case.others])) if case.others else 0.0


def _sign(fault: CameraFault, value: float, limit: float, unit: str, words: str) -> Sign:
    return Sign(fault=fault, value=round(value, 4), limit=round(limit, 4), unit=unit, words=words)


def _light(each: Measures) -> float:
    return each.light


def _apart(each: Measures) -> float:
    return each.spots.apart


def _richer(each: Measures) -> float:
    return each.richer


def _level(each: Measures) -> float:
    return each.tone.level


def _fade(each: Measures) -> float:
    return max(each.tone.fade, 0.0)


def _burnt(each: Measures) -> float:
    return each.burnt


def _blind(each: Measures) -> float:
    return each.blind


def _blur(each: Measures) -> float:
    return max(each.blur, 0.0)


def _poorer(each: Measures) -> float:
    return each.poorer
