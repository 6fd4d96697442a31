"""How good is the champion on labels that arrived late?"""

from __future__ import annotations

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed

from flows.events import PERFORMANCE_BREACHED, announce
from flows.steps import conclude
from tasks.alert.rules import AlertRules
from tasks.alert.task import flush_alerts
from tasks.curate.rules import CurateRules
from tasks.curate.task import golden_dataset, recent_dataset
from tasks.domain.finding import Report
from tasks.domain.model import ModelRef
from tasks.domain.snapshot import TableRef
from tasks.domain.verdict import Action
from tasks.drift.rules import DriftRules
from tasks.evaluate.rules import EvaluateRules
from tasks.evaluate.task import baseline_of, evaluate_version, judge_performance, note_evaluated, note_labels
from tasks.ingest.rules import IngestRules
from tasks.ingest.task import given_up, labels, open_window
from tasks.promote.task import models
from tasks.quality.rules import QualityRules
from tasks.quality.task import check_labels
from tasks.report.judged import Judged
from tasks.report.records import champion_and_reference, facts_again, newest_windows, stored_reports
from tasks.retrain.underway import under_way


@flow(name="evaluate", log_prints=True)
def evaluate(
    model: str | None = None,
    ingest: IngestRules = IngestRules(),
    curate: CurateRules = CurateRules(),
    rules: EvaluateRules = EvaluateRules(),
    drift: DriftRules = DriftRules(),
    alerts: AlertRules = AlertRules(),
    quality: QualityRules = QualityRules(),
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
    """
    names = [model] if model else models()
    states = [evaluate_model(name, ingest, curate, rules, drift, alerts, quality) for name in names]
    flush_alerts()
    return states[-1] if states else Completed(name="NothingDue", message="the ledger knows no model yet")


def evaluate_model(
    model: str,
    ingest: IngestRules,
    curate: CurateRules,
    rules: EvaluateRules,
    drift: DriftRules,
    alerts: AlertRules,
    quality: QualityRules = QualityRules(),
) -> State:
    """One model's champion on its labels, and what that makes of the newest window."""
    champion, _ = champion_and_reference(model)
    if champion is None:
        return Completed(name="Inconclusive", message=f"{model} has no champion: `evergreen adopt {model}`")
    known = labels(model, ingest)
    labelled = check_labels(model, champion, known, quality)
    performance = measure(model, champion, known, curate, rules)
    judged = judge_again(model, (labelled, performance), drift, alerts)
    if judged is None:
        note = performance.findings[0].note
        return Completed(name="Evaluated", message=f"no window to judge again (yet, or another run holds it); {note}")
    note_evaluated(champion, known)
    if judged.verdict.action is Action.RETRAIN and not under_way(model):
        announce(PERFORMANCE_BREACHED, model, judged.summary())
    return Completed(name=judged.verdict.state_name, message=judged.verdict.sentence)


def measure(model: str, champion: ModelRef, known: TableRef, curate: CurateRules, rules: EvaluateRules) -> Report:
    """The champion on the golden set and on recent labels, held against what it could when it became champion."""
    evaluate_version(champion, golden_dataset(model, known, curate), "golden", rules)
    recent = evaluate_version(champion, recent_dataset(model, known, curate), "recent", rules)
    recent = note_labels(model, recent, known, curate.recent_windows)
    return judge_performance(recent, baseline_of(champion), rules)


def judge_again(model: str, said: tuple[Report, Report], drift: DriftRules, alerts: AlertRules) -> Judged | None:
    """A new revision of the newest window, its findings as they were, with what labels are and what they say."""
    labelled, performance = said
    windows = newest_windows(model, 1)
    facts = facts_again(model, windows[0]) if windows else None
    claim = open_window(model, windows[0], rescore=True) if facts else None
    if claim is None or facts is None:
        return None
    with given_up(claim):
        return conclude(claim, facts, [*stored_reports(model, windows[0]), labelled], performance, drift, alerts)
