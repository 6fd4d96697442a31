"""Do the errors rise on one camera only? Then that camera is looked at before the model is blamed.

A fault spoils the answers about the pictures of its camera and no others; a world that changed, or a model that aged,
errs wherever it shows. So the rise on each camera is held against that on all others together.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from tasks.concept.answered import Answered
from tasks.concept.sequence import units
from tasks.domain.concept import CONCEPT, ONE_CAMERA
from tasks.domain.finding import ALL, Finding, Outcome

LEAST = 5
"""Labelled sessions of a camera, before the rise and since, below which it says nothing."""
ALPHA = 0.05
"""Chance that errors which rose alike on all cameras are called a matter of one, divided among the cameras."""
HALF = 0.5
"""Part of the camera's rise from which the others show it as well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rise:
    """Mean error 0..1 before and since; `size` (-1..1) estimates the rise, with its variance."""

    before: float
    since: float
    size: float
    variance: float
    n: int


def one_camera(before: Sequence[Answered], since: Sequence[Answered], margin: float) -> Finding:
    """Breach on the only camera whose errors rose; ok where several share the rise, or none stands out.

    Inconclusive while fewer than two cameras have labels enough: an installation of one camera always is.

    Args:
        before: Labelled images until the error rose.
        since: Those since then.
        margin: A rise of the error (0..1) that is let pass.
    """
    old, new = _by_camera(before), _by_camera(since)
    rises = {
        camera: _rise(old[camera], new[camera])
        for camera in sorted(old)
        if min(len(old[camera]), len(new.get(camera, ()))) >= LEAST
    }
    if len(rises) < 2:
        note = f"{len(rises)} of {len({*old, *new})} cameras with labels have enough before and since to be told apart"
        return Finding(check=CONCEPT, subject=ONE_CAMERA, outcome=Outcome.INCONCLUSIVE, n=len(since), note=note)
    first = max(rises, key=lambda camera: rises[camera].size)
    others = [rise for camera, rise in rises.items() if camera != first]
    alone = _alone(rises[first], others, margin)
    return Finding(
        check=CONCEPT,
        subject=ONE_CAMERA,
        slice=f"camera={first}" if alone else ALL,
        outcome=Outcome.BREACH if alone else Outcome.OK,
        value=round(rises[first].size, 6),
        limit=margin,
        unit="0..1",
        n=rises[first].n,
        note=_told(first, rises[first], others) if alone else "the errors rose on several cameras, or on none more",
    )


def _by_camera(images: Sequence[Answered]) -> dict[str, list[float]]:
    groups: defaultdict[str, list[Answered]] = defaultdict(list)
    for image in images:
        groups[image.camera].append(image)
    return {camera: [loss for _, loss in units(found)] for camera, found in groups.items()}


def _rise(before: Sequence[float], since: Sequence[float]) -> _Rise:
    """Estimated with a variance that no run of equal losses makes 0: each side gets one loss of 0 and one of 1 more.

    Source: Agresti & Caffo, Simple and effective confidence intervals for proportions and differences of proportions
    result from adding two successes and two failures, The American Statistician 54 (2000).
    """
    old, new = (np.array([*losses, 0.0, 1.0]) for losses in (before, since))
    return _Rise(
        before=float(np.mean(before)),
        since=float(np.mean(since)),
        size=float(new.mean() - old.mean()),
        variance=float(old.var() / len(old) + new.var() / len(new)),
        n=len(since),
    )


def _alone(first: _Rise, others: Sequence[_Rise], margin: float) -> bool:
    """Whether only this one rose: more than the others together, which show less than half, and no other for sure."""
    sure = float(norm.isf(ALPHA / (len(others) + 1)))
    weight = math.fsum(1 / each.variance for each in others)
    rest = math.fsum(each.size / each.variance for each in others) / weight
    apart = first.size - rest >= sure * math.sqrt(first.variance + 1 / weight)
    risen = any(each.size - margin >= sure * math.sqrt(each.variance) for each in others)
    return apart and first.size > margin and rest < HALF * first.size and not risen


def _told(camera: str, first: _Rise, others: Sequence[_Rise]) -> str:
    was, now = (float(np.mean([getattr(each, when) for each in others])) for when in ("before", "since"))
    return (
        f"the errors rose on camera {camera} and on no other: {first.since:.2f} there, {first.before:.2f} before; "
        f"{now:.2f} on the others, {was:.2f} before"
    )
