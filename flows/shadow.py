"""Challenger beside champion on the same production images and the same held-out labels."""

from __future__ import annotations

from dataclasses import replace

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.deployments import run_deployment
from prefect.states import Completed

from tasks.curate.rules import CurateRules
from tasks.curate.task import golden_dataset, recent_dataset
from tasks.domain.finding import Outcome
from tasks.export.rules import ExportRules
from tasks.export.task import check_export, prepare_export
from tasks.ingest.rules import IngestRules
from tasks.ingest.task import labels
from tasks.promote.task import version_of
from tasks.report.records import champion_and_reference, latest_snapshot
from tasks.report.task import publish_comparison
from tasks.shadow.rules import ShadowRules
from tasks.shadow.task import compare


@flow(name="shadow", log_prints=True)
def shadow(
    model: str,
    challenger_sha256: str,
    ingest: IngestRules = IngestRules(),
    curate: CurateRules = CurateRules(),
    rules: ShadowRules = ShadowRules(),
    export: ExportRules = ExportRules(),
) -> State:
    """Compare the challenger with the champion; when every gate is passed, ask a person.

    Args:
        model: Name of the registered model.
        challenger_sha256: Which version.
        ingest: Limits for what is read from the bucket.
        curate: Which labels are held out as recent and golden sets.
        rules: The gates.
        export: Which format production runs: the challenger is exported to it, and that file must keep its answers.
    """
    champion, _ = champion_and_reference(model)
    if champion is None:
        return Completed(name="Inconclusive", message=f"{model} has no champion to compare with: `evergreen adopt`")
    challenger = version_of(model, challenger_sha256)
    known = labels(model, ingest)
    recent, golden = recent_dataset(model, known, curate), golden_dataset(model, known, curate)
    prepare_export(challenger, export)
    comparison = compare(champion, challenger, recent, golden, latest_snapshot(model), rules)
    like = next(each for each in comparison.evaluations if each.model_sha256 == challenger.sha256)
    deployed = check_export(challenger, (("golden", golden), ("recent", recent)), like, export)
    comparison = replace(comparison, gates=(*comparison.gates, *deployed))
    gate_hash = publish_comparison(champion, challenger, comparison)
    if comparison.outcome is not Outcome.OK:
        return Completed(name="GateClosed", message=f"{challenger} did not pass: {comparison.closed}")
    run_deployment(
        "promote/default",
        parameters={"model": model, "challenger_sha256": challenger.sha256, "gate_hash": gate_hash},
        idempotency_key=f"promote/{model}/{gate_hash}",
        timeout=0,
        as_subflow=False,
    )
    return Completed(name="GatePassed", message=f"{challenger} waits for a person")
