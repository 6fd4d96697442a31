"""What became of the colours of a camera: they are gone, or one tint lies over all of them."""

from __future__ import annotations

import math

import numpy as np

from tasks.camera.case import SPARE, Case
from tasks.camera.colours import hue, size
from tasks.camera.damage import SOME_WHITE
from tasks.camera.frames import Floats
from tasks.camera.sign import Sign, sign
from tasks.domain.subjects import CameraFault

LEAST_REST = 0.1
"""Share of the picture that is not burnt out to white from which its colour is asked about."""
ONE_LIGHT = 0.3
"""Share of the differences in colour from which on fewer are noise: a filter leaves two thirds of them and more."""
PALE = 0.5
"""Share of its colour from which on less may be that of one light only."""
BLEACHED = 0.2
"""Rise of ln light from which strong colours are cut off at white, where there are some white pixels more."""
FOG = 0.25
"""Fall of the logarithm of detail, beyond that of light, from which what pales a picture is a veil."""
EVERYWHERE = 0.85
"""Share of the places that a tint must lie over: what passes reaches some of them."""


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
    if (size(_own(case)) >= _limit(case) or left <= PALE) and now.differing <= ONE_LIGHT:
        left = now.differing * case.rules.colour_kept / ONE_LIGHT
        words = f"sees one colour only, that of its light ({now.differing:.0%} of the others is left)"
    lost = 0.0 if shared or rest < LEAST_REST else max(0.0, 1 - left)
    return sign(CameraFault.COLOUR_LOST, lost, 1 - case.rules.colour_kept, "share of colour", words)


def colour_cast(case: Case) -> Sign | None:
    """One tint over all places of this camera alone; None where there are no colours to compare."""
    found = _own(case)
    if not np.isfinite(found).all():
        return None
    now = case.now
    bleached = now.light >= BLEACHED and now.burnt >= SOME_WHITE
    fogged = now.cast.paler and now.tone.fade + min(now.light, 0.0) >= FOG
    strength = size(found) if now.cast.alike >= EVERYWHERE and not (bleached or fogged) else 0.0
    words = f"has a colour cast: all of its picture is {math.expm1(strength):.0%} more {hue(found)} than it was"
    return sign(CameraFault.COLOUR_CAST, strength, _limit(case), "ln of colour", words)


def _own(case: Case) -> Floats:
    """The tint without what the other cameras show of it, in its direction; nan where there is none to tell."""
    found = case.now.cast.tint
    shared = [each.cast.tint for each in case.others if np.isfinite(each.cast.tint).all()]
    if not shared or not np.isfinite(found).all():
        return found
    return np.asarray(found - np.clip(np.median(shared, axis=0), np.minimum(found, 0.0), np.maximum(found, 0.0)))


def _limit(case: Case) -> float:
    usual = [size(each.cast.tint) for each in case.healthy if np.isfinite(each.cast.tint).all()]
    return max([case.rules.colour_cast, *(SPARE * each for each in usual)]) * case.strictness
