"""Opens labels, properties and weights for the search: where is the champion weak, with images to look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.connections import answering, ledger, tables
from tasks.domain.card import training_set as training_set_of
from tasks.domain.contrast import photos
from tasks.domain.errors import ContractError, NotFound
from tasks.domain.evaluation import Evaluation
from tasks.domain.model import Kind, ModelRef
from tasks.domain.protocol import protocol_of
from tasks.domain.scoring.truth import truths
from tasks.domain.snapshot import Snapshot, TableRef
from tasks.domain.weak import Case, Spot
from tasks.segments import cases, unlabelled
from tasks.segments.facts import Facts, facts
from tasks.segments.findings import segment_findings, shortcut_findings, too_few, unsure_findings
from tasks.segments.rules import SegmentRules
from tasks.segments.search import Searched, search
from tasks.segments.shortcut import Power, main_label, powers, units

SCORES = {Kind.CLASSIFY: "share of right answers", Kind.DETECT: "F1 per image"}
"""What the score of an image is called."""

USUAL = 0.25
"""Confidence of boxes that are drawn where the evaluation chose none."""


@task(cache_policy=NO_CACHE)
def weak_spots(
    champion: ModelRef, dataset: TableRef, properties: TableRef, recent: Evaluation, rules: SegmentRules
) -> tuple[Spot, ...]:
    """Segments of labelled images in which the champion is worse than elsewhere; one `Spot` a finding."""
    if recent.n < rules.min_labels:
        return (Spot(finding=too_few(recent.n, rules)),)
    table = tables().read(dataset)
    known = _facts(table, properties, recent)
    searched = search(known, rules)
    found = segment_findings(searched, SCORES.get(champion.kind, recent.metric), len(known), rules)
    picked = [cases.chosen(known, each.segment.inside) for each in searched.weak]
    shown = _cases(champion, table, {name for pair in picked for side in pair for name in side}, recent)
    return tuple(
        Spot(finding=finding, worst=_of(shown, pair[0]), best=_of(shown, pair[1]))
        for finding, pair in zip(found, [*picked, *[([], [])] * (len(found) - len(picked))], strict=True)
    )


@task(cache_policy=NO_CACHE)
def unsure_spots(champion: ModelRef, snapshot: Snapshot, profiled: TableRef, rules: SegmentRules) -> tuple[Spot, ...]:
    """The same search over how sure the champion is of production images, where labels are missing: an indicator."""
    seen = tables().read(profiled)
    answers = tables().about(snapshot.predictions, seen["image_id"].combine_chunks(), unlabelled.WANTED)
    rows, sure, says = unlabelled.scored(answers, seen, champion)
    known = facts(rows, sure, seen, says)
    searched = search(known, rules) if len(known) >= rules.min_labels else Searched(segments=0)
    return tuple(Spot(finding=finding) for finding in unsure_findings(searched, len(known), rules))


@task(cache_policy=NO_CACHE)
def shortcuts(
    champion: ModelRef,
    taught: tuple[TableRef, TableRef] | None,
    recent: tuple[TableRef, TableRef],
    rules: SegmentRules,
) -> tuple[Spot, ...]:
    """What tells the label by itself in the champion's training images and among recent ones, and where they differ.

    Both are pairs of a `datasets` table and the properties of its images; `taught` is None for a version whose training
    images nobody kept.
    """
    before = None if taught is None else _told(champion, *taught)
    now = _told(champion, *recent)
    found = shortcut_findings(before, now, recent[0].rows, rules)
    return tuple(Spot(finding=finding) for finding in found)


def training_set(champion: ModelRef) -> TableRef | None:
    """The manifest that the champion was fitted to; None for a version made elsewhere."""
    return training_set_of(ledger().versions.get(champion.name, champion.sha256).card)


def _told(champion: ModelRef, dataset: TableRef, properties: TableRef) -> Mapping[str, Power] | None:
    table = tables().read(dataset)
    rows = table.select(["image_id", "sha256", "camera", "session", "captured_at"]).to_pylist()
    measured = tables().read(properties)
    kept = set(measured["sha256"].to_pylist())
    said = {truth.image_id: main_label(truth, champion.classes) for truth in truths(table)}
    known = facts([row for row in rows if row["sha256"] in kept], dict.fromkeys(said, 1.0), measured, said)
    asked = units(known) if len(known) else None
    return None if asked is None else powers(asked)


def _facts(table: pa.Table, properties: TableRef, recent: Evaluation) -> Facts:
    rows = table.select(["image_id", "sha256", "camera", "session", "captured_at"]).to_pylist()
    scores = dict(zip(recent.image_ids, recent.scores, strict=True))
    says = dict(zip(recent.image_ids, recent.answers, strict=False))
    return facts(rows, scores, tables().read(properties), says)


def _cases(champion: ModelRef, table: pa.Table, wanted: set[str], recent: Evaluation) -> Mapping[str, Case]:
    """The wanted images with the answers that were scored: under the same protocol, so they need not be given again."""
    ids = table["image_id"].to_pylist()
    rows = table.take(pa.array([at for at, name in enumerate(ids) if name in wanted], pa.int64()))
    if not rows.num_rows:
        return {}
    try:
        answers = answering(champion, protocol_of(recent.conditions)).answers(rows)
    except (NotFound, ContractError):  # the evaluation is older than the bucket keeps images: then without pictures
        return {}
    scores = dict(zip(recent.image_ids, recent.scores, strict=True))
    confidence = recent.metrics.get("confidence", USUAL) or USUAL
    return cases.by_id(
        [
            cases.case(photo, truth, answer, float(scores.get(photo.image_id, np.nan)), champion.classes, confidence)
            for photo, truth, answer in zip(photos(rows), truths(rows), answers, strict=True)
        ]
    )


def _of(shown: Mapping[str, Case], names: Sequence[str]) -> tuple[Case, ...]:
    return tuple(shown[name] for name in names if name in shown)
