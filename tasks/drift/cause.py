"""Is it the camera, the product or the data? Ranked causes, each with who, what, since when and how much of it.

What the camera stage found by name is the cause on that camera. Where it could not look, or found nothing: a lamp, a
lens or a sensor fails on one camera at a time; a new product or season reaches the whole fleet. So a change of light,
focus or noise that most cameras do not share is that camera's fault, and a change that most cameras share is the
product's. While the fleet moves, only a camera that stands far apart from it is at fault as well. On a camera whose
light, focus and place were found sound, only noise that rose strongly is still its fault: else it sees a new product.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np

from tasks.domain.broken import broken_data
from tasks.domain.finding import Finding, Outcome, Report, Stage
from tasks.domain.subjects import DELIVERY, DISTINCT_SCENES, PLACES, Topic, topic
from tasks.domain.verdict import Cause, CauseKind
from tasks.drift.fleet import product_groups, shown_by
from tasks.drift.onset import Key, key
from tasks.drift.shares import Shares, size, told

APART = 1.0
"""Normal-score units by which a camera must stand apart from the fleet's median to be at fault while all move."""
STRONG = 1.5
"""Normal-score shift at which light or focus of a lone camera is called a fault: darker than 93 % of the reference."""
STRONG_RATE = 0.8
"""Cohen's h from which a lone camera's share of black or white images is called a fault."""
DIRECTED = 0.25
"""Below this a change has no direction (only its spread changed) that others could share."""
NAMED = 3
"""Properties that a summary spells out."""

Onsets = Mapping[Key, datetime]


def causes_of(reports: Sequence[Report], onsets: Onsets) -> tuple[Cause, ...]:
    """The causes behind the breaches of all reports, heaviest first, broken data before all; () without breaches."""
    drift = [finding for report in reports if report.stage is Stage.DRIFT for finding in report.findings]
    broken = broken_data(reports)
    breaches = [finding for finding in drift if finding.outcome is Outcome.BREACH]
    named = named_faults(reports)
    pictured = {camera for camera, found in named.items() if any(f.subject not in DELIVERY for f in found)}
    faulty = faulty_cameras(drift, sound_cameras(reports)) | pictured
    groups = {
        camera: [f for f in breaches if f.camera == camera and camera in faulty] for camera in sorted(faulty | {*named})
    }
    products = product_groups(breaches, drift, faulty)
    shares = Shares.of(drift, [*groups.values(), *products], faulty)
    causes = [_camera_cause(camera, found, named.get(camera, ()), onsets, shares) for camera, found in groups.items()]
    judged = judged_cameras(drift)
    causes += [
        _product_cause(found, shown_by(found, len(judged - faulty)), len(judged), onsets, shares.of_group(found))
        for found in products
    ]
    ranked = sorted(causes, key=lambda cause: -(cause.share or 0.0))
    return (*([_data_cause(broken, onsets)] if broken else []), *told(ranked))


def judged_cameras(drift: Sequence[Finding]) -> frozenset[str]:
    """Cameras about which at least one comparison came to a conclusion."""
    return frozenset(
        f.camera
        for f in drift
        if f.camera and f.outcome is not Outcome.INCONCLUSIVE and topic(f.subject) is not Topic.SAMPLE
    )


def named_faults(reports: Sequence[Report]) -> dict[str, list[Finding]]:
    """What the camera stage calls by name, camera by camera."""
    found: dict[str, list[Finding]] = {}
    for finding in (f for report in reports if report.stage is Stage.CAMERA for f in report.breaches()):
        found.setdefault(finding.camera or "", []).append(finding)
    return found


def sound_cameras(reports: Sequence[Report]) -> frozenset[str]:
    """Cameras whose pictures the camera stage looked at and found nothing wrong with."""
    looked = [
        f for report in reports if report.stage is Stage.CAMERA for f in report.findings if f.subject not in DELIVERY
    ]
    wrong = {f.camera for f in looked if f.outcome is not Outcome.OK}
    return frozenset(f.camera for f in looked if f.camera and f.camera not in wrong)


def faulty_cameras(drift: Sequence[Finding], sound: frozenset[str] = frozenset()) -> frozenset[str]:
    """Cameras that are themselves at fault: frozen, apart from the fleet, or alone and plainly dark or blurred.

    Of the `sound` ones only those that freeze or whose noise rose strongly.
    """
    frozen = {f.camera for f in drift if f.subject == DISTINCT_SCENES and f.outcome is Outcome.BREACH and f.camera}
    judged = judged_cameras(drift)
    light = [f for f in drift if f.camera and f.outcome is Outcome.BREACH and topic(f.subject) is Topic.PHOTOMETRIC]
    light = [f for f in light if f.subject != PLACES]  # what stands elsewhere: the camera stage tells a fault by name
    light = [f for f in light if f.camera not in sound or _sensor_noise(f, drift)]
    moved = {f.camera for f in drift if f.camera in judged and f.outcome is Outcome.BREACH}
    if len(judged) == 1:
        found = {f.camera for f in light if f.camera and _strong(f)}
    elif 2 * len(moved) <= len(judged):
        found = {f.camera for f in light if f.camera and _alone(f, drift)}
    else:
        found = {f.camera for f in light if f.camera and _apart(f, drift)}
        found = found if 2 * len(found) <= len(judged) and len(judged) > 2 else set()
    return frozenset(frozen | found)


def _sensor_noise(finding: Finding, drift: Sequence[Finding]) -> bool:
    """Whether noise rose strongly, and more than detail did: what has more edges looks noisier as well."""
    richer = any(f.camera == finding.camera and f.subject == "grain" and (f.effect or 0.0) < 0 for f in drift)
    return finding.subject == "noise" and (finding.effect or 0.0) >= STRONG and not richer


def _strong(finding: Finding) -> bool:
    """Much darker or much more blurred than nearly all of the reference, or suddenly black."""
    effect = finding.effect or 0.0
    if finding.subject in ("dark_images", "bright_images"):
        return effect >= STRONG_RATE
    return finding.subject in ("brightness", "sharpness") and effect <= -STRONG


def _alone(finding: Finding, drift: Sequence[Finding]) -> bool:
    """Whether the other cameras show less than half of this camera's shift, significant or not.

    With few images a change of the whole fleet is significant on some cameras only; they are not at fault.
    """
    shift = finding.effect or 0.0
    if abs(shift) < DIRECTED:
        return True
    return abs(_others(finding, drift)) < abs(shift) / 2


def _apart(finding: Finding, drift: Sequence[Finding]) -> bool:
    """Whether a camera's shift stands apart from the median of the other cameras' shifts of the same property."""
    return abs((finding.effect or 0.0) - _others(finding, drift)) >= APART


def _others(finding: Finding, drift: Sequence[Finding]) -> float:
    """Median shift of the same property on the other cameras; 0 when there are none."""
    shifts = [
        f.effect
        for f in drift
        if f.subject == finding.subject and f.camera not in (None, finding.camera) and f.effect is not None
    ]
    return float(np.median(shifts)) if shifts else 0.0


def _since(findings: Sequence[Finding], onsets: Onsets) -> datetime | None:
    return min((onsets[key(f)] for f in findings if key(f) in onsets), default=None)


def _since_most(findings: Sequence[Finding], onsets: Onsets) -> datetime | None:
    """Since when most of the cameras differ: a fault that one of them had before does not date the fleet's change."""
    cameras = sorted({f.camera for f in findings if f.camera})
    each = [_since([f for f in findings if f.camera == camera], onsets) for camera in cameras]
    known = sorted(moment for moment in each if moment is not None)
    return known[len(known) // 2] if known else _since(findings, onsets)


def _properties(findings: Sequence[Finding]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(f.subject for f in sorted(findings, key=lambda f: (-size(f), f.subject))))


def _changes(findings: Sequence[Finding]) -> str:
    """The largest changes in words: each subject once, with the change that its finding's note begins with."""
    largest = {f.subject: f for f in sorted(findings, key=lambda f: (size(f), f.subject))}
    named = [_change(largest[subject]) for subject in _properties(findings)[:NAMED]]
    more = len(largest) - len(named)
    return ", ".join(named) + (f" and {more} more" if more > 0 else "")


def _change(finding: Finding) -> str:
    words = finding.note.split(";")[0]
    return words if finding.subject == DISTINCT_SCENES else f"{finding.subject.replace('_', ' ')} {words}"


def _when(since: datetime | None) -> str:
    return f" since {since:%Y-%m-%d %H:%M} UTC" if since else ""


def _camera_cause(
    camera: str, findings: Sequence[Finding], named: Sequence[Finding], onsets: Onsets, shares: Shares
) -> Cause:
    """One cause for one camera: its faults by name, or what changed on it when they have none."""
    since = _since(named or findings, onsets)
    physical = [f for f in findings if topic(f.subject) in (Topic.PHOTOMETRIC, Topic.SAMPLE)]
    words = f" {' and '.join(f.note for f in named)}" if named else f": {_changes(physical)}"
    return Cause(
        kind=CauseKind.CAMERA,
        summary=f"camera {camera}{words}{_when(since)}",
        cameras=(camera,),
        properties=(*(f.subject for f in named), *_properties(physical)),
        since=since,
        share=shares.of_camera(camera, findings) if findings or not named else None,
    )


def _product_cause(
    findings: Sequence[Finding], cameras: tuple[str, ...], judged: int, onsets: Onsets, share: float | None
) -> Cause:
    since = _since_most(findings, onsets)
    where = f"on {len(cameras)} of {judged} cameras" if cameras else "over all cameras together"
    return Cause(
        kind=CauseKind.PRODUCT,
        summary=f"what is photographed changed {where}: {_changes(findings)}{_when(since)}",
        cameras=cameras,
        properties=_properties(findings),
        since=since,
        share=share,
    )


def _data_cause(findings: Sequence[Finding], onsets: Onsets) -> Cause:
    since = _since(findings, onsets)
    named = [f"{f.subject}: {f.note or f.check}" for f in findings[:NAMED]]
    more = f" and {len(findings) - NAMED} more" if len(findings) > NAMED else ""
    return Cause(
        kind=CauseKind.DATA,
        summary=f"the data breaks its rules ({'; '.join(named)}{more}){_when(since)}",
        properties=tuple(dict.fromkeys(f.subject for f in findings)),
        since=since,
    )
