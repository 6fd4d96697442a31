"""Has the camera been moved: in limits, from its directions, from where fixed things have gone, and from the view."""

from __future__ import annotations

import math

from tasks.camera.case import BURNT, Case
from tasks.camera.measures import Measures

ALIKE, ELSEWHERE, UNLIKE = 0.012, 0.03, 0.25
"""1 - correlation up to which views are the same one, and from which such a view, or any other, is another one."""
VARIED, VACATED = 3.0, 0.1
"""Times the healthy strangeness that another view must show, and the share of places that must have lost edges."""
LOOSE, MANY = 1.7, 3.0
"""Times the limit for a camera whose views are never quite the same, and where many moves are tried as well."""
CALM, CALM_VIEW = 0.7, 0.6
"""Share of an even glow, and of a view that was always the same, that is as it was around a stain."""
WHOLE_SIDE = 0.75
"""Share of a side of the frame from which what is new there is no stain."""
SEEN, OWN_EDGES = 0.2, 0.5
"""1 - correlation up to which a view is still to be seen, and share that is gained or hazy of what a move loses."""
ADDED = 1.5
"""Times the share of the picture that lost edges which must have gained some when something lies over it."""
PLAINLY = 3.0
"""Times the limit from which a better fit elsewhere explains a change of light as well."""
FOREIGN = 0.4
"""1 - correlation from which a view that never changed is that of something else."""
DUSK, SHADED = -0.5, 0.1
"""ln of light, and 1 - correlation up to which a view under so little of it, from one side, is the same one."""
DARKER = -0.2
"""ln of light from which on lost edges say nothing of where they were."""
STANDS = 1.5
"""Times the healthy strangeness up to which what is fixed is where it was, while no edges are gone."""
CARRIED = 0.6
"""Share of the lost likeness of what is fixed from which the map that brings it back is a move."""
HIDDEN = 0.35
"""Share without sight from which no move brought what hides it."""
NEARER = 0.1
"""ln of an enlargement that is worth words."""


def moved(case: Case) -> float:
    """In limits: by a map that brings back what is fixed, by the whole view, by the directions of its edges, and by
    where what is fixed in it has gone.

    A view that was always the same shows every move, also one that nobody tried: it looks different, and edges are
    gone from where they were. While most of it is as it was, the camera stands where it stood. A picture that is burnt
    out to white says nothing of that.
    """
    if case.now.burnt >= BURNT:
        return 0.0
    if carried(case) >= 1:
        return carried(case)
    if fixed_view(case) and not math.isnan(case.now.strange):
        return 0.0 if stained(case, CALM_VIEW) or overlaid(case) else max(elsewhere(case), _shifted(case))
    return elsewhere(case) if patterned(case) else max(turned(case), placed(case), elsewhere(case))


def carried(case: Case) -> float:
    """How much of its lost likeness a map of the picture brings back, in its limit: what is fixed is there, elsewhere.

    Nothing that lies over a picture, and no light, is explained by a map of all of it. 0 where much of it is hidden:
    the rest of it fits many.
    """
    if max(case.now.blind, case.now.spots.hidden) >= HIDDEN:
        return 0.0
    return case.now.stance.move.explained / case.limit(CARRIED, _explained)


def elsewhere(case: Case) -> float:
    """Strangeness in its limit, when edges are gone as well: a new product brings some. 0 where no view is left."""
    if math.isnan(case.now.strange):
        return 0.0
    usual = max((each.strange for each in case.healthy), default=0.0)
    limit = max(ELSEWHERE if fixed_view(case) else UNLIKE, VARIED * usual)
    return case.now.strange / limit * min(case.now.lost / VACATED, 1.0)


def _shifted(case: Case) -> float:
    """How much better a view that plainly fits elsewhere does so, in its limit, when edges are gone as well."""
    found = placed(case) if case.now.strange >= ELSEWHERE / 2 else 0.0
    return found if found >= PLAINLY and case.now.lost >= VACATED else 0.0


def turned(case: Case) -> float:
    """The turn of all edges together, in its limit."""
    return abs(case.now.stance.turn) / case.limit(case.rules.moved_degrees, _turn)


def placed(case: Case) -> float:
    """How much better what is fixed fits when it is moved, in its limit."""
    told = case.now.stance.told
    if any(each.stance.told is not told for each in case.healthy):  # its healthy time was measured in another way
        return 0.0
    if stands(case) if told else stained(case):
        return 0.0
    times = 1.0 if fixed_view(case) else MANY if told else LOOSE
    return case.now.stance.gain / case.limit(times * case.rules.moved_fit, _gain)


def replaced(case: Case) -> bool:
    """Whether what is fixed is plainly somewhere else: then light is that of other things, or of a dark edge.

    What is burnt out to white fits anywhere.
    """
    fits = case.now.stance.told and placed(case) >= PLAINLY
    return case.now.burnt < BURNT and (fits or carried(case) >= 1)


def stands(case: Case) -> bool:
    """Whether what is fixed is where it was, edges and all: then a picture that fits better turned says nothing.

    Things are often alike from both sides, and which side most of them show changes from window to window. A blurred
    or dark picture has lost edges wherever they are.
    """
    usual = max((each.strange for each in case.healthy), default=0.0)
    there = case.now.lost < VACATED / 2 or case.now.blur >= case.rules.blur_octaves or case.now.light <= DARKER
    shaded = case.now.light <= DUSK and case.now.strange <= SHADED
    return shaded or (case.now.strange <= max(ALIKE, STANDS * usual) and there)


def stained(case: Case, calm: float = CALM) -> bool:
    """Whether a picture shows something new in one place, and is else what it was: that fits best where it is.

    What is new along a whole side has come into view there.
    """
    inside = case.now.inside >= case.rules.dirty_share  # a move changes the edges of the picture
    found = case.now.spots
    return inside and found.apart > 0 and found.calm >= calm and found.side < WHOLE_SIDE


def overlaid(case: Case) -> bool:
    """Whether something with edges of its own lies over a view that is still to be seen where it was."""
    there = case.now.stance.told and case.now.stance.gain == 0 and case.now.strange <= SEEN
    own = max(case.now.gained, case.now.inside)  # edges, or a haze that reaches no side of the frame
    return there and own >= OWN_EDGES * max(case.now.lost, case.rules.dirty_share)


def patterned(case: Case) -> bool:
    """Whether something with edges of its own lies over a picture that is else what it was: threads, letters, cracks.

    What has moved takes as many edges from where they were as it brings elsewhere.
    """
    return case.now.spots.wide and case.now.gained >= ADDED * max(case.now.lost, case.rules.dirty_share)


def another_view(case: Case) -> bool:
    """Whether a view that never changed is plainly that of something else: then its colours are others as well."""
    foreign = case.now.strange >= FOREIGN and case.now.lost >= VACATED  # False where no view is left (nan)
    return fixed_view(case) and (foreign or replaced(case))


def fixed_view(case: Case) -> bool:
    """Whether most of what the camera sees never changed: parts of its healthy time look like the rest."""
    return bool(case.healthy) and all(0 < each.strange <= ALIKE for each in case.healthy)


def where(case: Case) -> str:
    """In words, how it stands now."""
    found = case.now.stance
    if not found.gain and abs(found.turn) < case.rules.moved_degrees:
        return "has moved: what it always saw is not where it was"
    if abs(found.turn) >= case.rules.moved_degrees:
        return f"has moved: the picture is turned by {found.turn:+.0f} degrees"
    if abs(found.angle) >= case.rules.moved_degrees:
        return f"has moved: the picture is turned by about {found.angle:+.0f} degrees"
    if abs(math.log(found.zoom)) > NEARER:
        return f"has moved: the picture shows things {found.zoom:.2g} times as large"
    return f"has moved: the picture is shifted by {abs(found.across):.0%} across and {abs(found.down):.0%} down"


def _turn(each: Measures) -> float:
    return each.stance.turn


def _explained(each: Measures) -> float:
    return each.stance.move.explained


def _gain(each: Measures) -> float:
    return each.stance.gain
