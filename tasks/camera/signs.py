"""From numbers to signs of a fault: each held against its limit, and against what the other cameras show.

A limit is never narrower than what the camera's own healthy time spans: parts of the reference are measured against
the rest of it, and one and a half times the largest of these values is the least limit. Light, colour and focus are
what a season or a new product change as well, and those reach all cameras: only what the other cameras do not share
counts. A camera without others to compare with must show half as much again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tasks.camera.measures import Measures
from tasks.camera.rules import CameraRules
from tasks.domain.subjects import CameraFault

SPARE = 1.5
"""Times the camera's own healthy spread that a limit is at least."""
ALONE = 1.5
"""Times the limit for a camera that cannot be compared with another one."""
BURNT = 0.15
"""Rise of the share of white pixels from which a picture is too bright, however bright the rest is."""
RARE_GAIN = 0.25
"""Dirt takes detail and gives none: places with more detail may be so many of the places with less, at most."""
SHARED = 0.4
"""Change of most places, as a share of the change of the lost ones, from which it is no matter of places."""
MOSTLY_BLIND = 0.6
"""Share of the picture without sight from which its directions and places say nothing any more."""

Number = Callable[[Measures], float]


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A camera's numbers now, in parts of its healthy time, and those of the other cameras now."""

    now: Measures
    healthy: Sequence[Measures]
    others: Sequence[Measures]
    rules: CameraRules

    def limit(self, floor: float, number: Number) -> float:
        """The rule's limit, or more for a camera that always varied more."""
        return max([floor, *(SPARE * abs(number(each)) for each in self.healthy)])

    def own(self, number: Number) -> float:
        """The number without what the other cameras show of it, in the direction of the number."""
        value = number(self.now)
        shared = float(np.median([number(each) for each in self.others])) if self.others else 0.0
        return value - float(np.clip(shared, min(value, 0.0), max(value, 0.0)))

    @property
    def strictness(self) -> float:
        """1, or more when there is no other camera."""
        return 1.0 if self.others else ALONE


def signs(case: Case) -> list[Sign]:
    """Every fault of pictures that can be asked about, in the order of `CameraFault`: the first one over explains
    those after it.
    """
    found = [frozen(case), covered(case), too_bright(case), colour_lost(case), too_dark(case), *unsteady(case)]
    return [sign for sign in found if sign is not None]


def frozen(case: Case) -> Sign:
    """The same picture again and again; black or empty pictures are covered, not frozen."""
    now, before = case.now.repeats, max((each.repeats for each in case.healthy), default=0.0)
    rise = 0.0 if case.now.bare else max(0.0, now - before)
    words = f"is frozen: {now:.0%} of its images show the same as the one before ({before:.0%} in the reference)"
    return _sign(CameraFault.FROZEN, rise, case.rules.frozen_share, "share of images", words)


def too_bright(case: Case) -> Sign:
    """More light than before on this camera alone, or much of the picture burnt out to white."""
    limit = -math.log(1 - case.rules.light_share)
    light = case.own(_light) / (case.limit(limit, _light) * case.strictness)
    burnt = case.own(_burnt) / case.limit(BURNT, _burnt)
    if 2 * case.own(_burnt) < case.now.burnt:  # white is where light ends: the same light burns one more than another
        burnt = 0.0
    value = max(light, burnt, 0.0)
    words = f"is too bright: {math.exp(case.now.light):.2g} times the light of before"
    if burnt >= light:
        words = f"is too bright: {case.now.burnt:.0%} more of the picture is burnt out to white"
    return _sign(CameraFault.TOO_BRIGHT, value, 1.0, "of the limit", words)


def too_dark(case: Case) -> Sign:
    """Less light than before on this camera alone."""
    limit = case.limit(-math.log(1 - case.rules.light_share), _light) * case.strictness
    lost = 1 - math.exp(min(case.own(_light), 0.0))
    words = f"is too dark: it gets {1 - math.exp(min(case.now.light, 0.0)):.0%} less light than before"
    return _sign(CameraFault.TOO_DARK, lost, 1 - math.exp(-limit), "share of light", words)


def covered(case: Case) -> Sign:
    """Part of the picture, or all of it, in which nothing passes any more and that looks different.

    A camera that was knocked shows such a part at its edge, and something else everywhere: it has moved. What is
    burnt out to white does not move either, but it is light that hides it.
    """
    blind = case.now.blind
    knocked = blind < MOSTLY_BLIND and _moved(case) >= 1 and not case.now.bare
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
    lost = 0.0 if shared else max(0.0, 1 - case.now.colour)
    return _sign(CameraFault.COLOUR_LOST, lost, 1 - case.rules.colour_kept, "share of colour", words)


def unsteady(case: Case) -> tuple[Sign, Sign, Sign]:
    """Out of focus, moved, dirty: told apart by what each of them does not change.

    Without focus, directions and places are blurred as well, so a blurred picture says nothing of where it looks;
    dirt takes detail from few places, and from fine and coarse alike.
    """
    focus, dirt, moved = _focus(case), _dirt(case), _moved(case)
    where = case.now.stance
    words = f"has moved: the picture is turned by {where.turn:+.0f} degrees"
    if abs(where.turn) < case.rules.moved_degrees:
        words = f"has moved: the picture is shifted by {abs(where.across):.0%} across and {abs(where.down):.0%} down"
    stands = 0.0 if focus.over else moved
    return (_sign(CameraFault.MOVED, stands, 1.0, "of the limit", words), focus, dirt)


def _focus(case: Case) -> Sign:
    limit = case.limit(case.rules.blur_octaves, _blur) * case.strictness
    words = f"is out of focus: fine detail fell {1 - math.exp(-max(case.now.blur, 0.0)):.0%} more than coarse detail"
    return _sign(CameraFault.OUT_OF_FOCUS, max(case.own(_blur), 0.0), limit, "ln of detail", words)


def _dirt(case: Case) -> Sign:
    now = case.now
    patchy = now.gained <= RARE_GAIN * now.lost and now.level > -SHARED * now.depth
    seen = max(now.lost if patchy else 0.0, now.blind)
    limit = max(case.limit(case.rules.dirty_share, _lost), case.limit(case.rules.dirty_share, _blind))
    words = f"has a dirty lens: the same {seen:.1%} of the picture lost its detail in all images"
    return _sign(CameraFault.DIRTY_LENS, seen, limit, "share of picture", words)


def _moved(case: Case) -> float:
    """The larger of turn and shift, each in its limit."""
    turned = abs(case.now.stance.turn) / case.limit(case.rules.moved_degrees, _turn)
    return max(turned, case.now.stance.gain / case.limit(case.rules.moved_fit, _gain))


def _sign(fault: CameraFault, value: float, limit: float, unit: str, words: str) -> Sign:
    return Sign(fault=fault, value=round(value, 4), limit=round(limit, 4), unit=unit, words=words)


def _light(each: Measures) -> float:
    return each.light


def _burnt(each: Measures) -> float:
    return each.burnt


def _blind(each: Measures) -> float:
    return each.blind


def _blur(each: Measures) -> float:
    return max(each.blur, 0.0)


def _lost(each: Measures) -> float:
    return each.lost


def _turn(each: Measures) -> float:
    return each.stance.turn


def _gain(each: Measures) -> float:
    return each.stance.gain
