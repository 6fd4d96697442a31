"""Findings about strange images: what was counted in this window, and whether there have become too many."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.domain.finding import ALL, Finding, Outcome
from tasks.domain.subjects import FAR_IMAGES, STRANGE_IMAGES
from tasks.domain.verdict import CauseKind
from tasks.outliers.evidence import CAUTION, Count, Counts, evidence, usual_shares
from tasks.outliers.familiar import Limit, Names
from tasks.outliers.rules import OutlierRules

CHECK = "outliers"
COUNT = "outlier_count"
"""The check whose findings are the stored counts that every later sum is computed from."""

UNIT = "evidence"

A_DAY, SURER = 100.0, 2.0
"""Distinct scenes a day up to which `evidence` is the limit, and how steeply it grows beyond.

Chance has its say with every scene, and its alarms come by so much more seldom as the limit's exponential grows: of ten
times the scenes the limit is to be ln 10 higher for as few false alarms a year. Twice that makes them rarer still, and
many scenes show a rise within hours all the same.
"""


def counted(ratios: NDArray[np.float64], cameras: Names, limits: Mapping[str, Limit]) -> dict[str, Count]:
    """Strange scenes and all measured scenes of every camera that has a limit and was seen."""
    usable = np.isfinite(ratios)
    found = {}
    for camera in sorted(limits):
        its_own = ratios[usable & (cameras == camera)]
        if len(its_own):
            far = int((its_own > limits[camera].far).sum())
            found[camera] = Count(scenes=len(its_own), strange=int((its_own > 1).sum()), far=far)
    return found


def count_findings(counts: Counts, limits: Mapping[str, Limit]) -> tuple[Finding, ...]:
    """Two findings a camera, the counts themselves, never a breach; one where nothing is known to be far."""
    found = []
    for camera, count in counts.items():
        limit = limits[camera]
        usual = f"{limit.beyond * count.scenes:.1f} are usual among {count.scenes} distinct scenes"
        found.append(_count(STRANGE_IMAGES, camera, count.strange, count.scenes, usual))
        if limit.beyond_far:
            few = f"far beyond the reference; {limit.beyond_far * count.scenes:.2f} are usual"
            found.append(_count(FAR_IMAGES, camera, count.far, count.scenes, few))
    return tuple(found)


def _count(subject: str, camera: str, value: int, scenes: int, note: str) -> Finding:
    return Finding(
        check=COUNT,
        subject=subject,
        slice=f"camera={camera}",
        outcome=Outcome.OK,
        value=value,
        unit="images",
        n=scenes,
        note=note,
    )


def counts_of(findings: Sequence[Finding], left_out: frozenset[str] = frozenset()) -> dict[str, Count]:
    """The inverse of `count_findings`, for those of earlier windows; without the cameras that are `left_out`.

    Windows that an earlier version counted know of nothing far: all their strange images are taken to be near.
    """
    kept = [f for f in findings if f.check == COUNT and f.camera and f.value is not None and f.camera not in left_out]
    far = {finding.camera: round(finding.value or 0) for finding in kept if finding.subject == FAR_IMAGES}
    return {
        str(finding.camera): Count(scenes=finding.n, strange=round(finding.value or 0), far=far.get(finding.camera, 0))
        for finding in kept
        if finding.subject == STRANGE_IMAGES
    }


def at_fault(verdict: Mapping[str, Any]) -> frozenset[str]:
    """Cameras that a window's verdict (as JSON) found at fault: what they saw then must not be held against today."""
    causes = verdict.get("causes", [])
    return frozenset(camera for cause in causes if cause["kind"] == CauseKind.CAMERA for camera in cause["cameras"])


def rate_findings(
    windows: Sequence[Counts], span: timedelta, limits: Mapping[str, Limit], rules: OutlierRules
) -> tuple[Finding, ...]:
    """Whether strange images became too many: over all cameras, and camera by camera where there are several.

    `windows` are the counts against this reference, oldest first, the present window's last; `span` is the time from
    the beginning of the first to the end of the last. Of many cameras each one needs more evidence and gets more
    benefit of the doubt, so that together they do not cry more often than one; of many scenes a day more is asked, too.
    """
    together = _finding(ALL, windows, span, limits, rules, 1)
    if len(limits) < 2:
        return (together,)
    seen = [camera for camera in sorted(limits) if windows and camera in windows[-1]]
    found = [
        _finding(f"camera={camera}", windows, span, {camera: limits[camera]}, rules, len(limits)) for camera in seen
    ]
    return (together, *(each for each in found if each.outcome is not Outcome.INCONCLUSIVE))


def silent(note: str, n: int = 0) -> Finding:
    """The finding that says why there is none."""
    return Finding(check=CHECK, subject=STRANGE_IMAGES, outcome=Outcome.INCONCLUSIVE, n=n, note=note)


def _finding(
    where: str,
    windows: Sequence[Counts],
    span: timedelta,
    limits: Mapping[str, Limit],
    rules: OutlierRules,
    others: int,
) -> Finding:
    usual = usual_shares(limits, 1 - (1 - CAUTION) / others)
    scenes = sum(count.scenes for counts in windows for camera, count in counts.items() if camera in limits)
    busy = max(scenes / (span / timedelta(days=1)) / A_DAY, 1.0)
    limit = rules.evidence + math.log(others) + SURER * math.log(busy)
    if scenes < rules.min_scenes:
        missing = rules.min_scenes - scenes
        return silent(f"{scenes} distinct scenes were held against the reference, {missing} more are needed", scenes)
    now = evidence(windows, usual, rules.rise, limit)
    here = [count for camera, count in windows[-1].items() if camera in limits]
    n = sum(count.scenes for count in here)
    share = sum(each.beyond * each.scenes for each in limits.values()) / sum(each.scenes for each in limits.values())
    seen = (now.strange, now.scenes) if now.alarm else (sum(count.strange for count in here), n)
    return Finding(
        check=CHECK,
        subject=STRANGE_IMAGES,
        slice=where,
        outcome=Outcome.BREACH if now.alarm else Outcome.OK,
        value=now.total,
        limit=limit,
        unit=UNIT,
        n=n,
        effect=_rate_difference(share, seen[0] / seen[1]) if seen[1] else None,
        note=_words(share, seen, now.alarm),
    )


def _words(share: float, seen: tuple[int, int], breach: bool) -> str:
    strange, scenes = seen
    if not breach:
        return f"{strange} of {scenes} distinct scenes, {100 * share:.1f} % are usual"
    rate = strange / scenes
    return (
        f"rose from {100 * share:.1f} % to {100 * rate:.3g} %; {strange} of the last {scenes} distinct scenes are "
        "unlike any of the reference"
    )


def _rate_difference(before: float, after: float) -> float:
    """Cohen's h of two shares, signed. Source: Cohen, Statistical Power Analysis (1988), chapter 6."""
    return 2 * math.asin(math.sqrt(after)) - 2 * math.asin(math.sqrt(before))
