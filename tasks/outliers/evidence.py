"""Whether the share of strange images rose: a cumulative sum over windows, recomputed from their counts each time.

Nothing but counts is stored. A window that is judged again replaces its count, and every sum that is computed later
takes the new one; computing it twice adds nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from scipy.stats import beta

from tasks.domain.window import Window
from tasks.outliers.familiar import Limit

RELEASE = 0.5
"""An alarm ends when the sum has fallen to this share of its limit; then the sum starts anew.

The sum never exceeds its limit, so that a long episode is not forgiven more slowly than a short one.
"""

CAUTION = 0.9
"""The usual share is taken to be the upper end of what a reference of this size leaves open, at this confidence.

A share that is a little too high would add evidence every day, for ever.
"""

FAR_SHARE = 0.5
"""Of the strange images that come in addition, so many are taken to be far."""

LARGEST = 0.5
"""A usual share is never taken to be more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """`strange` of `scenes` distinct scenes of one camera lay beyond its limit, `far` of those much beyond."""

    scenes: int
    strange: int
    far: int = 0


Counts = Mapping[str, Count]
"""Camera -> what was counted in one window."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usual:
    """The shares of healthy images that are strange, and that are far (0: not asked); both cautious."""

    strange: float
    far: float = 0.0


def usual_shares(limits: Mapping[str, Limit], caution: float = CAUTION) -> dict[str, Usual]:
    """Camera -> what counts as usual, cautiously, for these cameras taken together.

    >>> usual = usual_shares({"a": Limit(distance=1.0, beyond=10 / 1001, scenes=1000)})
    >>> round(usual["a"].strange, 4)
    0.0119
    """
    total = sum(each.scenes + 1 for each in limits.values())
    beyond = sum(each.beyond * (each.scenes + 1) for each in limits.values())
    if not beyond:
        return {}
    factor = float(beta.ppf(caution, beyond, total - beyond)) * total / beyond
    strange = {camera: min(each.beyond * factor, LARGEST) for camera, each in limits.items()}
    return {camera: Usual(strange=share, far=_far(limits, total, share, caution)) for camera, share in strange.items()}


def _far(limits: Mapping[str, Limit], total: int, strange: float, caution: float) -> float:
    """The usual share of far images; 0 where too few scenes are known to tell it from the strange ones'."""
    beyond = max(*(each.beyond_far * total for each in limits.values()), 1.0)
    share = float(beta.ppf(caution, beyond, total - beyond))
    return share if share <= strange / 2 and all(each.beyond_far for each in limits.values()) else 0.0


def step(count: Count, usual: Usual, rise: float) -> float:
    """The evidence of one count: the log likelihood ratio of `rise` times the usual share against the usual one.

    What is unlike anything in the reference is worth more than what is at the edge of it.
    """
    more = min(rise * usual.strange, (1 + usual.strange) / 2)
    none = (count.scenes - count.strange) * math.log((1 - more) / (1 - usual.strange))
    if not usual.far:
        return count.strange * math.log(more / usual.strange) + none
    extra, near = more - usual.strange, usual.strange - usual.far
    beyond = math.log1p(FAR_SHARE * extra / usual.far)
    return count.far * beyond + (count.strange - count.far) * math.log1p((1 - FAR_SHARE) * extra / near) + none


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The sum after some windows, and what was counted since it last stood at 0: `strange` of `scenes`."""

    total: float = 0.0
    alarm: bool = False
    scenes: int = 0
    strange: int = 0


def evidence(windows: Iterable[Counts], usual: Mapping[str, Usual], rise: float, limit: float) -> Evidence:
    """The cumulative sum after these windows, oldest first: an alarm from `limit` on, until half of that is gone.

    Cameras without a usual share do not count. Sources: Page, Continuous
    inspection schemes, Biometrika 41 (1954); Reynolds and Stoumbos, A CUSUM chart for monitoring a proportion when
    inspecting continuously, J. Qual. Technol. 31 (1999).
    """
    now, alarm = Evidence(), False
    for counts in windows:
        counted = [(count, usual[camera]) for camera, count in counts.items() if camera in usual]
        total = min(now.total + sum(step(count, share, rise) for count, share in counted), limit)
        alarm = total >= limit or (alarm and total > RELEASE * limit)
        if total <= 0 or (now.alarm and not alarm):
            now, alarm = Evidence(), False
            continue
        now = Evidence(
            total=total,
            alarm=alarm,
            scenes=now.scenes + sum(count.scenes for count, _ in counted),
            strange=now.strange + sum(count.strange for count, _ in counted),
        )
    return now


def chain(history: Sequence[tuple[Window, Counts]], present: Window) -> list[tuple[Window, Counts]]:
    """Windows before the present one and their counts, oldest first; of those that overlap only the later one counts.

    `history` comes newest first, as the ledger gives it.
    """
    taken: list[tuple[Window, Counts]] = []
    earliest = present.start
    for window, counts in history:
        if window.end <= earliest:
            taken.append((window, counts))
            earliest = window.start
    return taken[::-1]
