"""One camera's history under the rules: where the sum of every property stands, since when, how large the change is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from tasks.watch import e_detector
from tasks.watch.baseline import FloatArray, baseline, standardised
from tasks.watch.chances import BEYOND, day_chance, day_change, either, evidence_chance, sum_chance
from tasks.watch.history import Course, grid
from tasks.watch.limit import MONTH, calibrated, scale
from tasks.watch.rules import Method, WatchRules
from tasks.watch.shape import Shape, shape
from tasks.watch.sums import CEILING, Sums, onset, sums

DAY = 24
FARTHEST = 8.0
"""Standard deviations of days by which a healthy day may lie away from those before it: Student's tail of two weeks of
days at the chance of a false alarm of one property in one day of a month, and the error of the days before it.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Where one property of one camera stands after its newest check.

    `value` is held against `limit`, both as `method` counts; `effect` is the mean change since the onset in
    normal-score units, signed, and 0 while nothing adds up (`since` is None then). `scenes` counts those behind it,
    `checks` the windows. For the daily digest: `today` is the newest day's mean change, `chance` how often a healthy
    camera looks like this.
    """

    camera: str
    subject: str
    method: Method
    value: float
    limit: float
    effect: float
    scenes: int
    checks: int
    since: datetime | None
    shape: Shape
    alarm: bool
    today: float = 0.0
    chance: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Evidence:
    """Check values, differences in normal-score units and the statistic (T, P), with its limit; scenes (T,).

    `chance` (P,) is how often a healthy camera looks like the newest check.
    """

    values: FloatArray
    differences: FloatArray
    statistic: FloatArray
    limit: float
    scenes: FloatArray
    chance: FloatArray


def lines(course: Course, rules: WatchRules, days: Mapping[str, float]) -> tuple[Line, ...]:
    """One line a property, in alphabetical order; () before anything could be added up.

    `days` is what the reference's days differ by, by property: CUSUM learns it from healthy days, bets cannot.
    """
    summed = course.summed if rules.method is Method.CUSUM else course.later
    rows = np.flatnonzero(summed)
    if not len(rows):
        return ()
    evidence = _by_cusum(course, rules) if rules.method is Method.CUSUM else _by_bets(course, rules, days)
    both = sums(evidence.values)
    windows = [course.windows[row] for row in rows.tolist()]
    starts = [window.start for window in windows]
    today = day_change(course, rules.context_hours)
    told = np.flatnonzero(np.isfinite(evidence.values).any(axis=0)).tolist()  # of the others nothing is known yet
    found = [_line(course, place, evidence, both, starts, rules) for place in told]
    return tuple(
        replace(line, today=float(today[place]), chance=float(evidence.chance[place]))
        for place, line in zip(told, found, strict=True)
    )


def _by_cusum(course: Course, rules: WatchRules) -> _Evidence:
    learnt, size = course.learnt, DAY // rules.context_hours
    known = baseline(course.scores[learnt], course.contexts[learnt], size)
    limit = rules.limit or calibrated(*grid(course), rules.false_alarms)
    rows = course.summed
    values = standardised(course.scores[rows], course.contexts[rows], known, course.widen[rows])
    step = scale(*grid(course), rules.false_alarms)
    added = sum_chance(sums(values, limit + BEYOND * step).highest[-1], limit, step, rules.false_alarms)
    return _Evidence(
        values=values,
        differences=course.scores[rows] - known.mean[course.contexts[rows]],
        statistic=sums(values, limit + CEILING).highest,
        limit=limit,
        scenes=course.scenes[rows],
        chance=either(day_chance(course, rules.context_hours), added),
    )


def _by_bets(course: Course, rules: WatchRules, days: Mapping[str, float]) -> _Evidence:
    rows, learns = course.later, course.healthy.astype(np.float64)
    margin = FARTHEST * np.array([days.get(name, 0.0) for name in course.properties])
    values = e_detector.recursive(course.scores, course.contexts, learns, course.widen, margin)
    month = MONTH * max(1, round(len(course.windows) / max(course.days, 1)))
    limit = rules.limit or e_detector.limit(month, len(course.properties), rules.false_alarms)
    known = baseline(course.scores[course.healthy], course.contexts[course.healthy], DAY // rules.context_hours)
    statistic = e_detector.evidence(values[rows], limit + e_detector.CEILING)
    return _Evidence(
        values=values[rows],
        differences=course.scores[rows] - known.mean[course.contexts[rows]],
        statistic=statistic,
        limit=limit,
        scenes=course.scenes[rows],
        chance=evidence_chance(statistic[-1], len(rows)),
    )


def _line(
    course: Course, place: int, evidence: _Evidence, both: Sums, starts: list[datetime], rules: WatchRules
) -> Line:
    up, down = both.up[:, place], both.down[:, place]
    line = up if up[-1] >= down[-1] else down
    begin = onset(line)
    change = evidence.differences[begin:, place]
    change = change[np.isfinite(change)]
    effect = float(change.mean()) if len(change) else 0.0
    value = float(evidence.statistic[-1, place])
    risen = begin < len(line)
    return Line(
        camera=course.camera,
        subject=course.properties[place],
        method=rules.method,
        value=value,
        limit=evidence.limit,
        effect=effect,
        scenes=int(evidence.scenes[begin:].sum()) if risen else int(evidence.scenes[-1]),
        checks=len(line) - begin,
        since=starts[begin] if risen else None,
        shape=shape(evidence.values[:, place], begin),
        alarm=value >= evidence.limit and abs(effect) >= rules.margin,
    )
