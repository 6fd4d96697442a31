"""From numbers to signs of a fault: each held against its limit, and against what the other cameras show.

A limit is never narrower than what the camera's own healthy time spans: parts of the reference are measured against
the rest of it, and one and a half times the largest of these values is the least limit. Light, colour and focus are
what a season or a new product change as well, and those reach all cameras: only what the other cameras do not share
counts. A camera without others to compare with must show half as much again.
"""

from __future__ import annotations

from tasks.camera.case import BURNT, Case
from tasks.camera.glass import dirt, focus
from tasks.camera.light import too_bright, too_dark
from tasks.camera.measures import Measures
from tasks.camera.moves import HIDDEN, carried, elsewhere, fixed_view, moved, placed, turned, where
from tasks.camera.sign import Sign, sign
from tasks.camera.tints import colour_cast, colour_lost
from tasks.domain.subjects import CameraFault

SURE = 2.0
"""Times the limit by which a view must be another one when it is blurred as well."""
UNLIKE = 0.85
"""Share of the picture that looks different from which it may be no old picture of this camera."""
MOSTLY_BLIND = 0.6
"""Share without sight from which directions and places say nothing."""


def signs(case: Case) -> list[Sign]:
    """Every fault of pictures that can be asked about, in the order of `CameraFault`: the first one over explains
    those after it.
    """
    found = [
        frozen(case),
        covered(case),
        colour_lost(case),
        colour_cast(case),
        too_bright(case),
        too_dark(case),
        *unsteady(case),
    ]
    return [each for each in found if each is not None]


def frozen(case: Case) -> Sign:
    """The same picture again and again; black, empty or foreign pictures are covered, not frozen."""
    now, before = case.now.repeats, max((each.repeats for each in case.healthy), default=0.0)
    unlike = case.now.blind >= UNLIKE and not case.now.familiar
    hidden = case.now.bare or unlike  # an old picture looks like the others, a cover does not
    rise = 0.0 if hidden else max(0.0, now - before)
    words = f"is frozen: {now:.0%} of its images show the same as the one before ({before:.0%} in the reference)"
    return sign(CameraFault.FROZEN, rise, case.rules.frozen_share, "share of images", words)


def covered(case: Case) -> Sign:
    """Part of the picture in which nothing passes and that looks different, or nothing is left of what was there.

    A camera that was knocked shows such a part at its edge, and something else everywhere.
    """
    blind = max(case.now.blind, case.now.spots.hidden)
    fits = case.now.stance.told and placed(case) >= 1  # what is fixed, somewhere else
    stood = case.now.spots.hidden >= HIDDEN and not fits
    gone = moved(case) if blind < HIDDEN else max(placed(case), elsewhere(case))  # directions are those of the cover
    beside = fixed_view(case) and case.now.spots.wide  # all that is not hidden is as it was
    knocked = blind < MOSTLY_BLIND and gone >= 1 and not (case.now.bare or stood or beside)
    value = 0.0 if knocked or carried(case) >= 1 or case.now.burnt >= BURNT else blind
    words = f"is covered: {blind:.0%} of the picture is hidden behind something that does not move"
    return sign(CameraFault.COVERED, value, case.limit(case.rules.covered_share, _blind), "share of picture", words)


def unsteady(case: Case) -> tuple[Sign, Sign, Sign]:
    """Out of focus, moved, dirty: told apart by what each of them does not change.

    Without focus, directions and places are blurred as well, so a blurred picture says nothing of where it looks;
    dirt takes detail from few places, and from fine and coarse alike. A picture that is nearer looks slightly blurred:
    there a turn of all edges is a move.
    """
    blur, stuck = focus(case), dirt(case)
    found = moved(case)
    hazed = stuck.over and case.now.inside >= stuck.limit
    if blur.over or (hazed and not fixed_view(case)):  # then edges say less of where it looks
        slight = not hazed and not fixed_view(case) and blur.value < SURE * blur.limit
        found = max(carried(case), placed(case), elsewhere(case) / SURE, turned(case) if slight else 0.0)
    return (sign(CameraFault.MOVED, found, 1.0, "of the limit", where(case)), blur, stuck)


def _blind(each: Measures) -> float:
    return each.blind
