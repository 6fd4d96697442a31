"""Every camera's pictures against its own reference: at most one fault each, and none that most cameras show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence, Set

import numpy as np

from tasks.camera.case import Case
from tasks.camera.frames import Frames
from tasks.camera.hours import same_hours
from tasks.camera.looks import looks
from tasks.camera.measures import Measures, measures
from tasks.camera.rules import CameraRules
from tasks.camera.sign import Sign
from tasks.camera.signs import signs
from tasks.domain.few import evenly
from tasks.domain.finding import Finding, Outcome
from tasks.domain.subjects import CameraFault

CHECK = "camera"
SIGHT = frozenset({CameraFault.COVERED, CameraFault.MOVED, CameraFault.OUT_OF_FOCUS, CameraFault.DIRTY_LENS})
"""Faults by which a camera does not see what it saw."""
SEVERAL, ALL = 3, 0.9
"""Cameras, all of them with such a fault, from which it is what they photograph; share of the picture that is all."""
PARTS = 4
"""Parts of the reference, in the order of time, that are measured against the rest of it."""
LEAST = 10
"""Images of a part at least, however few looks the window has: fewer would excuse anything."""
FEW = 8
"""Images of a part, and half of those at its hours, from which it is held against those of its hours."""


def judge_pictures(
    reference: Mapping[str, Frames], current: Mapping[str, Frames], rules: CameraRules
) -> tuple[Finding, ...]:
    """One finding for every fault that was asked about, camera by camera.

    Signs that the camera's fault explains are not stated. A camera with too few images on either side gets one
    inconclusive finding that says so.
    """
    known = [name for name in sorted(current) if name in reference]
    judged = [name for name in known if min(len(reference[name]), len(current[name])) >= rules.min_images]
    pairs = {name: same_hours(reference[name], current[name], rules.min_images) for name in judged}
    now = {name: measures(*pair) for name, pair in pairs.items()}
    asked = {}
    for name, (before, seen) in pairs.items():
        others = [now[other] for other in judged if other != name]
        known_healthy = healthy(before, max(LEAST, round(looks(seen))))
        asked[name] = signs(Case(now=now[name], healthy=known_healthy, others=others, rules=rules))
    faults = {name: first for name, found in asked.items() if (first := _first(found)) is not None}
    fleet = _fleet([faults.get(name) for name in judged])
    found = [_few(name, reference, current, rules) for name in sorted(current) if name not in judged]
    for name in judged:
        found += _stated(name, asked[name], faults.get(name), fleet, len(current[name]))
    return tuple(found)


def healthy(reference: Frames, size: int) -> list[Measures]:
    """What the numbers are when nothing is the matter: parts of the reference against the rest of it at these hours.

    Parts have no more images than the window has looks (`size`): fewer looks at a healthy camera differ more, and
    frames of one burst are one.
    """
    places = np.arange(len(reference))
    parts = np.array_split(places, PARTS)
    sides = ((reference.take(np.setdiff1d(places, part)), reference.take(evenly(part, size))) for part in parts)
    return [measures(*same_hours(rest, part, FEW)) for rest, part in sides]


def _fleet(faults: Sequence[Sign | None]) -> Set[CameraFault]:
    """What is no fault of a camera: most show the same, or each shows one or another that hides or moves what it saw.

    Where a thing is always in the same place, a new product hides it here, and is blurred or moved there. It never
    hides everything.
    """
    shown = Counter(sign.fault for sign in faults if sign is not None)
    common = {fault for fault, count in shown.items() if count > 1 and 2 * count > len(faults)}
    every = len(faults) >= SEVERAL and all(sign is not None and sign.fault in SIGHT for sign in faults)
    black = any(sign is not None and sign.fault is CameraFault.COVERED and sign.value >= ALL for sign in faults)
    return common | SIGHT if every and not black else common


def _first(found: Sequence[Sign]) -> Sign | None:
    return next((sign for sign in found if sign.over), None)


def _stated(name: str, found: Sequence[Sign], fault: Sign | None, fleet: Set[CameraFault], n: int) -> list[Finding]:
    return [
        Finding(
            check=CHECK,
            subject=sign.fault.value,
            slice=f"camera={name}",
            outcome=Outcome.BREACH if sign is fault and sign.fault not in fleet else Outcome.OK,
            value=sign.value,
            limit=sign.limit,
            unit=sign.unit,
            n=n,
            note=_note(sign, fault, fleet),
        )
        for sign in found
        if sign is fault or not sign.over
    ]


def _note(sign: Sign, fault: Sign | None, fleet: Set[CameraFault]) -> str:
    if sign.shared or (sign is fault and sign.fault in fleet):
        return "most cameras show it at once, so it is no fault of this one"
    return sign.words if sign is fault else ""


def _few(name: str, reference: Mapping[str, Frames], current: Mapping[str, Frames], rules: CameraRules) -> Finding:
    known = len(reference.get(name, ()))
    whose, count = ("reference", known) if known < rules.min_images else ("window", len(current[name]))
    return Finding(
        check=CHECK,
        subject="images",
        slice=f"camera={name}",
        outcome=Outcome.INCONCLUSIVE,
        value=count,
        limit=rules.min_images,
        unit="images",
        n=count,
        note=f"the {whose} has {count} images of it, {rules.min_images - count} more are needed to judge the camera",
    )
