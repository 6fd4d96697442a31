"""The report on the error of production: risen or not, with the inputs or without them, and whose labels say so."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tasks.adapters.ledger.records import EvaluationRecord
from tasks.concept.answered import Answered
from tasks.concept.maturity import mature
from tasks.concept.policy import FEWEST, signs
from tasks.concept.rules import ConceptRules
from tasks.concept.sequence import Tracked
from tasks.concept.whose import one_camera
from tasks.domain.concept import AUDIT, CONCEPT, ERROR, HALF, INPUTS
from tasks.domain.finding import Finding, Outcome, Report, Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is known beside the labels.

    `moved` are ids of images from windows in which the inputs were found to have moved; `fell` says that labelled
    performance lies below its limit; `audited` who looked at the labels since the error rose, empty when nobody did.
    """

    moved: frozenset[str]
    fell: bool
    audited: str
    rules: ConceptRules


def report(images: Sequence[Answered], tracked: Tracked | None, asked: Asked) -> Report:
    """The findings: the error, whether the inputs moved with it, on which cameras, the four signs, and whether an audit
    is due.
    """
    error = _error(images, tracked, asked.rules)
    if not (error.outcome is Outcome.BREACH or asked.fell):
        return Report(stage=Stage.CONCEPT, findings=(error,))
    before, since = _around(images, tracked)
    inputs = _inputs(since, tracked, asked)
    margin = asked.rules.margin
    found = (error, inputs, one_camera(before, since, margin), *signs(before, since, margin))
    due = () if (inputs.value or 0.0) >= HALF else (_audit(asked),)
    return Report(stage=Stage.CONCEPT, findings=(*found, *due))


def label_return(rows: Sequence[EvaluationRecord], rules: ConceptRules) -> tuple[Finding, ...]:
    """How many windows have their labels back, and how the newest of those did; () while no window has a label."""
    known = sorted((row for row in rows if row.window), key=lambda row: str(row.window))
    if not known:
        return ()
    ripe = [row for row in known if mature(row.evaluation, rules)]
    returned = known[-1].evaluation.metrics["returned"]
    note = f"{len(ripe)} of {len(known)} windows with labels have {rules.min_return:.0%} of their usual ones"
    if ripe:
        newest = ripe[-1].evaluation
        note += f"; the newest of them, {ripe[-1].window}, scored {newest.headline.value:.3f} on {newest.n} images"
    if returned < rules.min_return:
        note += f"; {known[-1].window} is immature ({returned:.0%}) and not compared"
    outcome = Outcome.OK if ripe else Outcome.INCONCLUSIVE
    return (
        Finding(
            check="label_return",
            subject="windows",
            outcome=outcome,
            value=returned,
            limit=rules.min_return,
            unit="0..1",
            n=known[-1].evaluation.n,
            note=note,
        ),
    )


def _around(images: Sequence[Answered], tracked: Tracked | None) -> tuple[tuple[Answered, ...], tuple[Answered, ...]]:
    """Labelled images until the error rose and since then; without a known onset the later half."""
    ordered = tuple(sorted(images, key=lambda image: (image.labelled_at, image.image_id)))
    if tracked is None or tracked.onset is None:
        return ordered[: len(ordered) // 2], ordered[len(ordered) // 2 :]
    known = set(tracked.baseline.images)
    first = tuple(image for image in ordered if image.image_id in known)
    between, since = tracked.before_and_since
    return (*first, *between), since


def _error(images: Sequence[Answered], tracked: Tracked | None, rules: ConceptRules) -> Finding:
    if tracked is None or len(tracked.after) < FEWEST:
        had = len(images) - (0 if tracked is None else len(tracked.baseline.images))
        missing = (rules.baseline_images if tracked is None else 0) + FEWEST - had
        note = f"{len(images)} labelled images of this version, {missing} more needed to see whether its error rises"
        return Finding(check=CONCEPT, subject=ERROR, outcome=Outcome.INCONCLUSIVE, n=len(images), note=note)
    outcome = Outcome.BREACH if tracked.risen else Outcome.OK
    return Finding(
        check=CONCEPT,
        subject=ERROR,
        outcome=outcome,
        value=_rounded(tracked.lately),
        limit=_rounded(tracked.limit),
        unit="0..1",
        n=len(tracked.after),
        note=_told(tracked),
    )


def _told(tracked: Tracked) -> str:
    was = f"error {tracked.lately:.3f} lately, {tracked.baseline.error:.3f} on its first {len(tracked.baseline.images)}"
    since = tracked.since
    if tracked.risen and since is not None:
        return (
            f"{was}: risen in what was taken since {since:%Y-%m-%d %H:%M} (by chance: 1 in {1 / tracked.chance:,.0f})"
        )
    return f"{was}: it was above its limit and has come back" if tracked.crossed else was


def _inputs(since: Sequence[Answered], tracked: Tracked | None, asked: Asked) -> Finding:
    """How many of the images with the higher error are from windows whose inputs moved.

    Where the error is as high in windows whose inputs did not move, they are not the reason: then the share is 0.
    """
    if not since:
        note = "no labelled image of the last windows to ask"
        return Finding(check=CONCEPT, subject=INPUTS, outcome=Outcome.INCONCLUSIVE, note=note)
    stable = [image.loss for image in since if image.image_id not in asked.moved]
    share = 1 - len(stable) / len(since)
    limit = tracked.limit if tracked is not None else math.nan
    if len(stable) >= FEWEST and float(np.mean(stable)) > limit:
        note = f"the error is {np.mean(stable):.3f} on {len(stable)} images whose inputs did not move"
        share = 0.0
    else:
        note = f"{share:.0%} of the images are from windows whose inputs moved"
    return Finding(check=CONCEPT, subject=INPUTS, outcome=Outcome.OK, value=share, n=len(since), note=note)


def _audit(asked: Asked) -> Finding:
    if asked.audited:
        note = f"the labels were audited: {asked.audited}"
        return Finding(check=AUDIT, subject="labels", outcome=Outcome.OK, note=note)
    note = "the inputs did not move: ask first whether the labels are written in another way"
    return Finding(check=AUDIT, subject="labels", outcome=Outcome.INCONCLUSIVE, note=note)


def _rounded(value: float) -> float | None:
    return round(value, 6) if math.isfinite(value) else None
