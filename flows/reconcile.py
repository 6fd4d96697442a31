"""Make MLflow and the outboxes say what the ledger says; notice what somebody changed by hand."""

from __future__ import annotations

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed

from flows.each_model import failed, of_each
from tasks.alert.task import flush_alerts
from tasks.promote.task import models, project


@flow(name="reconcile", log_prints=True)
def reconcile() -> State:
    """Project every model's ledger to MLflow, deliver what is still in the outbox. It never promotes."""
    reports, faults = of_each(models(), project)
    flush_alerts()
    if faults:
        return failed(faults, "NotReconciled", "was not brought in step")
    by_hand = [edit for report in reports for edit in report.out_of_band]
    if by_hand:
        return Completed(name="OutOfBand", message=f"put back what was changed by hand: {'; '.join(map(str, by_hand))}")
    return Completed(name="InStep", message=f"{len(reports)} model(s) in step with the ledger")
