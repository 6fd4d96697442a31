"""How good is the champion on labels that arrived late?"""

from __future__ import annotations

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed

from flows.events import PERFORMANCE_BREACHED, announce
from tasks.alert.rules import AlertRules
from tasks.alert.task import flush_alerts
from tasks.curate.rules import CurateRules
from tasks.curate.task import recent_dataset
from tasks.domain.verdict import Action
from tasks.evaluate.rules import EvaluateRules
from tasks.evaluate.task import baseline_of, evaluate_version, judge_performance
from tasks.ingest.rules import IngestRules
from tasks.ingest.task import labels
from tasks.promote.task import models
from tasks.report.task import champion_and_reference, rejudge


@flow(name="evaluate", log_prints=True)
def evaluate(
    model: str | None = None,
    ingest: IngestRules = IngestRules(),
    curate: CurateRules = CurateRules(),
    rules: EvaluateRules = EvaluateRules(),
    alerts: AlertRules = AlertRules(),
) -> State:
    """Evaluate the champion on the labelled images of the newest windows and judge the newest window again.

    Args:
        model: Name of the registered model; empty for every model that the ledger knows.
        ingest: Limits for what is read from the bucket.
        curate: Which windows count as recent and which labels are held out.
        rules: Protocol, margin and the least number of labels.
        alerts: Who is told.
    """
    states = [evaluate_model(name, ingest, curate, rules, alerts) for name in ([model] if model else models())]
    flush_alerts()
    return states[-1] if states else Completed(name="NothingDue", message="the ledger knows no model yet")


def evaluate_model(
    model: str, ingest: IngestRules, curate: CurateRules, rules: EvaluateRules, alerts: AlertRules
) -> State:
    """One model's champion on its recent labels, and what that makes of the newest window."""
    champion, _ = champion_and_reference(model)
    if champion is None:
        return Completed(name="Inconclusive", message=f"{model} has no champion: `evergreen adopt`")
    dataset = recent_dataset(model, labels(model, ingest), curate)
    recent = evaluate_version(champion, dataset, "recent", rules)
    judged = rejudge(model, judge_performance(recent, baseline_of(champion), rules), alerts)
    if judged is None:
        return Completed(name="Inconclusive", message="no window was judged yet: run monitor first")
    if judged.verdict.action is Action.RETRAIN:
        announce(PERFORMANCE_BREACHED, model, judged.summary())
    return Completed(name=judged.verdict.state_name, message=judged.verdict.sentence)
