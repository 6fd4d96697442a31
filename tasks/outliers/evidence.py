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

CAUTION = 0.75
"""The usual share is taken to be the upper end of what a reference of this size leaves open, at this confidence.

A share that is a little too high would add evidence every day, for ever.
"""

LARGEST = 0.5
"""A usual share is never taken to be more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """`strange` of `scenes` distinct scenes of one camera lay beyond its limit."""

    scenes: int
    strange: int


Counts = Mapping[str, Count]
"""Camera -> what was counted in one window."""


def usual_shares(limits: Mapping[str, Limit], caution: float = CAUTION) -> dict[str, float]:
    """Camera -> the share of strange images that counts as usual, cautiously, for these cameras taken together.

    >>> usual = usual_shares({"a": Limit(distance=1.0, beyond=10 / 1001, scenes=1000)})
    >>> round(usual["a"], 4)
    0.0119
    """
    beyond = sum(each.beyond * (each.scenes + 1) for each in limits.values())
    within = sum(each.scenes + 1 for each in limits.values()) - beyond
    if not beyond:
        return {}
    factor = float(beta.ppf(caution, beyond, within)) * (beyond + within) / beyond
    return {camera: min(each.beyond * factor, LARGEST) for camera, each in limits.items()}


def step(count: Count, usual: float, rise: float) -> float:
    """The evidence of one count: the log likelihood ratio of `rise` times the usual share against the usual one."""
    more = min(rise * usual, (1 + usual) / 2)
    return count.strange * math.log(more / usual) + (count.scenes - count.strange) * math.log((1 - more) / (1 - usual))


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The sum after some windows, and what was counted since it last stood at 0: `strange` of `scenes`."""

    total: float = 0.0
    alarm: bool = False
    scenes: int = 0
    strange: int = 0


def evidence(windows: Iterable[Counts], usual: Mapping[str, float], rise: float, limit: float) -> Evidence:
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


def chain(history: Sequence[tuple[Window, Counts]], present: Window) -> list[Counts]:
    """Counts of windows before the present one, oldest first; of windows that overlap only the later one counts.

    `history` comes newest first, as the ledger gives it.
    """
    taken: list[Counts] = []
    earliest = present.start
    for window, counts in history:
        if window.end <= earliest:
            taken.append(counts)
            earliest = window.start
    return taken[::-1]
