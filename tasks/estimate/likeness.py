"""Whether objects still look inside their boxes as those of their class did, whatever light or lens they are seen in.

Each class is compared on its own, camera by camera, with labelled pictures. What damage on purpose did to the same
pictures tells in which directions light, lenses and sensors move these numbers: whatever is some of that damage, or of
several kinds of it together, is taken away, and what is left is a change of the objects.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import lsq_linear

from tasks.estimate.inside import Objects
from tasks.estimate.look import CLASS_BOXES, Shift

Numbers = NDArray[np.float64]
Pictures = Sequence[Objects | None]

UNCHANGED = Shift(size=0.0, error=0.0)

EACH = 5
"""Boxes of a class in one camera below which it says nothing of them."""

KEPT = 0.85
"""A step of damage tells how a class looks then when it leaves so many of its boxes to be looked into."""

FLOOR = 0.05
"""Spread below which a number counts as spread so much: finer differences are nobody's concern."""

AT_ONCE, BACK = 1.0, 0.5
"""So much of all steps of damage together may have happened, and of the opposite of each: clearer pictures."""

FIRM = 1e3
"""Weight with which the steps add up to no more than all may."""

PART = 0.25
"""Share of the numbers, those that moved most, that the size of a change is taken over."""

INEXACT = 0.4
"""Share of what damage explains that it may be off by: no damage is quite the one that was tried."""

TOGETHER = 0.4
"""The mean over so many numbers is known better than one of them; not by their root, for they depend on each other."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Typical:
    """`n` boxes of a class in one camera: mean (k,) and spread (k,) of their numbers."""

    n: int
    mean: Numbers
    spread: Numbers


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Likeness:
    """What objects look like inside, by class and camera, and by class what steps of damage do to it (steps, k).

    `newest` is what they look like in the newest labelled pictures, of classes that show enough there in every camera:
    where a product changed, all pictures together are a mixture that no window looks like.
    """

    usual: Mapping[str, Mapping[str, Typical]] = field(default_factory=dict)
    damage: Mapping[str, Numbers] = field(default_factory=dict)
    newest: Mapping[str, Mapping[str, Typical]] = field(default_factory=dict)


UNKNOWN = Likeness()
"""Nobody looked into boxes."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Moved:
    """How `n` boxes of a class differ from its usual look (k,), the standard error of that, and the usual spread."""

    n: int
    size: Numbers
    error: Numbers
    spread: Numbers


def learnt(cameras: Sequence[str], whole: Pictures, worse: Sequence[Pictures], newest: Sequence[int] = ()) -> Likeness:
    """What objects look like in labelled pictures, and what the first of them show after each step of damage.

    `newest` are the places of the newest pictures. A step that takes boxes of a class tells nothing of it: what is left
    of them are the clearest ones. A class of which there are too few boxes is in none of it.
    """
    part = max(map(len, worse), default=0)
    before = usual(cameras[:part], whole[:part])
    n = {name: sum(each.n for each in mine.values()) for name, mine in before.items()}
    steps = [moved(before, cameras[:part], shown, 1) for shown in worse]
    damage = {
        name: np.round(
            np.array([each[name].size for each in steps if name in each and each[name].n >= KEPT * count]), 4
        )
        for name, count in n.items()
        if count >= CLASS_BOXES
    }
    known = {name: each for name, each in usual(cameras, whole).items() if len(damage.get(name, ()))}
    lately = usual([cameras[at] for at in newest], [whole[at] for at in newest])
    enough = {name for name, mine in lately.items() if sum(each.n for each in mine.values()) >= CLASS_BOXES}
    return Likeness(
        usual=known,
        damage={name: damage[name] for name in known},
        newest={name: lately[name] for name in known if name in enough and lately[name].keys() == known[name].keys()},
    )


def usual(cameras: Sequence[str], found: Pictures) -> dict[str, dict[str, Typical]]:
    """The look of every class in every camera that shows enough of it."""
    return {
        name: {
            camera: Typical(n=len(each), mean=np.round(each.mean(0), 4), spread=np.round(each.std(0, ddof=1), 4))
            for camera, each in mine.items()
            if len(each) >= EACH
        }
        for name, mine in _by_class(cameras, found).items()
    }


def moved(
    before: Mapping[str, Mapping[str, Typical]], cameras: Sequence[str], found: Pictures, least: int = CLASS_BOXES
) -> dict[str, Moved]:
    """How the classes differ of which there are enough boxes, each within the cameras that are known."""
    both = {
        name: {camera: each for camera, each in mine.items() if camera in before.get(name, {})}
        for name, mine in _by_class(cameras, found).items()
    }
    counted = {name: sum(map(len, mine.values())) for name, mine in both.items()}
    return {name: _moved(before[name], mine) for name, mine in both.items() if counted[name] >= least}


def changed(before: Likeness, cameras: Sequence[str], found: Pictures, undamaged: Pictures = ()) -> Shift:
    """How much the class changed that changed most, in its own spreads, beyond what damage explains; 0 of too few.

    A class that looks as in the newest labelled pictures has not changed since. Of a step of damage, with what the
    same pictures show `undamaged`, a class counts when it keeps its boxes: what is left of them are other ones.
    """
    whole, part = _counted(cameras[: len(undamaged)], undamaged), _counted(cameras, found)
    kept = {name for name, n in part.items() if n >= KEPT * whole.get(name, 0)}
    left, lately = (
        {name: _left(each, before.damage[name]) for name, each in moved(known, cameras, found).items()}
        for known in (before.usual, before.newest)
    )
    both = [(each, lately.get(name, each)) for name, each in left.items() if name in kept]
    least = [min(pair, key=lambda shift: shift.size) for pair in both]
    return max(least, key=lambda each: each.size, default=UNCHANGED)


def _counted(cameras: Sequence[str], found: Pictures) -> dict[str, int]:
    """Boxes of every class."""
    return {name: sum(map(len, mine.values())) for name, mine in _by_class(cameras, found).items()}


def _by_class(cameras: Sequence[str], found: Pictures) -> dict[str, dict[str, Numbers]]:
    gathered: dict[str, dict[str, list[Numbers]]] = {}
    for camera, each in zip(cameras, found, strict=True):
        for number, values in zip(each.classes.tolist(), each.numbers, strict=True) if each is not None else ():
            gathered.setdefault(str(number), {}).setdefault(camera, []).append(values)
    return {
        name: {camera: np.array(mine[camera]) for camera in sorted(mine)} for name, mine in sorted(gathered.items())
    }


def _moved(before: Mapping[str, Typical], now: Mapping[str, Numbers]) -> Moved:
    n, was = np.array([len(each) for each in now.values()], np.float64), [before[camera] for camera in now]
    share, spread = (n / n.sum())[:, None], np.array([each.spread for each in was])
    doubt = 1 / n + 1 / np.array([each.n for each in was], np.float64)
    size = np.array([each.mean(0) for each in now.values()]) - np.array([each.mean for each in was])
    return Moved(
        n=int(n.sum()),
        size=(share * size).sum(0),
        error=np.sqrt(((share * spread) ** 2 * doubt[:, None]).sum(0)),
        spread=np.sqrt((share * spread**2).sum(0)),
    )


def _left(found: Moved, steps: Numbers) -> Shift:
    """What these steps (steps, k) do not explain, in spreads."""
    scale = np.sqrt(found.spread**2 + FLOOR**2)
    size, known = found.size / scale, (steps / scale).T
    explained = known @ _mixture(known, size)
    left = _largest(size - explained) - INEXACT * _largest(explained)
    return Shift(size=max(left, 0.0), error=TOGETHER * _largest(found.error / scale))


def _mixture(known: Numbers, size: Numbers) -> Numbers:
    """(steps,) how much of each step (k, steps) comes nearest to a change (k,).

    The last of the unknowns is what is left of the steps that there may be at once.
    """
    k, n = known.shape
    both = np.block([[known, -known, np.zeros((k, 1))], [np.full((1, 2 * n + 1), FIRM)]])
    most = np.concatenate([np.full(n, AT_ONCE), np.full(n, BACK), [AT_ONCE]])
    found = lsq_linear(both, np.append(size, FIRM * AT_ONCE), (0, most)).x
    return np.asarray(found[:n] - found[n : 2 * n], np.float64)


def _largest(values: Numbers) -> float:
    """Root mean square of the largest ones."""
    return float(np.sqrt(np.sort(values**2)[-max(round(PART * len(values)), 1) :].mean()))
