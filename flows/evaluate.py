"""How good is the champion on labels that arrived late?"""

from __future__ import annotations

from dataclasses import dataclass, replace

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed

from flows.each_model import failed, of_each
from flows.events import PERFORMANCE_BREACHED, announce
from flows.infer import share_inference
from flows.steps import conclude
from tasks.alert.rules import AlertRules
from tasks.alert.task import flush_alerts
from tasks.concept.rules import ConceptRules
from tasks.concept.task import check_concept
from tasks.curate.rules import CurateRules
from tasks.curate.task import account_labels, check_golden, golden_dataset, held_out_dataset, recent_dataset
from tasks.domain.evaluation import Evaluation
from tasks.domain.finding import Finding, Report
from tasks.domain.model import ModelRef
from tasks.domain.snapshot import TableRef
from tasks.domain.verdict import Action
from tasks.drift.labelled import properties_of
from tasks.drift.rules import DriftRules
from tasks.drift.task import profile
from tasks.estimate.rules import EstimateRules
from tasks.estimate.task import check_estimates
from tasks.evaluate.rules import EvaluateRules
from tasks.evaluate.task import comparable_baseline, evaluate_version, judge_performance, note_evaluated, note_labels
from tasks.export.rules import ExportRules
from tasks.export.task import check_export
from tasks.ingest.rules import IngestRules
from tasks.ingest.task import given_up, labels, open_window
from tasks.promote.task import models
from tasks.quality.rules import QualityRules
from tasks.quality.task import check_labels
from tasks.report.judged import Judged
from tasks.report.records import (
    champion_and_reference,
    facts_again,
    latest_snapshot,
    newest_windows,
    stored_reports,
)
from tasks.report.task import publish_evaluation, publish_weak
from tasks.retrain.underway import under_way
from tasks.segments.rules import SegmentRules
from tasks.segments.task import shortcuts, training_set, unsure_spots, weak_spots

UNDONE = "was not evaluated, its last result stands"


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledRules:
    """What each stage of evaluate is asked for."""

    ingest: IngestRules = IngestRules()
    curate: CurateRules = CurateRules()
    rules: EvaluateRules = EvaluateRules()
    drift: DriftRules = DriftRules()
    alerts: AlertRules = AlertRules()
    quality: QualityRules = QualityRules()
    segments: SegmentRules = SegmentRules()
    estimate: EstimateRules = EstimateRules()
    concept: ConceptRules = ConceptRules()
    export: ExportRules = ExportRules()


@flow(name="evaluate", log_prints=True)
def evaluate(
    model: str | None = None,
    ingest: IngestRules = IngestRules(),
    curate: CurateRules = CurateRules(),
    rules: EvaluateRules = EvaluateRules(),
    drift: DriftRules = DriftRules(),
    alerts: AlertRules = AlertRules(),
    quality: QualityRules = QualityRules(),
    segments: SegmentRules = SegmentRules(),
    estimate: EstimateRules = EstimateRules(),
    concept: ConceptRules = ConceptRules(),
    export: ExportRules = ExportRules(),
) -> State:
    """Evaluate the champion on golden and recent labels, and judge the newest window again with what they say.

    Args:
        model: Name of the registered model; empty for every model that the ledger knows.
        ingest: Limits for what is read from the bucket.
        curate: Which windows count as recent and which labels are held out.
        rules: Protocol, margin and the least number of labels.
        drift: The rules that the newest window was judged by.
        alerts: Who is told.
        quality: What labels must satisfy; labels that do not are a reason to repair them, never to retrain.
        segments: How small and how much worse a segment must be to be called weak.
        estimate: From how many labels on the version is calibrated for estimates, and how estimates are checked.
        concept: From when on errors in production count as risen, and labels of a window as complete.
        export: Which format production runs, and how far its answers may lie from those of the weights.
    """
    names = [model] if model else models()
    asked = LabelledRules(
        ingest=ingest,
        curate=curate,
        rules=rules,
        drift=drift,
        alerts=alerts,
        quality=quality,
        segments=segments,
        estimate=estimate,
        concept=concept,
        export=export,
    )
    states, faults = of_each(names, lambda name: evaluate_model(name, asked))
    flush_alerts()
    if faults:
        return failed(faults, "NotEvaluated", UNDONE)
    return states[-1] if states else Completed(name="NothingDue", message="the ledger knows no model yet")


def evaluate_model(model: str, asked: LabelledRules) -> State:
    """One model's champion on its labels, and what that makes of the newest window."""
    champion, _ = champion_and_reference(model)
    if champion is None:
        return Completed(name="Inconclusive", message=f"{model} has no champion: `evergreen adopt {model}`")
    known = labels(model, asked.ingest)
    labelled = check_labels(model, champion, known, asked.quality)
    performance = measure(model, champion, known, asked)
    publish_evaluation(champion)
    told = beside_labels(champion, known, labelled, performance, asked)
    judged = judge_again(model, told, performance, asked.drift, asked.alerts)
    if judged is None:
        note = performance.findings[0].note
        return Completed(name="Evaluated", message=f"no window to judge again (yet, or another run holds it); {note}")
    note_evaluated(champion, known)
    if judged.verdict.action is Action.RETRAIN and not under_way(model):
        announce(PERFORMANCE_BREACHED, model, judged.summary())
    return Completed(name=judged.verdict.state_name, message=judged.verdict.sentence)


def beside_labels(
    champion: ModelRef, known: TableRef, labelled: Report, performance: Report, asked: LabelledRules
) -> tuple[Report, Report]:
    """What became of every label and whether the golden ones are as frozen; whether the error of production rose."""
    used = account_labels(champion.name, known, asked.curate)
    kept = check_golden(champion.name, known, asked.curate)
    risen = check_concept(champion, known, performance, asked.concept)
    return replace(labelled, findings=(*labelled.findings, *used, *kept)), risen


def measure(model: str, champion: ModelRef, known: TableRef, asked: LabelledRules) -> Report:
    """The champion on the golden set and on recent labels, held against what it could when it became champion."""
    rules, curate = asked.rules, asked.curate
    golden, dataset = golden_dataset(model, known, curate), recent_dataset(model, known, curate)
    share_inference(champion, (golden, dataset), rules)
    evaluate_version(champion, golden, "golden", rules)
    recent = evaluate_version(champion, dataset, "recent", rules)
    deployed = check_export(champion, (("golden", golden), ("recent", dataset)), recent, asked.export)
    recent = note_labels(model, recent, known, curate.recent_windows)
    performance = judge_performance(recent, comparable_baseline(champion, recent, rules), rules)
    every_time = held_out_dataset(model, known, curate)
    check_estimates(champion, (golden, every_time, dataset), known, asked.estimate)
    told = weaknesses(champion, dataset, recent, asked.drift, asked.segments)
    return replace(performance, findings=(*performance.findings, *deployed, *told))


def weaknesses(
    champion: ModelRef, dataset: TableRef, recent: Evaluation, drift: DriftRules, rules: SegmentRules
) -> tuple[Finding, ...]:
    """Where it is worse than elsewhere, and what it may have learnt instead; without labels, where it is unsure."""
    properties, taught = properties_of(champion.name, dataset), training_set(champion)
    spots = weak_spots(champion, dataset, properties, recent, rules)
    if recent.n >= rules.min_labels:
        before = (taught, properties_of(champion.name, taught)) if taught else None
        spots = (*spots, *shortcuts(champion, before, (dataset, properties), rules))
    seen = latest_snapshot(champion.name) if recent.n < rules.min_labels else None
    if seen is not None:
        spots = (*spots, *unsure_spots(champion, seen, profile(seen, champion, drift), rules))
    return publish_weak(champion, recent.n, spots)


def judge_again(
    model: str, told: tuple[Report, ...], performance: Report, drift: DriftRules, alerts: AlertRules
) -> Judged | None:
    """A new revision of the newest window, its findings as they were, with what labels are and what they say."""
    windows = newest_windows(model, 1)
    facts = facts_again(model, windows[0]) if windows else None
    claim = open_window(model, windows[0], rescore=True) if facts else None
    if claim is None or facts is None:
        return None
    with given_up(claim):
        return conclude(claim, facts, [*stored_reports(model, windows[0]), *told], performance, drift, alerts)
