"""The line of one camera's checks: which of them were healthy, which are learnt from, which are added up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.domain.finding import Outcome
from tasks.domain.hours import part_of_day
from tasks.domain.served import only_serving
from tasks.domain.verdict import CauseKind
from tasks.domain.window import Window
from tasks.watch.baseline import Contexts, FloatArray
from tasks.watch.rules import WatchRules
from tasks.watch.scores import Check


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One window as a camera's history sees it; `blamed` holds cameras at fault in it, None: everything was."""

    window: Window
    checks: tuple[Check, ...]
    blamed: frozenset[str] | None = frozenset()

    def healthy(self, camera: str) -> bool:
        """Whether the window may teach what is normal for that camera."""
        return self.blamed is not None and camera not in self.blamed


@dataclass(frozen=True, slots=True, kw_only=True)
class Reset:
    """From here on the sums begin at zero; `cameras` empty: of every camera."""

    moment: datetime
    cameras: frozenset[str] = frozenset()

    def concerns(self, camera: str) -> bool:
        """Whether that camera's sums are set back."""
        return not self.cameras or camera in self.cameras


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """The checks of one camera in order of time: T windows, P properties.

    `scores` is (T, P) with nan for none, `contexts`, `scenes`, `learnt` and `summed` are (T,): the part of the day,
    distinct scenes, whether its window was healthy, whether it is among the first healthy days that teach what is
    normal, whether it came after the last reset, and whether it is added up by CUSUM. `days` counts healthy days.
    """

    camera: str
    windows: tuple[Window, ...]
    properties: tuple[str, ...]
    scores: FloatArray
    contexts: Contexts
    scenes: FloatArray
    healthy: NDArray[np.bool_]
    learnt: NDArray[np.bool_]
    later: NDArray[np.bool_]
    summed: NDArray[np.bool_]
    days: int

    @property
    def widen(self) -> FloatArray:
        """How much wider checks spread that have fewer scenes than half of the healthy ones, (T, 1)."""
        usual = float(np.median(self.scenes[self.healthy])) if self.healthy.any() else 1.0
        return np.sqrt(np.maximum(usual / np.maximum(self.scenes, 1), 1.0))[:, None]


def blamed(outcome: Outcome, verdict: Mapping[str, Any]) -> frozenset[str] | None:
    """The cameras that a stored verdict holds at fault or changed; None when that concerns all of them."""
    if outcome is not Outcome.BREACH:
        return frozenset()
    if only_serving(verdict.get("causes", [])):
        return frozenset()
    causes = [cause for cause in verdict.get("causes", []) if cause["kind"] != CauseKind.SERVING]
    everywhere = not causes or any(cause["kind"] == CauseKind.DATA or not cause["cameras"] for cause in causes)
    return None if everywhere else frozenset(camera for cause in causes for camera in cause["cameras"])


def by_camera(visits: Iterable[Visit]) -> dict[str, list[Visit]]:
    """The visits of each camera, each with that camera's check alone: many cameras are sorted once, not once each."""
    found: dict[str, list[Visit]] = {}
    for visit in visits:
        for check in visit.checks:
            found.setdefault(check.camera, []).append(replace(visit, checks=(check,)))
    return found


def course(camera: str, visits: Sequence[Visit], resets: Iterable[Reset], rules: WatchRules) -> Course:
    """The history of one camera up to and with the last of `visits`; windows with too few scenes are left out.

    What is normal is learnt from the first `healthy_days` healthy days and stays: a baseline that followed the
    camera would follow the fault. CUSUM adds up what comes after them.
    """
    found = [(visit, check) for visit in visits for check in visit.checks if check.camera == camera]
    found = [(visit, check) for visit, check in found if check.scenes >= rules.min_scenes and check.scores]
    found.sort(key=lambda each: each[0].window)
    properties = tuple(sorted({name for _, check in found for name in check.scores}))
    dates = [visit.window.start.astimezone(UTC).date() for visit, _ in found]
    healthy = np.array([visit.healthy(camera) for visit, _ in found], bool)
    days = _days(dates, healthy)[: rules.healthy_days]
    since = max((reset.moment for reset in resets if reset.concerns(camera)), default=None)
    later = np.array([since is None or visit.window.start >= since for visit, _ in found], bool)
    complete = len(days) >= rules.healthy_days
    return Course(
        camera=camera,
        windows=tuple(visit.window for visit, _ in found),
        properties=properties,
        scores=np.array([[c.scores.get(name, np.nan) for name in properties] for _, c in found]).reshape(
            len(found), len(properties)
        ),
        contexts=np.array([part_of_day(v.window.start, rules.context_hours) for v, _ in found], np.int64),
        scenes=np.array([check.scenes for _, check in found], np.float64),
        healthy=healthy,
        learnt=healthy & np.array([day in days for day in dates], bool),
        later=later,
        summed=later & np.array([complete and day > days[-1] for day in dates], bool),
        days=len(days),
    )


def grid(course: Course) -> tuple[FloatArray, Contexts]:
    """The learnt checks as (days, checks a day, P) with nan for none, and the part of the day of each column."""
    rows = np.flatnonzero(course.learnt)
    starts = [course.windows[row].start.astimezone(UTC) for row in rows]
    dates, times = sorted({at.date() for at in starts}), sorted({at.time() for at in starts})
    table = np.full((len(dates), len(times), len(course.properties)), np.nan)
    parts = np.zeros(len(times), np.int64)
    for row, at in zip(rows.tolist(), starts, strict=True):
        table[dates.index(at.date()), times.index(at.time())] = course.scores[row]
        parts[times.index(at.time())] = course.contexts[row]
    return table, parts


def _days(dates: Sequence[date], healthy: NDArray[np.bool_]) -> list[date]:
    return sorted({day for day, sound in zip(dates, healthy.tolist(), strict=True) if sound})
