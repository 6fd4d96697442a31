"""What the rules about data found broken, without what a camera's clock answers for."""

from __future__ import annotations

from collections.abc import Sequence

from tasks.domain.finding import Finding, Report, Stage
from tasks.domain.subjects import UNTIMELY, CameraFault

DATA_STAGES = (Stage.QUALITY, Stage.INGEST, Stage.LABELS)


def broken_data(reports: Sequence[Report]) -> list[Finding]:
    """Breaches of data rules; records refused for their time are the camera's where its clock was found wrong."""
    late = wrong_clocks(reports)
    breaches = [f for report in reports if report.stage in DATA_STAGES for f in report.breaches()]
    return [f for f in breaches if not (f.check == UNTIMELY and f.camera in late)]


def wrong_clocks(reports: Sequence[Report]) -> frozenset[str]:
    """Cameras whose clock the camera stage calls wrong."""
    named = (f for report in reports if report.stage is Stage.CAMERA for f in report.breaches())
    return frozenset(f.camera for f in named if f.subject == CameraFault.CLOCK and f.camera)
