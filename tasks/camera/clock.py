"""Is a camera's clock right: when its images say that they were taken, against when they landed in the bucket."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from tasks.camera.pictures import CHECK
from tasks.camera.rules import CameraRules
from tasks.domain.finding import Finding, Outcome
from tasks.domain.subjects import CameraFault

Floats = NDArray[np.float64]

SHARE = 0.2
"""Share of a camera's images that must be off: a clock that jumps in the middle of a window is found as well."""
TIGHT = 0.25
"""Spread of the delays, as a share of the delay, up to which it is a clock: what waited for a network and then came
all at once was waiting for different times."""
MIN_IMAGES = 5


def judge_clocks(delays: Mapping[str, Floats], rules: CameraRules) -> tuple[Finding, ...]:
    """One finding a camera; `delays` are minutes from capture to landing, negative for images from the future.

    An image that landed before it was taken has a wrong clock. One that landed late may have waited: only a delay
    that the other cameras do not have, and that is the same for all of the late images, is taken for a clock.
    """
    usual = {camera: float(np.median(found)) for camera, found in delays.items() if len(found) >= MIN_IMAGES}
    found = []
    for camera in sorted(usual):
        others = [value for other, value in usual.items() if other != camera]
        early = _early(delays[camera], rules)
        shared = float(np.clip(np.median(others), 0.0, max(usual[camera], 0.0))) if others else 0.0
        late = _late(delays[camera] - shared, rules) if others else 0.0
        found.append(_finding(camera, early, late, len(delays[camera]), rules))
    off = sum(each.outcome is Outcome.BREACH for each in found)
    if off > 1 and 2 * off > len(found):  # the bucket's clock, or how the images were copied
        return ()
    return tuple(found)


def _early(delays: Floats, rules: CameraRules) -> float:
    """Minutes by which images come from the future; 0 when few do."""
    ahead = delays[delays <= -rules.clock_minutes]
    return float(-np.median(ahead)) if len(ahead) >= SHARE * len(delays) else 0.0


def _late(differences: Floats, rules: CameraRules) -> float:
    """Minutes by which images come late, when all of the late ones are equally late; else 0."""
    behind = differences[differences >= rules.clock_minutes]
    if len(behind) < max(MIN_IMAGES, SHARE * len(differences)):
        return 0.0
    low, middle, high = np.quantile(behind, [0.1, 0.5, 0.9])
    return float(middle) if high - low <= TIGHT * middle else 0.0


def _finding(camera: str, early: float, late: float, n: int, rules: CameraRules) -> Finding:
    value = max(early, late)
    breach = value >= rules.clock_minutes
    way = "ahead: its images land before they were taken" if early >= late else "behind: its images land that late"
    return Finding(
        check=CHECK,
        subject=CameraFault.CLOCK.value,
        slice=f"camera={camera}",
        outcome=Outcome.BREACH if breach else Outcome.OK,
        value=round(value, 1),
        limit=rules.clock_minutes,
        unit="min",
        n=n,
        note=f"has a wrong clock: {_span(value)} {way}" if breach else "",
    )


def _span(minutes: float) -> str:
    return f"{minutes / 60:.1f} hours" if minutes >= 90 else f"{minutes:.0f} minutes"
