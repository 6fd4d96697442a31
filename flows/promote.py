"""Ask a person, then move the champion. No GPU and no process waits while the person thinks."""

from __future__ import annotations

from prefect import flow, suspend_flow_run
from prefect.artifacts import create_markdown_artifact
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed

from flows.events import CHAMPION_MOVED, announce
from tasks.alert.task import flush_alerts
from tasks.domain.promotion import ApprovalState
from tasks.drift.task import pin_reference
from tasks.promote.rules import PromoteRules
from tasks.promote.task import PromotionAnswer, ask, move_champion, project, project_once, record_answer
from tasks.report.records import refusals, windows_of_today
from tasks.report.task import decision_markdown


@flow(name="promote", persist_result=True, log_prints=True)
def promote(model: str, challenger_sha256: str, gate_hash: str, rules: PromoteRules = PromoteRules()) -> State:
    """Show the evidence, suspend until a person answers the form, then move the champion.

    The process ends while it waits; after the answer the flow runs again from the top, so that every step
    before the question gives the same result when repeated.

    Args:
        model: Name of the registered model.
        challenger_sha256: Which version may become champion.
        gate_hash: The gate report that the person is shown; the answer is bound to it.
        rules: Who may answer and for how long the question stands.
    """
    request = ask(model, challenger_sha256, gate_hash, rules, str(flow_run.id))
    project_once(model)  # the person compares both versions in MLflow before answering
    evidence = decision_markdown(gate_hash)
    while request.state is ApprovalState.PENDING:
        create_markdown_artifact(evidence, key=f"promotion-{request.id}", description="Evidence for the promotion")
        answer = suspend_flow_run(
            wait_for_input=PromotionAnswer.with_initial_data(description=evidence),
            timeout=int(rules.expires_hours * 3600),
            key=f"request-{request.id}-{refusals(request)}",
        )
        request = record_answer(request, answer, rules)
    if request.state is not ApprovalState.APPROVED:
        project(model)
        return Completed(name="Rejected", message=f"{request.approver or 'nobody in time'}: {request.reason}")
    promotion = move_champion(request)
    project(model)
    pin_reference(model, windows_of_today(model, rules.reference_days), request.approver, f"promotion {promotion.seq}")
    announce(CHAMPION_MOVED, model, {"to": promotion.to_sha256, "from": promotion.from_sha256, "by": promotion.actor})
    flush_alerts()
    return Completed(name="Promoted", message=f"{challenger_sha256[:12]} is champion, approved by {promotion.actor}")
