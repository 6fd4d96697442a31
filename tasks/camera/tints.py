"""What became of the colours of a camera: they are gone, or one tint lies over all of them."""

from __future__ import annotations

import math

import numpy as np

from tasks.camera.case import SPARE, Case, Number
from tasks.camera.colours import hue, size
from tasks.camera.damage import SOME_WHITE
from tasks.camera.frames import Floats
from tasks.camera.moves import PLAINLY, another_view, turned
from tasks.camera.sign import Sign, or_shared, sign
from tasks.domain.subjects import CameraFault

LEAST_REST = 0.1
"""Share of the picture that is not burnt out to white from which its colour is asked about."""
ONE_LIGHT = 0.3
"""Share of the differences in colour from which on fewer are noise: a filter leaves two thirds of them and more."""
PALE = 0.5
"""Share of its colour from which on less may be that of one light only."""
GREY = 0.1
"""Share of its colour from which a picture of something else is not grey."""
BLEACHED = 0.2
"""Rise of ln light from which strong colours are cut off at white, where there are some white pixels more, or pale."""
FOG = 0.25
"""Fall of the logarithm of detail, beyond that of light, from which what pales a picture is a veil."""
EVERYWHERE, SOMEWHERE = 0.85, 0.5
"""Share of the places that a tint lies over, and up to which it is none: what passes reaches some of them."""
NO_OTHER, HAD_OTHERS = 0.15, 0.5
"""Share of the differences in colour from which on a picture has one colour whatever its tint, where healthy ones had
that share of them at least."""


def colour_lost(case: Case) -> Sign | None:
    """Pictures that are grey, or of one colour only, from a camera that saw colours; None without colours.

    Grey, as after a switch to infrared light. Of one colour when all is tinted and no place differs from another.
    """
    now = case.now
    if math.isnan(now.colour):
        return None
    colours = [each.colour for each in case.others if not math.isnan(each.colour)]
    shared = bool(colours) and float(np.median(colours)) <= 2 * case.rules.colour_kept
    rest = 1 - max(now.burnt, 0.0)  # what is burnt out to white has no colour either
    left = now.colour / max(rest, LEAST_REST)
    words = f"has lost its colour ({now.colour:.0%} is left), as after a switch to infrared light"
    plainly = now.differing <= NO_OTHER and all(each.differing >= HAD_OTHERS for each in case.healthy)
    if plainly or ((size(_own(case)) >= _limit(case) or left <= PALE) and now.differing <= ONE_LIGHT):
        left = now.differing * case.rules.colour_kept / ONE_LIGHT
        words = f"sees one colour only, that of its light ({now.differing:.0%} of the others is left)"
    nowhere = rest < LEAST_REST or (now.colour >= GREY and another_view(case))
    lost = 0.0 if nowhere else max(0.0, 1 - left)
    found = sign(CameraFault.COLOUR_LOST, 0.0 if shared else lost, 1 - case.rules.colour_kept, "share of colour", words)
    everywhere = bool(colours) and max(colours) <= 2 * case.rules.colour_kept
    return found if everywhere else or_shared(found, lost)


def colour_cast(case: Case) -> Sign | None:
    """One tint over all places of this camera alone; None where there are no colours to compare."""
    found = _own(case)
    if not np.isfinite(found).all():
        return None
    now = case.now
    bleached = now.light >= BLEACHED and now.burnt >= SOME_WHITE
    fogged = now.cast.paler and now.tone.fade + min(now.light, 0.0) >= FOG
    if another_view(case) or turned(case) >= PLAINLY:
        return None
    partly = (now.cast.alike - SOMEWHERE) / (EVERYWHERE - SOMEWHERE)
    over = float(now.cast.alike >= EVERYWHERE if now.light >= BLEACHED else np.clip(partly, 0.0, 1.0))
    strength, whole = (0.0 if bleached or fogged else over * size(each) for each in (found, now.cast.tint))
    words = f"has a colour cast: all of its picture is {math.expm1(strength):.0%} more {hue(found)} than it was"
    told = sign(CameraFault.COLOUR_CAST, strength, _limit(case), "ln of colour", words)
    return told if case.everywhere(_along(now.cast.tint)) else or_shared(told, whole)


def _own(case: Case) -> Floats:
    """The tint without what the other cameras show of it, in its direction; nan where there is none to tell."""
    found = case.now.cast.tint
    shared = [each.cast.tint for each in case.others if np.isfinite(each.cast.tint).all()]
    if not shared or not np.isfinite(found).all():
        return found
    return np.asarray(found - np.clip(np.median(shared, axis=0), np.minimum(found, 0.0), np.maximum(found, 0.0)))


def _along(tint: Floats) -> Number:
    """How much of this tint a camera shows."""
    return lambda each: float(np.nan_to_num(each.cast.tint) @ tint)


def _limit(case: Case) -> float:
    usual = [size(each.cast.tint) for each in case.healthy if np.isfinite(each.cast.tint).all()]
    return max([case.rules.colour_cast, *(SPARE * each for each in usual)]) * case.strictness
