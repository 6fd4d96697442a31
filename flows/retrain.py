"""A challenger from new labels: curate, fit, show it in MLflow, and hand over to shadow."""

from __future__ import annotations

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.deployments import run_deployment
from prefect.states import Completed

from tasks.curate.rules import CurateRules
from tasks.curate.task import check_manifest, training_dataset
from tasks.ingest.rules import IngestRules
from tasks.ingest.task import labels
from tasks.promote.task import project, version_of
from tasks.quality.label_suite import unfit
from tasks.quality.rules import QualityRules
from tasks.quality.task import check_labels
from tasks.report.records import champion_and_reference
from tasks.retrain.rules import RetrainRules
from tasks.retrain.task import check_retrain, fit_challenger


@flow(name="retrain", log_prints=True)
def retrain(
    model: str,
    reason: str = "asked for by hand",
    ingest: IngestRules = IngestRules(),
    curate: CurateRules = CurateRules(),
    rules: RetrainRules = RetrainRules(),
    quality: QualityRules = QualityRules(),
) -> State:
    """Fine-tune from the champion on replayed and new labels, register the result, start shadow.

    Without a champion the first version is trained from the YAML that `rules.base` names, and waits for
    `evergreen adopt`.

    Args:
        model: Name of the registered model.
        reason: Why, for the audit log.
        ingest: Limits for what is read from the bucket.
        curate: Which labels may be learnt from.
        rules: How the challenger is trained, and when it is not (cool-down, too few labels).
        quality: What labels must satisfy, or nothing is trained on them.
    """
    champion, _ = champion_and_reference(model)
    known = labels(model, ingest)
    broken = unfit(check_labels(model, champion, known, quality, len(rules.classes) or None))
    if broken:
        return Completed(name="NotRetrained", message=broken)
    dataset = training_dataset(model, known, curate)
    refusal = check_retrain(model, champion, dataset, rules) or check_manifest(model, dataset, curate)
    if refusal:
        return Completed(name="NotRetrained", message=refusal)
    fitted = fit_challenger(champion, dataset, model, rules, reason)
    project(model)
    challenger = version_of(model, fitted.sha256)  # with its number in MLflow, when it answered
    if champion is None:
        return Completed(name="Trained", message=f"{challenger} waits for `evergreen adopt {model}`")
    run_deployment(
        "shadow/default",
        parameters={"model": model, "challenger_sha256": challenger.sha256},
        idempotency_key=f"shadow/{model}/{challenger.sha256}/{champion.sha256}",
        timeout=0,
        as_subflow=False,
    )
    return Completed(name="Trained", message=f"{challenger} goes into shadow")
