"""Which cameras show a change that others show as well: only such a change is what they photograph.

A camera that fails in a way that nobody has a name for looks like a new product on that camera. Retraining on it would
teach the model the fault, so a change speaks for a retraining only where a second sound camera shows it too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence, Set
from itertools import permutations

import numpy as np

from tasks.domain.confirmation import unsure
from tasks.domain.finding import Finding, Outcome, Report, Stage
from tasks.domain.subjects import EXPLAINED, FLEET, Topic, topic
from tasks.domain.verdict import Cause, CauseKind

DIRECTED = 0.25
"""Normal-score units below which a shift has no direction that another camera could share."""
NEARLY, NEARLY_ALONE = 0.7, 0.5
"""Part of its limit from which a sign of a camera's fault is worth a look, and that of an only camera, whose limits are
wider because it cannot be held against others."""
HALF = 0.5
"""Part of a camera's shift that the others must show, and part of its whole change that they must share."""


def faulty(causes: Sequence[Cause]) -> frozenset[str]:
    """Cameras that are themselves at fault."""
    return frozenset(name for cause in causes if cause.kind is CauseKind.CAMERA for name in cause.cameras)


def lone(reports: Sequence[Report], causes: Sequence[Cause]) -> frozenset[str]:
    """Sound cameras that show a change of product which no other sound camera shows; empty when several share one.

    More than one only where at most half of the sound cameras changed, each in a way of its own: two faults at once, or
    a fault beside a false alarm, are no new product. What only all cameras together show is the change of the one that
    shows most of it, where the others show less than half as much. Empty for an installation of a single camera.
    """
    changed = frozenset(name for cause in causes if cause.kind is CauseKind.PRODUCT for name in cause.cameras)
    known = {f.camera for r in reports if r.stage in (Stage.CAMERA, Stage.DRIFT) for f in r.findings if f.camera}
    shown, sound = changed - faulty(causes), (known | changed) - faulty(causes)
    if not changed and any(cause.kind is CauseKind.PRODUCT for cause in causes):
        return _carrier(reports, sound)
    if not shown or len(known | changed) < 2 or (len(shown) > 1 and 2 * len(shown) > len(sound)):
        return frozenset()
    drift = [f for report in reports if report.stage is Stage.DRIFT for f in report.findings]
    seen = [f for f in drift if f.camera and f.camera not in faulty(causes)]
    if any(_shared(camera, seen) for camera in shown):
        return frozenset()
    return frozenset() if any(_alike(*pair, seen) for pair in permutations(sorted(shown), 2)) else shown


def _carrier(reports: Sequence[Report], sound: Set[str]) -> frozenset[str]:
    """The one of these cameras that carries what only all of them together show; empty where several do, or none.

    It does when, of every change that all show together, it shows the most, and the others (their median) less than
    half as much. Of changes without direction, which are never 0, squares are held against each other, as they add up.
    """
    drift = [f for report in reports if report.stage is Stage.DRIFT for f in report.findings]
    whole = [f for f in drift if f.outcome is Outcome.BREACH and not f.camera and f.check not in (FLEET, EXPLAINED)]
    found = set()
    for each in whole:
        sizes = {f.camera: _along(f, each) for f in drift if _question(f) == _question(each) and f.camera in sound}
        first = max(sizes, key=lambda camera: sizes[camera], default=None)
        others = [size for camera, size in sizes.items() if camera != first]
        alone = first is not None and others and max(float(np.median(others)), 0.0) < HALF * sizes[first]
        found.add(first if alone else None)
    return frozenset(name for name in found if name) if len(found) == 1 else frozenset()


def _along(part: Finding, whole: Finding) -> float:
    """How much of the direction of a whole change one camera shows; the square of one that has no direction."""
    if whole.effect is None or not _directed(whole):
        return (part.value or 0.0) ** 2
    return _effect(part) * math.copysign(1.0, whole.effect)


def _question(finding: Finding) -> tuple[str, str]:
    return finding.check, finding.subject


def nearly(reports: Sequence[Report]) -> frozenset[str]:
    """Cameras that are close to the limit of a fault, or beyond it together with most others.

    A fault too faint to be named moves nothing else, and one that strikes several cameras at once (rain, a knock on
    their mast, a film that all gathered) looks like a change that they share. Where labels show harm, these cameras
    are the first thing to look at, and what they show is no evidence of a new product.
    """
    found = [f for r in reports if r.stage is Stage.CAMERA for f in r.findings]
    part = NEARLY if len({f.camera for f in found if f.camera}) > 1 else NEARLY_ALONE
    looked = [f for f in found if f.outcome is Outcome.OK]
    return frozenset(f.camera for f in looked if f.camera and f.limit and (f.value or 0.0) >= part * f.limit)


def doubted_alone(reports: Sequence[Report]) -> frozenset[str]:
    """The one camera whose change waits for a second window: no reason to learn from its images yet.

    Empty where none does, or several do (chance brings some), and for an installation of a single camera.
    """
    seen = [f for r in reports if r.stage is Stage.DRIFT for f in r.findings if f.camera]
    found = frozenset(f.camera for f in seen if f.camera and unsure(f))
    return found if len(found) == 1 and len({f.camera for f in seen}) > 1 else frozenset()


def on_sound_cameras(reports: Sequence[Report], causes: Sequence[Cause]) -> bool:
    """Whether a change of product is seen on sound cameras, named ones, and not on a single one only.

    A camera that is close to a fault is no witness, unless the change is so common that they are few among them.
    """
    changed = {name for cause in causes if cause.kind is CauseKind.PRODUCT for name in cause.cameras}
    witnesses = changed - faulty(causes) - nearly(reports)
    if changed & nearly(reports) and 2 * len(witnesses) <= len(changed - faulty(causes)):
        return False
    return bool(witnesses) and not lone(reports, causes)


def _shared(camera: str, findings: Sequence[Finding]) -> bool:
    """Whether the others show the larger part of this camera's change, significant or not.

    With few images a change of the whole fleet is significant on one camera only.
    """
    return _larger_part(_shifts(camera, findings), findings)


def _alike(camera: str, other: str, findings: Sequence[Finding]) -> bool:
    """Whether one other camera shows the larger part of this one's change; of changes without direction any will do."""
    pair = [f for f in findings if f.camera in (camera, other)]
    own = _shifts(camera, pair)
    if own:
        return _larger_part(own, pair)
    asked = [
        {(f.check, f.subject) for f in pair if f.camera == c and f.outcome is Outcome.BREACH} for c in (camera, other)
    ]
    return bool(asked[0] & asked[1])


def _shifts(camera: str, findings: Sequence[Finding]) -> list[Finding]:
    """What changed on this camera into a direction that others could share."""
    return [
        f
        for f in findings
        if f.camera == camera and f.outcome is Outcome.BREACH and abs(_effect(f)) >= DIRECTED and _directed(f)
    ]


def _larger_part(own: Sequence[Finding], findings: Sequence[Finding]) -> bool:
    whole = math.fsum(abs(_effect(f)) for f in own)
    alike = math.fsum(abs(_effect(f)) for f in own if _others(f, findings) * math.copysign(1, _effect(f)) >= _half(f))
    return whole > 0 and alike >= HALF * whole


def _directed(finding: Finding) -> bool:
    """Whether a shift has a sign: the model's own view only knows how far, and a distance is never 0."""
    return topic(finding.subject) in (Topic.PHOTOMETRIC, Topic.PREDICTION)


def _others(finding: Finding, findings: Sequence[Finding]) -> float:
    """Median shift of the same question on the other cameras; 0 without any."""
    shifts = [
        _effect(f)
        for f in findings
        if (f.check, f.subject) == (finding.check, finding.subject) and f.camera != finding.camera
    ]
    return float(np.median(shifts)) if shifts else 0.0


def _half(finding: Finding) -> float:
    return HALF * abs(_effect(finding))


def _effect(finding: Finding) -> float:
    return finding.effect or 0.0
