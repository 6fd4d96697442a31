"""The window against the reference: per camera and over all cameras, significant and large enough to matter.

The chance that a healthy window raises any finding is bounded by `alpha`: half of it belongs to all cameras
together, the other half is divided among the cameras (a single camera has all of it: there the two are one question);
`tasks.drift.judging` shares it out within a slice. A number that is the same on every image of both sides (a grey
camera has no colour) is not a question: leaving it out looks at the pooled images only, and so costs nothing.

In a window that a schedule judges only its part of a month's `alpha` is a breach by itself; what lies between waits for
a second witness (`tasks.domain.confirmation`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial

import numpy as np

from tasks.domain.confirmation import MONTH
from tasks.domain.few import evenly
from tasks.domain.finding import ALL, Finding, Outcome
from tasks.domain.subjects import DISTINCT_SCENES
from tasks.drift.explained import explained
from tasks.drift.judging import Level, Slice, judged
from tasks.drift.rules import DriftRules
from tasks.drift.sample import Sample
from tasks.drift.sessions import alike, blocks
from tasks.drift.telling import told_apart

DAY = timedelta(days=1)
FROZEN_MIN = 10
"""Images of a camera below which nobody can call it frozen."""
SCENES = "scenes"
SESSIONS = "sessions"
LEAST_SESSIONS = 10
"""Sessions on either side below which dealing them out anew says nothing: ten of twenty is the first fair number."""


def compare(
    reference: Sample,
    current: Sample,
    rules: DriftRules,
    month: float = 1.0,
    whole: Callable[[], Sample] | None = None,
) -> tuple[Finding, ...]:
    """All drift findings of a window: all cameras together first, then camera by camera in alphabetical order.

    A slice with too few distinct scenes on either side gets one inconclusive finding that says how many are
    missing, and no other. An empty window is inconclusive. `month` (0..1) is the part of a month's false alarms that
    this window may have; 1 for a window that somebody asks about by name. `whole` gives the reference of all hours of
    the day, where `reference` has only those of the window: how much days differ is read from both.
    """
    if not len(current):
        return (_too_few(ALL, 0, rules.min_scenes, "the window"),)
    reference, current = _dealt(reference, current, rules, whole)
    known, seen = reference.scenes(), current.scenes()
    cameras = sorted(set(known) | set(seen))
    enough = [c for c in cameras if min(known.get(c, 0), seen.get(c, 0)) >= rules.min_camera_scenes]
    alone = len(seen) == 1  # then all cameras together are that camera: one question, and not half the level for each
    day = rules.alpha * max(month, DAY / MONTH)
    level = Level(seen=rules.alpha, sure=rules.alpha * month, day=day).part(1 if alone else 1 / 2)
    found = _together(Slice(where=ALL, reference=reference, current=current, whole=whole), rules, level)
    answered = found[1:] if alone else []
    for camera in cameras:
        found += _frozen(camera, reference, current, rules)
        counts = (known.get(camera, 0), seen.get(camera, 0))
        found += _enough(f"camera={camera}", counts, rules.min_camera_scenes)
        if camera in enough:
            found += [replace(finding, slice=f"camera={camera}") for finding in answered] or _answers(
                Slice(
                    where=f"camera={camera}",
                    reference=reference.of(camera),
                    current=current.of(camera),
                    whole=partial(_of_camera, whole, camera) if whole else None,
                ),
                rules,
                level.part(1 / len(enough)),
            )
    breached = any(finding.outcome is Outcome.BREACH for finding in found)
    return (*found, *(explained(reference, current, enough) if breached else ()))


def _together(part: Slice, rules: DriftRules, level: Level) -> list[Finding]:
    before, after = matched(part.reference, part.current, rules.min_camera_scenes)
    found = _enough(ALL, (len(before), len(after)), rules.min_scenes)
    if found[0].outcome is Outcome.OK:
        whole = partial(_matched_whole, part.whole, after, rules) if part.whole else None
        found += _answers(Slice(where=ALL, reference=before, current=after, whole=whole), rules, level)
    return found


def _matched_whole(whole: Callable[[], Sample], current: Sample, rules: DriftRules) -> Sample:
    return matched(whole(), current, rules.min_camera_scenes)[0]


def _of_camera(whole: Callable[[], Sample], camera: str) -> Sample:
    return whole().of(camera)


def _answers(part: Slice, rules: DriftRules, level: Level) -> list[Finding]:
    pair = (part.reference, part.current)
    short = _too_few_sessions(part.where, pair)
    if short:
        return short
    found = judged(part, rules, level)
    return found + told_apart(part.where, pair, found, rules)


def matched(reference: Sample, current: Sample, least: int) -> tuple[Sample, Sample]:
    """Both samples with the same cameras in the same proportions, as many scenes of the reference as that allows.

    Without it a camera that is switched off, or sends twice as much, would look like drift of all pictures.
    Cameras with fewer than `least` scenes in the reference are left out; scenes are taken evenly over time.
    """
    known, seen = reference.scenes(), current.scenes()
    common = [camera for camera in sorted(seen) if known.get(camera, 0) >= least]
    rows = np.flatnonzero(np.isin(current.cameras, common))
    if not common:
        return reference.take(np.array([], dtype=np.intp)), current.take(rows)
    ratio = min(known[camera] / seen[camera] for camera in common)
    chosen = [
        evenly(np.flatnonzero(reference.cameras == camera), max(1, int(ratio * seen[camera] + 1e-9)))
        for camera in common
    ]
    return reference.take(np.sort(np.concatenate(chosen))), current.take(rows)


def _dealt(
    reference: Sample, current: Sample, rules: DriftRules, whole: Callable[[], Sample] | None
) -> tuple[Sample, Sample]:
    """Both with the sessions by which they are dealt out anew; none where scenes stand alone.

    Tiles that somebody asked for are taken as they are; of recorded sessions the reference tells whether they are any.
    """
    if current.sessions is not None and reference.sessions is not None and not rules.session_minutes:
        known = whole() if whole else reference
        columns = [*known.photometric.scalars.values(), *known.answers.scalars.values()]
        if known.sessions is None or not alike(columns, known.cameras, known.sessions):
            return replace(reference, sessions=None), replace(current, sessions=None)
    before, after = blocks(reference.sessions, current.sessions, len(reference))
    return replace(reference, sessions=before), replace(current, sessions=after)


def _too_few_sessions(where: str, pair: tuple[Sample, Sample]) -> list[Finding]:
    """One inconclusive finding when there are too few sessions to deal out anew; nothing when scenes stand alone."""
    for sample, whose in zip(pair, ("the reference", "the window"), strict=True):
        count = LEAST_SESSIONS if sample.sessions is None else len(np.unique(sample.sessions))
        if count < LEAST_SESSIONS:
            return [_too_few(where, count, LEAST_SESSIONS, whose, SESSIONS)]
    return []


def _enough(where: str, counts: tuple[int, int], least: int) -> list[Finding]:
    """One finding about the sizes of reference and window in a slice: ok, or what is missing."""
    known, seen = counts
    if known < least:
        return [_too_few(where, known, least, "the reference")]
    if seen < least:
        return [_too_few(where, seen, least, "the window")]
    return [
        Finding(
            check="sample",
            subject=SCENES,
            slice=where,
            outcome=Outcome.OK,
            value=seen,
            limit=least,
            unit=SCENES,
            n=seen,
        )
    ]


def _too_few(where: str, count: int, least: int, whose: str, unit: str = SCENES) -> Finding:
    return Finding(
        check="sample",
        subject=unit,
        slice=where,
        outcome=Outcome.INCONCLUSIVE,
        value=count,
        limit=least,
        unit=unit,
        n=count,
        note=f"{whose} has {count} {'distinct scenes' if unit == SCENES else unit}, {least - count} more are needed",
    )


def _frozen(camera: str, reference: Sample, current: Sample, rules: DriftRules) -> list[Finding]:
    """Whether a camera repeats itself more than it did in the reference; nothing for fewer than 10 images."""
    images = current.images.get(camera, 0)
    if images < FROZEN_MIN:
        return []
    now, before = _repeated(camera, current), _repeated(camera, reference)
    rise = max(0.0, now - before)
    return [
        Finding(
            check="frozen",
            subject=DISTINCT_SCENES,
            slice=f"camera={camera}",
            outcome=Outcome.BREACH if rise >= rules.frozen_share else Outcome.OK,
            value=rise,
            limit=rules.frozen_share,
            unit="share of images",
            n=images,
            note=f"{100 * now:.0f} % of {images} images repeat an earlier one, {100 * before:.0f} % in the reference",
        )
    ]


def _repeated(camera: str, sample: Sample) -> float:
    images = sample.images.get(camera, 0)
    return 1 - sample.scenes().get(camera, 0) / images if images else 0.0
