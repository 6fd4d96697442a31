"""Opens the tables of a window and asks the quality rules of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.adapters import expectations
from tasks.connections import store, tables
from tasks.domain.errors import ContractError, NotFound
from tasks.domain.finding import Finding, Outcome, Report, Stage
from tasks.domain.model import ModelRef
from tasks.domain.snapshot import Snapshot, TableRef
from tasks.quality.accepted import classes_of, current
from tasks.quality.agreement import label_findings
from tasks.quality.anomalies import Accepted, named, schema_findings, schema_suite
from tasks.quality.findings import of_answers
from tasks.quality.frames import frames
from tasks.quality.label_evidence import BOXED, SEEN, witness
from tasks.quality.label_suite import label_suite, too_few
from tasks.quality.labels import label_frames
from tasks.quality.mix import label_mix
from tasks.quality.rules import QualityRules
from tasks.quality.suite import suite

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
    claim = snapshot.claim
    catalog, predictions = tables().read(snapshot.catalog), tables().read(snapshot.predictions)
    classes = classes_of(claim.model)
    shown = frames(catalog, predictions, claim.window)
    accepted, lost = _accepted(claim.model)
    general = suite(shown, len(classes) or None, rules)
    own = tuple(schema_suite(accepted.schema, shown)) if accepted else ()
    asked = expectations.ask(shown, (*general, *own))
    found = of_answers(asked.answers, rules.examples)
    against = named(found[len(general) :], accepted) if accepted else ()
    of_schema = schema_findings(accepted, shown, claim.window, classes) if accepted else lost
    key = f"{claim.model}/evergreen/windows/{claim.window.start:%Y%m%dT%H%M%SZ}/quality-{claim.revision}-{claim.epoch}"
    store().put(f"{key}.json", json.dumps(asked.results, default=str).encode(), "application/json")
    return Checked(
        report=Report(stage=Stage.QUALITY, findings=(*found[: len(general)], *against, *of_schema)),
        artifacts={VALIDATION: store().uri(f"{key}.json")},
    )


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
