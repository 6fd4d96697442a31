"""The window against the reference: per camera and over all cameras, significant and large enough to matter.

The chance that a healthy window raises any finding is bounded by `alpha`: half of it belongs to all cameras
together, the other half is divided among the cameras (a single camera has all of it: there the two are one question);
within a slice pictures have twice the part of the embedding or of the answers, and within a topic Holm's procedure
decides. A number that is the same on every image of both sides (a grey camera has no colour) is not a question:
leaving it out looks at the pooled images only, and so costs nothing.

In a window that a schedule judges only its part of a month's `alpha` is a breach by itself; what lies between waits for
a second witness (`tasks.domain.confirmation`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np

from tasks.domain.confirmation import doubted
from tasks.domain.few import evenly
from tasks.domain.finding import ALL, Finding, Outcome
from tasks.domain.subjects import DISTINCT_SCENES, Topic
from tasks.drift.detector import Detector, FloatArray, Score, detector
from tasks.drift.explained import explained
from tasks.drift.questions import Question, questions
from tasks.drift.rules import DriftRules
from tasks.drift.sample import Sample
from tasks.drift.telling import told_apart

FROZEN_MIN = 10
"""Images of a camera below which nobody can call it frozen."""
PARTS = {Topic.PHOTOMETRIC: 2, Topic.EMBEDDING: 1, Topic.PREDICTION: 1, Topic.SAMPLE: 1}
"""How the level is shared: pictures give the early warning, the model's own view and answers say that it does harm."""
SCENES = "scenes"
SESSIONS = "sessions"
LEAST_SESSIONS = 10
"""Sessions on either side below which dealing them out anew says nothing: ten of twenty is the first fair number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """Chances of a false alarm that a question has: to be worth a second look, and to be a breach by itself."""

    seen: float
    sure: float

    def part(self, share: float) -> Level:
        """The level of one question among several."""
        return Level(seen=self.seen * share, sure=self.sure * share)


def compare(reference: Sample, current: Sample, rules: DriftRules, month: float = 1.0) -> tuple[Finding, ...]:
    """All drift findings of a window: all cameras together first, then camera by camera in alphabetical order.

    A slice with too few distinct scenes on either side gets one inconclusive finding that says how many are
    missing, and no other. An empty window is inconclusive. `month` (0..1) is the part of a month's false alarms that
    this window may have; 1 for a window that somebody asks about by name.
    """
    if not len(current):
        return (_too_few(ALL, 0, rules.min_scenes, "the window"),)
    known, seen = reference.scenes(), current.scenes()
    cameras = sorted(set(known) | set(seen))
    judged = [c for c in cameras if min(known.get(c, 0), seen.get(c, 0)) >= rules.min_camera_scenes]
    alone = len(seen) == 1  # then all cameras together are that camera: one question, and not half the level for each
    level = Level(seen=rules.alpha, sure=rules.alpha * month).part(1 if alone else 1 / 2)
    found = _together(reference, current, rules, level)
    answered = found[1:] if alone else []
    for camera in cameras:
        found += _frozen(camera, reference, current, rules)
        counts = (known.get(camera, 0), seen.get(camera, 0))
        found += _enough(f"camera={camera}", counts, rules.min_camera_scenes)
        if camera in judged:
            pair = (reference.of(camera), current.of(camera))
            found += [replace(finding, slice=f"camera={camera}") for finding in answered] or _judged(
                f"camera={camera}", pair, rules, level.part(1 / len(judged))
            )
    breached = any(finding.outcome is Outcome.BREACH for finding in found)
    return (*found, *(explained(reference, current, judged) if breached else ()))


def _together(reference: Sample, current: Sample, rules: DriftRules, level: Level) -> list[Finding]:
    before, after = matched(reference, current, rules.min_camera_scenes)
    found = _enough(ALL, (len(before), len(after)), rules.min_scenes)
    if found[0].outcome is Outcome.OK:
        found += _judged(ALL, (before, after), rules, level)
    return found


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


def _judged(where: str, pair: tuple[Sample, Sample], rules: DriftRules, level: Level) -> list[Finding]:
    short = _too_few_sessions(where, pair)
    if short:
        return short
    asked = sorted(questions(*pair, rules), key=lambda question: list(Topic).index(question.topic))
    topics = [list(group) for _, group in groupby(asked, key=lambda question: question.topic)]
    found: list[Finding] = []
    for group in topics:
        tools = [detector(question.detector) for question in group]
        scored = [
            (q, tool, tool.score(q.reference, q.current, q.sessions))
            for q, tool in zip(group, tools, strict=True)
            if _sized(q, tool)
        ]
        adjusted = holm([score.p_value if question.varies() else np.nan for question, _, score in scored])
        part = level.part(PARTS[group[0].topic] / sum(PARTS[topic[0].topic] for topic in topics))
        found += [
            _finding(where, question, tool, score, p <= part.seen, p <= part.sure)
            for (question, tool, score), p in zip(scored, adjusted, strict=True)
        ]
    return found + told_apart(where, pair, found, rules)


def _too_few_sessions(where: str, pair: tuple[Sample, Sample]) -> list[Finding]:
    """One inconclusive finding when there are too few sessions to deal out anew; nothing when scenes stand alone."""
    for sample, whose in zip(pair, ("the reference", "the window"), strict=True):
        count = LEAST_SESSIONS if sample.sessions is None else len(np.unique(sample.sessions))
        if count < LEAST_SESSIONS:
            return [_too_few(where, count, LEAST_SESSIONS, whose, SESSIONS)]
    return []


def _sized(question: Question, tool: Detector) -> bool:
    """Whether both sides have enough: few images may have a confidence though many were predicted on."""
    return min(len(question.reference), len(question.current)) >= tool.min_n


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down adjusted p-values in the order given; nan stays nan and does not count.

    Source: Holm, A simple sequentially rejective multiple test procedure, Scand. J. Statist. 6 (1979).

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    values: FloatArray = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(values)[: int(np.isfinite(values).sum())]
    adjusted = np.full(len(values), np.nan)
    steps = values[order] * (len(order) - np.arange(len(order)))
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return [float(value) for value in adjusted]


def _finding(where: str, question: Question, tool: Detector, score: Score, seen: bool, sure: bool) -> Finding:
    finite = bool(np.isfinite([score.value, score.p_value]).all())
    breach = finite and seen and score.value >= tool.limit
    outcome = Outcome.BREACH if breach else Outcome.OK if finite else Outcome.INCONCLUSIVE
    found = Finding(
        check=question.detector,
        subject=question.subject,
        slice=where,
        outcome=outcome,
        value=score.value if finite else None,
        limit=tool.limit,
        unit=tool.unit,
        n=len(question.current),
        effect=score.effect if np.isfinite(score.effect) else None,
        note=f"{question.change()}; p = {score.p_value:.2g}" if finite else "too many images have no such number",
    )
    return doubted(found) if breach and not sure else found


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
