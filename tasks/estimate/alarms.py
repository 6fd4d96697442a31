"""What other stages found in a window, as far as it concerns an estimate without labels."""

from __future__ import annotations

from collections.abc import Sequence

from tasks.domain.finding import Finding, Report, Stage
from tasks.domain.subjects import FAR_IMAGES, OBJECT_POSITION, STRANGE_IMAGES, CameraFault
from tasks.estimate.flag import Alarms

SEMANTIC = {
    STRANGE_IMAGES: "images are unlike any of the reference",
    FAR_IMAGES: "images are unlike any of the reference",
    OBJECT_POSITION: "the objects are elsewhere",
    CameraFault.MOVED.value: "a camera was moved",
}
"""Subjects of breaches that no confidence knows of."""

LOOKED_AT = (Stage.DRIFT, Stage.WATCH, Stage.CAMERA)


def alarms_of(reports: Sequence[Report], turned: bool = False) -> Alarms:
    """The breaches of a window in the words of an estimate; each reason once.

    `turned`: its pictures were found to be held another way.
    """
    breaches = [found for report in reports if report.stage in LOOKED_AT for found in report.breaches()]
    semantic = [SEMANTIC[found.subject] for found in breaches if found.subject in SEMANTIC]
    semantic += [SEMANTIC[CameraFault.MOVED.value]] if turned else []
    inputs = [_changed(found) for found in breaches if found.subject not in SEMANTIC]
    return Alarms(inputs=tuple(dict.fromkeys(inputs)), semantic=tuple(dict.fromkeys(semantic)))


def _changed(found: Finding) -> str:
    return f"{found.subject.replace('_', ' ')} changed"
