"""Once a day: which cameras of the fleet stand out, so that at most a tenth of those named are there by chance.

An alarm must be right about one camera; among fifty cameras with eight properties that leaves small beginnings unsaid.
The digest asks all at once and names what stands out; what many cameras share is one incident and not many. It is for
reading and raises no alarm: a gloomy day is rare enough to be named, and no fault. The alarms are those of
`tasks.watch.findings`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from tasks.domain.discovery import Floats, benjamini_hochberg, benjamini_yekutieli
from tasks.domain.finding import ALL, Finding, Outcome
from tasks.domain.subjects import DIGEST
from tasks.domain.window import Window
from tasks.watch.alarm import Line
from tasks.watch.rules import Dependence, WatchRules

SUBJECT = "cameras"
NAMED = 5
"""Cameras that the note names."""
LEAST = 2
"""Cameras below which there is no fleet."""

PROCEDURES: Mapping[Dependence, Callable[[Floats], Floats]] = {
    Dependence.POSITIVE: benjamini_hochberg,
    Dependence.ANY: benjamini_yekutieli,
}


def ends_a_day(window: Window) -> bool:
    """Whether the window is the last of a day (UTC).

    >>> ends_a_day(Window.parse("2026-11-20T23:00:00Z/2026-11-21T00:00:00Z"))
    True
    """
    end: datetime = window.end.astimezone(UTC)
    return (end.hour, end.minute) == (0, 0)


def digest(lines: Sequence[Line], rules: WatchRules) -> tuple[Finding, ...]:
    """One finding about the day that says who stands out, never a breach; () for a single camera."""
    watched = len({line.camera for line in lines})
    if watched < LEAST:
        return ()
    chosen = standing_out(lines, rules)
    cameras = {line.camera for line in chosen}
    return (
        Finding(
            check=DIGEST,
            subject=SUBJECT,
            slice=ALL,
            outcome=Outcome.OK,
            value=len(cameras),
            unit=SUBJECT,
            n=watched,
            note=_note(chosen, len(cameras), watched, rules),
        ),
    )


def standing_out(lines: Sequence[Line], rules: WatchRules) -> list[Line]:
    """The lines that the procedure reports and that changed by `margin` at least, the least likely first."""
    asked = [line for line in lines if math.isfinite(line.chance)]
    if not asked:
        return []
    adjusted = PROCEDURES[rules.dependence]([line.chance for line in asked])
    found = [line for line, q in zip(asked, adjusted.tolist(), strict=True) if q <= rules.fdr]
    return sorted(
        (line for line in found if abs(_change(line)) >= rules.margin), key=lambda line: (line.chance, line.camera)
    )


def _change(line: Line) -> float:
    """Of the newest day and of what has added up, what is larger."""
    return max((line.today, line.effect), key=lambda change: abs(change) if math.isfinite(change) else -1.0)


def _note(chosen: Sequence[Line], count: int, watched: int, rules: WatchRules) -> str:
    if not chosen:
        return f"none of {watched} cameras stands out today"
    incident, rest = _incident(chosen, watched, rules)
    first: dict[str, Line] = {}
    for line in rest:
        first.setdefault(line.camera, line)
    named = [incident] if incident else []
    named += [f"{line.camera}: {_moved(line)}" for line in list(first.values())[:NAMED]]
    more = f" and {len(first) - NAMED} more" if len(first) > NAMED else ""
    share = f"at most {100 * rules.fdr:.0f} % of such answers are chance"
    return f"{count} of {watched} cameras stand out today ({share}): {'; '.join(named)}{more}"


def _incident(chosen: Sequence[Line], watched: int, rules: WatchRules) -> tuple[str, list[Line]]:
    """What at least `fleet_share` of the cameras have in common, in words ("" for nothing), and what is beside it."""
    groups: dict[tuple[str, bool], list[Line]] = {}
    for line in chosen:
        groups.setdefault((line.subject, _change(line) >= 0), []).append(line)
    most = max(groups.values(), key=len)
    if len(most) < max(LEAST, math.ceil(rules.fleet_share * watched)):
        return "", list(chosen)
    shared = {line.camera for line in most}
    words = f"one incident of the fleet, {_moved(most[len(most) // 2])} on {len(most)} cameras at once"
    return words, [line for line in chosen if line.camera not in shared]


def _moved(line: Line) -> str:
    change = _change(line)
    return f"{line.subject.replace('_', ' ')} {'rose' if change >= 0 else 'fell'} by {abs(change):.2g} sd"
