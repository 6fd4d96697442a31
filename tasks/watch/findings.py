"""Findings of the schedule alarm: camera by camera, or one of the fleet when many cameras change alike."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from tasks.domain.finding import ALL, Finding, Outcome
from tasks.domain.subjects import FLEET
from tasks.watch.alarm import Line
from tasks.watch.kept import Key
from tasks.watch.rules import Method, WatchRules
from tasks.watch.scores import ENOUGH, Check

UNITS = {Method.CUSUM: "sd in sum", Method.E_DETECTOR: "powers of ten"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Findings, and since when those in breach hold."""

    findings: tuple[Finding, ...]
    onsets: Mapping[Key, datetime]


def answer(lines: Sequence[Line], open_ones: Sequence[Finding], rules: WatchRules) -> Answer:
    """One finding per camera and property, those of a common change replaced by one of the fleet, which comes first.

    `open_ones` are the findings about cameras that could not be judged.
    """
    together = _together([line for line in lines if line.alarm], len({line.camera for line in lines}), rules)
    shared = {line.camera for line in together}
    watched = len({line.camera for line in lines})
    found = {_key(line): line.since for line in lines if line.alarm and line.camera not in shared}
    findings = [_finding(line) for line in lines if not (line.alarm and line.camera in shared)]
    if together:
        first = _fleet(together, lines, watched, rules)
        starts = sorted(line.since for line in together if line.since)
        found[(FLEET, first.subject, ALL)] = starts[len(starts) // 2] if starts else None
        findings.insert(0, first)
    onsets = {key: moment for key, moment in found.items() if moment is not None}
    return Answer(findings=(*findings, *_merged(open_ones)), onsets=onsets)


def _merged(open_ones: Sequence[Finding]) -> list[Finding]:
    """One finding for all cameras that lack the same: in the first weeks a page must not be full of them."""
    groups: dict[str, list[Finding]] = {}
    for finding in open_ones:
        groups.setdefault(finding.note, []).append(finding)
    return [
        group[0] if len(group) == 1 else replace(group[0], slice=ALL, n=min(finding.n for finding in group))
        for group in groups.values()
    ]


def too_few(check: Check, days: int, rules: WatchRules) -> Finding:
    """Why a camera could not be judged, with how much is missing."""
    subject, count, least, whose = "healthy_days", days, rules.healthy_days, "healthy days since the reference"
    if check.known < ENOUGH:
        subject, count, least, whose = "scenes", check.known, ENOUGH, "distinct scenes in the reference"
    elif check.scenes < rules.min_scenes:
        subject, count, least, whose = "scenes", check.scenes, rules.min_scenes, "distinct scenes in the window"
    missing = f"{least - count} more are needed" if count < least else "the sums begin with the next window"
    return Finding(
        check=rules.method.value,
        subject=subject,
        slice=f"camera={check.camera}",
        outcome=Outcome.INCONCLUSIVE,
        value=count,
        limit=least,
        unit=subject.rpartition("_")[2],
        n=check.scenes,
        note=f"schedule alarm: {count} {whose}, {missing}",
    )


def _key(line: Line) -> Key:
    return line.method.value, line.subject, f"camera={line.camera}"


def _finding(line: Line) -> Finding:
    return Finding(
        check=line.method.value,
        subject=line.subject,
        slice=f"camera={line.camera}",
        outcome=Outcome.BREACH if line.alarm else Outcome.OK,
        value=round(line.value, 4),
        limit=round(line.limit, 4),
        unit=UNITS[line.method],
        n=line.scenes,
        effect=round(line.effect, 4),
        note=f"{_moved(line.effect)}; {line.shape.value}, in {line.checks} checks" if line.alarm else "",
    )


def _moved(effect: float) -> str:
    return f"{'rose' if effect >= 0 else 'fell'} lastingly, by {abs(effect):.2g} sd"


def _together(alarms: Sequence[Line], watched: int, rules: WatchRules) -> list[Line]:
    """The alarms of most cameras about one property in one direction, when they are enough for the fleet; or []."""
    groups: dict[tuple[str, bool], list[Line]] = {}
    for line in alarms:
        groups.setdefault((line.subject, line.effect >= 0), []).append(line)
    least = max(2, math.ceil(rules.fleet_share * watched))
    enough = [group for group in groups.values() if len(group) >= least]
    return max(enough, key=lambda group: (len(group), _size(group), group[0].subject), default=[])


def _size(group: Sequence[Line]) -> float:
    return abs(float(np.median([line.effect for line in group])))


def _fleet(together: Sequence[Line], lines: Sequence[Line], watched: int, rules: WatchRules) -> Finding:
    cameras = [line.camera for line in together]
    effect = float(np.median([line.effect for line in together]))
    others = sorted({line.subject for line in lines if line.alarm and line.camera in cameras} - {together[0].subject})
    beside = f"; {', '.join(others)} as well" if others else ""
    return Finding(
        check=FLEET,
        subject=together[0].subject,
        outcome=Outcome.BREACH,
        value=round(len(cameras) / watched, 4),
        limit=rules.fleet_share,
        unit="of the cameras",
        n=sum(line.scenes for line in together),
        effect=round(effect, 4),
        note=f"{_moved(effect)}; on {len(cameras)} of {watched} cameras at once: {', '.join(sorted(cameras))}{beside}",
    )
