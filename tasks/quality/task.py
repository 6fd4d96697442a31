"""Opens the tables of a window and asks the quality rules of them."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import zip_longest
from typing import Any

import pyarrow as pa
from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.adapters import expectations
from tasks.adapters.tables import MANY
from tasks.connections import ledger, store, tables
from tasks.domain import few
from tasks.domain.errors import ContractError, NotFound
from tasks.domain.expectation import Answer
from tasks.domain.finding import Finding, Outcome, Report, Stage, finding_from_json, finding_json
from tasks.domain.model import ModelRef
from tasks.domain.snapshot import Snapshot, TableRef
from tasks.domain.tables import CATALOG, PREDICTIONS
from tasks.quality.accepted import classes_of, current
from tasks.quality.agreement import label_findings
from tasks.quality.anomalies import Accepted, named, schema_findings, schema_suite
from tasks.quality.findings import of_answers
from tasks.quality.frames import Frames, frames
from tasks.quality.label_evidence import BOXED, SEEN, witness
from tasks.quality.label_suite import label_suite, too_few
from tasks.quality.labels import label_frames
from tasks.quality.mix import label_mix
from tasks.quality.pieces import PIECE, Whole, drawn, together
from tasks.quality.rules import QualityRules
from tasks.quality.strays import much_fewer, searched
from tasks.quality.suite import suite
from tasks.quality.untimely import COLUMNS, untimely

OTHERS = 24
"""Newest windows that say how many images are usual."""

VALIDATION = "validation"
"""Name of great-expectations' results among the artifacts of a judged window."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What was found, and where the validation results lie (name -> address)."""

    report: Report
    artifacts: Mapping[str, str] = field(default_factory=dict)


@task(cache_policy=NO_CACHE)
def check_quality(snapshot: Snapshot, rules: QualityRules) -> Checked:
    """One finding for each rule about the window's catalog and predictions; an empty window is inconclusive.

    Where a person accepted a data schema, one for each thing that it says, too.
    """
    claim, classes = snapshot.claim, classes_of(snapshot.claim.model)
    accepted, lost = _accepted(claim.model)
    schema = accepted.digest if accepted else "".join(each.note for each in lost)
    about = (snapshot.catalog.digest, snapshot.predictions.digest, *classes, schema, rules.model_dump_json())
    work = partial(_checked, snapshot, classes, (accepted, lost), rules)
    kept = tables().recall(claim, "quality", about, work, lambda found: [found[VALIDATION]])
    found = tuple(map(finding_from_json, kept["findings"]))
    found = (*_strays(snapshot), *found)  # first: it is why the others have nothing to look at
    return Checked(report=Report(stage=Stage.QUALITY, findings=found), artifacts={VALIDATION: kept[VALIDATION]})


def _strays(snapshot: Snapshot) -> tuple[Finding, ...]:
    """What lies where no window looks, where this window has no images, no answers, or far fewer than others have."""
    claim = snapshot.claim
    if not snapshot.accepted or not snapshot.predictions.rows:
        return searched(store(), claim.model, claim.window)
    others = [
        row.facts for row in ledger().windows.latest(claim.model, OTHERS) if row.window.length == claim.window.length
    ]
    if much_fewer(snapshot.accepted, [each.accepted for each in others if each is not None]):
        return searched(store(), claim.model, claim.window, claim.window.start)
    return ()


def _checked(
    snapshot: Snapshot,
    classes: tuple[str, ...],
    schema: tuple[Accepted | None, tuple[Finding, ...]],
    rules: QualityRules,
) -> dict[str, Any]:
    """The findings as JSON, and where great-expectations' own results lie."""
    claim, (accepted, lost) = snapshot.claim, schema
    general, own, results = _asked(snapshot, accepted, len(classes) or None, rules)
    found = of_answers(general, rules.examples)
    late = untimely(tables().batches(snapshot.catalog, COLUMNS, MANY), rules.max_quarantined)
    against = named(of_answers(own, rules.examples), accepted) if accepted else ()
    of_schema = _of_schema(snapshot, accepted, classes) if accepted else lost
    key = f"{claim.model}/evergreen/windows/{claim.window.start:%Y%m%dT%H%M%SZ}/quality-{claim.revision}-{claim.epoch}"
    store().put(
        f"{key}.json", json.dumps(results if len(results) > 1 else results[0], default=str).encode(), "application/json"
    )
    return {
        "findings": [finding_json(each) for each in (*found, *late, *against, *of_schema)],
        VALIDATION: store().uri(f"{key}.json"),
    }


def _asked(
    snapshot: Snapshot, accepted: Accepted | None, classes: int | None, rules: QualityRules
) -> tuple[tuple[Answer, ...], tuple[Answer, ...], list[Mapping[str, Any]]]:
    """The answers to the general rules, those to the schema's, and great-expectations' own results, piece by piece."""
    results: list[Mapping[str, Any]] = []
    general, own = [], []
    for shown in _pieces(snapshot):
        rules_ = suite(shown, classes, rules)
        asked = expectations.ask(shown, (*rules_, *(schema_suite(accepted.schema, shown) if accepted else ())))
        results.append(asked.results)
        general.append(asked.answers[: len(rules_)])
        own.append(asked.answers[len(rules_) :])
        if len(results) > 1:
            gc.collect()  # great-expectations leaves every table in a circle of references
    if len(results) == 1:
        return general[0], own[0], results
    return together(iter(general)), together(iter(own)), results


def _pieces(snapshot: Snapshot) -> Iterator[Frames]:
    """The tables that rules are about; of a very large window in pieces that fit into memory."""
    window, listed, answered = snapshot.claim.window, snapshot.catalog, snapshot.predictions
    if max(listed.rows, answered.rows) <= PIECE:
        yield frames(tables().read(listed), tables().read(answered), window)
        return
    whole = Whole.of(
        tables().batches(listed, ("sha256", "camera", "note"), MANY), tables().batches(answered, ["image_id"], MANY)
    )
    for catalog, predictions in zip_longest(
        tables().pieces(listed, PIECE), tables().pieces(answered, PIECE), fillvalue=None
    ):
        first = CATALOG.empty_table() if catalog is None else catalog
        second = PREDICTIONS.empty_table() if predictions is None else predictions
        yield frames(first, second, window, whole.among(first))


def _of_schema(snapshot: Snapshot, accepted: Accepted, classes: tuple[str, ...]) -> tuple[Finding, ...]:
    """What the schema says of cameras and classes; of a very large window from a fixed sample of its images."""
    listed, answered, window = snapshot.catalog, snapshot.predictions, snapshot.claim.window
    chance = min(1.0, PIECE / max(listed.rows, answered.rows, 1))
    if chance == 1.0:
        return schema_findings(
            accepted, frames(tables().read(listed), tables().read(answered), window), window, classes
        )
    some = [pa.concat_tables(drawn(tables().pieces(ref, MANY), chance)) for ref in (listed, answered)]
    found = schema_findings(accepted, frames(some[0], some[1], window), window, classes)
    return few.told(found, some[0].num_rows, listed.rows)


def _accepted(model: str) -> tuple[Accepted | None, tuple[Finding, ...]]:
    """The data schema that counts; where its file was removed or changed, a finding instead: that is not health."""
    try:
        return current(model), ()
    except (NotFound, ContractError) as error:
        return None, (Finding(check="schema", subject="file", outcome=Outcome.INCONCLUSIVE, note=str(error)),)


@task(cache_policy=NO_CACHE)
def check_labels(
    model: str, champion: ModelRef | None, labels: TableRef, rules: QualityRules, classes: int | None = None
) -> Report:
    """One finding for each rule about the labels that the champion has not learnt from; inconclusive with too few.

    `classes` is how many the first version will have, when there is no champion yet.
    """
    seen = witness(model, champion, labels)
    if seen.evidence.count < rules.min_labels:
        return Report(stage=Stage.LABELS, findings=(too_few(seen.evidence.count, rules),))
    shown = label_frames(seen.evidence)
    kind = champion.kind if champion else None
    asked = expectations.ask(shown, label_suite(shown, kind, len(champion.classes) if champion else classes, rules))
    key = f"{store().key_of(labels.uri).removesuffix('.parquet')}-quality.json"
    store().put(key, json.dumps(asked.results, default=str).encode(), "application/json")
    found = list(of_answers(asked.answers, rules.examples))
    if champion is not None:
        found += [*label_findings(seen.pairs, champion.kind in BOXED)] if champion.kind in SEEN else []
        found.append(label_mix(seen.labelled, seen.learnt, seen.answered, rules))
    return Report(stage=Stage.LABELS, findings=tuple(found))
