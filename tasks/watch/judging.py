"""All cameras of a window held against their histories: pure, from check values to findings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from tasks.domain.finding import Finding, Report, Stage
from tasks.watch.alarm import Line, lines
from tasks.watch.digest import digest, ends_a_day
from tasks.watch.findings import Answer, answer, too_few
from tasks.watch.history import Reset, Visit, by_camera, course
from tasks.watch.kept import Kept
from tasks.watch.rules import Method, WatchRules
from tasks.watch.scores import ENOUGH, Check


def alike(camera: str) -> Mapping[str, float]:
    """Days that differ in nothing, or of which nothing is known."""
    return {}


def judged(
    present: Visit,
    earlier: Sequence[Visit],
    resets: Sequence[Reset],
    rules: WatchRules,
    days: Callable[[str], Mapping[str, float]] = alike,
) -> tuple[Report, Kept]:
    """The report about the newest window, and what must be kept of it.

    `earlier` are the windows before it in any order; a reset after its beginning does not concern it. `days` says what
    the days of a camera differ by in the reference, in normal-score units by property: asked where bets are made.
    """
    counted = [reset for reset in resets if reset.moment <= present.window.start]
    found: list[Line] = []
    open_ones: list[Finding] = []
    lines_of = by_camera([*earlier, present])
    for check in present.checks:
        stands, sound = _camera(check, lines_of[check.camera], counted, rules, days)
        found += stands
        open_ones += [] if stands else [too_few(check, sound, rules)]
    answered: Answer = answer(found, open_ones, rules)
    told = digest(found, rules) if ends_a_day(present.window) else ()
    report = Report(stage=Stage.WATCH, findings=(*answered.findings, *told))
    return report, Kept(checks=present.checks, onsets=answered.onsets)


def _camera(
    check: Check,
    visits: Sequence[Visit],
    resets: Sequence[Reset],
    rules: WatchRules,
    days: Callable[[str], Mapping[str, float]],
) -> tuple[tuple[Line, ...], int]:
    """The camera's lines, () where it cannot be judged, and its healthy days so far."""
    known = course(check.camera, visits, resets, rules)
    if check.known < ENOUGH or check.scenes < rules.min_scenes:
        return (), known.days
    used = rules if known.days >= rules.healthy_days else _uncalibrated(rules)
    return lines(known, used, days(check.camera) if used.method is Method.E_DETECTOR else {}), known.days


def _uncalibrated(rules: WatchRules) -> WatchRules:
    """The rules for a camera that CUSUM has not learnt yet: nobody is blind in the weeks after a promotion."""
    if rules.method is Method.E_DETECTOR:
        return rules
    return rules.model_copy(update={"method": Method.E_DETECTOR, "limit": None})
