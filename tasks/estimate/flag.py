"""Whether a number without labels may be given at all: valid, extrapolating, or unverifiable, and then none is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from tasks.estimate.around import NOTHING, Around
from tasks.estimate.calibration import Calibration, Rung, drops
from tasks.estimate.look import Shift, Shifts
from tasks.estimate.signs import Signs

ERRORS, PLACE_ERRORS = 4.0, 3.0
"""Standard errors beyond which a difference is none of chance; a place has little else that moves it."""

AREA, SHAPE, PLACE, MORE, MISSING = 0.06, 0.015, 0.03, 0.06, 0.1
"""Changes of look that are nobody's concern: log area, log aspect, spreads of the place, shares of the objects."""

CUT, MIX = 0.02, 0.12
"""The same for the share of objects that the picture's edge cuts off, and of a class among all."""

TONE, COLOURS, THINGS, ROUGH, INSIDE = 0.02, 0.01, 0.01, 0.6, 0.1
"""The same of what is around the objects: colours (log), shares of the picture, edges of the ground (log); and of what
is inside their boxes, in spreads of a class."""

MANY, HALF = 1.25, 0.15
"""So many times what damage makes and so much more may be half seen, or seen as two things, for each box kept."""

SLACK = 0.05
"""A step of the ladder stands for sets that find so much less than it, too."""

RIVAL, DISSENT = 1.12, 0.05
"""The second version finds so many times what it used to, and agreement fell by so much: the two contradict."""

BLIND, HOLLOW = 0.5, 0.75
"""Shares of the objects found before, and of the promised mAP50, below which a model has lost the thread."""

STILL = 0.03
"""Drop of any sign (share) that is within what undamaged windows show."""


class Flag(StrEnum):
    """How far a number without labels can be believed."""

    VALID = "valid"
    EXTRAPOLATING = "extrapolating"
    UNVERIFIABLE = "unverifiable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The flag and, in words, what speaks for it."""

    flag: Flag
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarms:
    """What other stages found in the same window: `inputs` changed, or something that no confidence knows of."""

    inputs: tuple[str, ...] = ()
    semantic: tuple[str, ...] = ()


def judge(calibration: Calibration, signs: Signs, shifts: Shifts, alarms: Alarms, around: Around = NOTHING) -> Verdict:
    """Unverifiable for whatever damage of pictures cannot do; extrapolating when anything at all changed.

    `around` is what changed around the objects.
    """
    beside = beyond_objects(calibration, around, shifts)
    semantic = (*alarms.semantic, *outside(calibration, signs, shifts), *beside)
    if semantic:
        return Verdict(flag=Flag.UNVERIFIABLE, reasons=semantic)
    changed = (*alarms.inputs, *changes(calibration, signs, shifts))
    return Verdict(flag=Flag.EXTRAPOLATING if changed else Flag.VALID, reasons=changed)


def outside(calibration: Calibration, signs: Signs, shifts: Shifts) -> tuple[str, ...]:
    """What lies outside everything that damaged pictures showed; empty when nothing does."""
    found, sure = shifts.found.size, shifts.sure.size
    reasons = [
        (_beyond("area", AREA, calibration, shifts), "the objects are of another size"),
        (_beyond("shape", SHAPE, calibration, shifts), "the objects are of another shape"),
        (
            _beyond("x", PLACE, calibration, shifts) or _beyond("y", PLACE, calibration, shifts),
            "the objects are elsewhere",
        ),
        (_beyond("cut", CUT, calibration, shifts), "more objects are cut off by the edge of the picture"),
        (_beyond("mix", MIX, calibration, shifts), "the mix of classes is another"),
        (_more("unclear", calibration, signs, shifts), "there are more things that it half takes for objects"),
        (_more("doubled", calibration, signs, shifts), "more things look like two classes at once"),
        (shifts.found.size > 0 and shifts.found.beyond(MORE, ERRORS), "there are more objects than before"),
        (_missing(shifts), "objects are missing although the model is as sure as before"),
        (_contradicted(calibration.clean, signs), "two versions of the model contradict each other"),
        (1 + found < BLIND or sure < -BLIND, "the model hardly finds anything"),
        (not signs.promised / calibration.clean.promised >= HOLLOW, "the model is hardly sure of anything"),
    ]
    return tuple(words for broken, words in reasons if broken)


def beyond_objects(calibration: Calibration, around: Around, shifts: Shifts) -> tuple[str, ...]:
    """What pictures show around the objects and damage that takes as many of them does not; empty when nothing."""
    known = [rung.around for rung in _no_worse(calibration, shifts)]
    asked = (
        ("tone", TONE, "objects and their background differ in colour otherwise than before"),
        ("colours", COLOURS, "there are colours that these cameras never showed"),
        ("things", THINGS, "there are things in which the model sees nothing at all"),
        ("rough", ROUGH, "the background is much rougher beside the objects than before"),
        ("inside", INSIDE, "objects look otherwise inside their boxes than those of their class did"),
    )
    usual = {name: max((_size(each, name).size for each in known), default=0.0) for name, _, _ in asked}
    return tuple(words for name, allowed, words in asked if _size(around, name).beyond(allowed + usual[name], ERRORS))


def changes(calibration: Calibration, signs: Signs, shifts: Shifts) -> tuple[str, ...]:
    """Signs that are lower than undamaged windows show them; empty when none is."""
    lost = drops(signs, calibration.clean, 0.0).tolist()
    sinks = [
        (lost[0] > STILL / 2, "the confidences promise less than before"),
        (lost[1] > STILL, "mirrored images get other answers than before"),
        (lost[2] > STILL, "the second version agrees less than before"),
        (shifts.found.beyond(STILL, ERRORS / 2), "another number of objects is found"),
        (shifts.mix.beyond(MIX, ERRORS / 2), "the mix of classes is another"),
        (shifts.sure.beyond(STILL, ERRORS / 2), "the model is less sure"),
        (1 - calibration.estimate(signs, shifts.found.size) / calibration.quality > STILL, "all signs together fell"),
    ]
    return tuple(words for low, words in sinks if low)


def _beyond(name: str, allowed: float, calibration: Calibration, shifts: Shifts) -> bool:
    """Beyond chance and beyond what damage that takes as many objects does to it."""
    known = [rung.shifts for rung in _no_worse(calibration, shifts)]
    usual = max((abs(_size(each, name).size) for each in known), default=0.0)
    return _size(shifts, name).beyond(allowed + usual, PLACE_ERRORS if name in ("x", "y") else ERRORS)


def _more(name: str, calibration: Calibration, signs: Signs, shifts: Shifts) -> bool:
    """Beyond what damage that takes as many objects shows, as a share of the kept boxes."""
    known = [rung.signs for rung in _no_worse(calibration, shifts)]
    usual = max(float(getattr(each, name)) for each in (calibration.clean, *known))
    return bool(getattr(signs, name) > MANY * usual + HALF)


def _no_worse(calibration: Calibration, shifts: Shifts) -> list[Rung]:
    """The steps of damage that take no more objects than were lost."""
    return [rung for rung in calibration.rungs if rung.shifts.found.size >= shifts.found.size - SLACK]


def _size(shifts: Shifts | Around, name: str) -> Shift:
    found: Shift = getattr(shifts, name)
    return found


def _missing(shifts: Shifts) -> bool:
    lost = -shifts.found.size - max(-shifts.sure.size, 0.0)
    return lost > MISSING + ERRORS / 2 * shifts.found.error


def _contradicted(clean: Signs, signs: Signs) -> bool:
    if not math.isfinite(signs.agreement) or not math.isfinite(clean.agreement):
        return False
    dissent = 1 - signs.agreement / max(clean.agreement, 1e-6)
    return signs.rival > RIVAL * clean.rival and dissent > DISSENT


def named(reasons: Sequence[str]) -> str:
    """The reasons in one phrase, the first three of them."""
    return ", ".join(reasons[:3])
