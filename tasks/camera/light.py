"""More or less light on one camera than before, or its grey levels on another curve."""

from __future__ import annotations

import math

from tasks.camera.case import BURNT, LIFTED, Case
from tasks.camera.glass import veiled
from tasks.camera.measures import Measures
from tasks.camera.moves import moved, replaced
from tasks.camera.sign import Sign, or_shared, sign
from tasks.domain.subjects import CameraFault

LIT = 0.13
"""ln of light that must have changed in most places as well: a black edge of a moved picture is no less light."""
OTHERS = 0.07
"""ln of light that the others gained as well, from which it is their light when it is half of this camera's."""
LEVEL = 0.45
"""Change of the exponent between old and new grey levels (a logarithm) from which a curve was changed."""


def too_bright(case: Case) -> Sign:
    """More light than before on this camera alone, or much of the picture burnt out to white."""
    limit = -math.log(1 - case.rules.light_share)
    limit = max(case.limit(limit, _light), case.now.weather) * case.strictness
    light = case.own(_light) / limit
    burnt = case.own(_burnt) / case.limit(BURNT, _burnt)
    others = case.shared_light >= min(LIFTED, max(OTHERS, case.now.light / 2))
    if 2 * case.own(_burnt) < case.now.burnt or others:
        burnt = 0.0  # the same light burns one more than another
    hidden = veiled(case) or replaced(case)
    value = 0.0 if hidden else max(light, burnt, -curve(case), 0.0)
    whole = case.now.light / limit
    words = f"is too bright: {math.exp(case.now.light):.2g} times the light of before"
    if burnt >= light:
        words = f"is too bright: {case.now.burnt:.0%} more of the picture is burnt out to white"
    told = sign(CameraFault.TOO_BRIGHT, value, 1.0, "of the limit", words)
    return told if hidden or case.everywhere(_light) else or_shared(told, whole)


def too_dark(case: Case) -> Sign:
    """Less light than before on this camera alone."""
    limit = max(case.limit(-math.log(1 - case.rules.light_share), _light), case.now.weather) * case.strictness
    lost = max(-case.own(_light), limit * min(curve(case), 1.0), 0.0)
    words = f"is too dark: it gets {1 - math.exp(min(case.now.light, 0.0)):.0%} less light than before"
    hidden = veiled(case) or replaced(case)
    value = 0.0 if hidden else 1 - math.exp(-lost)
    told = sign(CameraFault.TOO_DARK, value, 1 - math.exp(-limit), "share of light", words)
    return told if hidden or case.everywhere(_light) else or_shared(told, 1 - math.exp(case.now.light))


def curve(case: Case) -> float:
    """By how much grey levels moved away from white (towards it: below 0) on this camera alone, in its limit.

    A bright picture cannot gain much light, so what it lost of its distance to white is counted. Not asked while the
    light of the other cameras changes as well: near white a little of it is much of that distance.
    """
    along = -case.own(_level) * case.own(_light) > 0 and abs(case.own(_light)) >= LIT
    if abs(case.shared_light) >= LIFTED or not along or moved(case) >= 1:
        return 0.0
    return case.own(_level) / (case.limit(LEVEL, _level) * case.strictness)


def _light(each: Measures) -> float:
    return each.light


def _level(each: Measures) -> float:
    return each.tone.level


def _burnt(each: Measures) -> float:
    return each.burnt
