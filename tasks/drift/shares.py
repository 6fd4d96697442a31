"""How much of the whole shift each cause carries.

Where the window was compared with the reference, `tasks.drift.explained` has measured what each camera carries: a
cause has the parts of its cameras, and one over all cameras together has what no other cause names. Where only alarms
over many windows speak there is no such measure; then a cause weighs the sum of its squared effects.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from tasks.domain.finding import Finding
from tasks.domain.subjects import EXPLAINED, OBJECT_POSITION, STRANGE_IMAGES, Topic, topic
from tasks.domain.verdict import Cause

UNMEASURED = frozenset({STRANGE_IMAGES, OBJECT_POSITION})
"""A few strange images, or objects elsewhere, hardly move any mean: a cause that shows in nothing else has no share."""

NOTHING = 0.005
"""Share below which a cause does not speak of what it explains: 0 % is no help to anybody."""
NEARLY_ALL = 0.9
"""Share from which a single cause explains what there is to explain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """`parts` is the measured share of each camera, {} when nothing was measured; `weight` then the sum of effects.

    `blamed` are the cameras that some cause names.
    """

    parts: Mapping[str, float]
    weight: float
    blamed: frozenset[str]

    @staticmethod
    def of(drift: Sequence[Finding], groups: Sequence[Sequence[Finding]], faulty: frozenset[str]) -> Shares:
        """From all findings about drift and the groups of those that make one cause each."""
        parts = {f.camera: f.value for f in drift if f.check == EXPLAINED and f.camera and f.value is not None}
        single = {f.camera for group in groups if not _everywhere(group) for f in group if f.camera}
        weight = math.fsum(size(finding) ** 2 for group in groups for finding in group)
        return Shares(parts=parts, weight=weight, blamed=faulty | single)

    def of_camera(self, camera: str, findings: Sequence[Finding]) -> float | None:
        """The share of the cause that is one camera's fault."""
        return self._measured(findings, {camera}) if self.parts else self._weighed(findings)

    def of_group(self, findings: Sequence[Finding]) -> float | None:
        """The share of a change of what is photographed."""
        if not self.parts:
            return self._weighed(findings)
        if _everywhere(findings):
            return self._measured(findings, {*self.parts} - self.blamed)
        return self._measured(findings, {f.camera for f in findings if f.camera})

    def _measured(self, findings: Sequence[Finding], cameras: set[str]) -> float | None:
        if all(f.subject in UNMEASURED or topic(f.subject) is Topic.SAMPLE for f in findings):
            return None
        return round(min(1.0, math.fsum(self.parts.get(camera, 0.0) for camera in cameras)), 4)

    def _weighed(self, findings: Sequence[Finding]) -> float:
        return round(math.fsum(size(f) ** 2 for f in findings) / self.weight, 4) if self.weight else 0.0


def _everywhere(findings: Sequence[Finding]) -> bool:
    return any(not finding.camera for finding in findings)


def size(finding: Finding) -> float:
    """How large a change is, whatever its direction."""
    return abs(finding.effect if finding.effect is not None else finding.value or 0.0)


def told(causes: Sequence[Cause]) -> tuple[Cause, ...]:
    """The causes, each saying what it explains; a single one only where it leaves something unexplained."""
    return tuple(
        replace(cause, summary=f"{cause.summary}, explains {100 * cause.share:.0f} % of the shift")
        if cause.share is not None and cause.share >= NOTHING and (len(causes) > 1 or cause.share < NEARLY_ALL)
        else cause
        for cause in causes
    )
