"""Ask, record the answer, move the champion, project the move; every step can be killed and run again."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Literal

from prefect import get_run_logger, task
from prefect.cache_policies import INPUTS, NO_CACHE, RUN_ID
from prefect.input import RunInput
from pydantic import ConfigDict, Field

from tasks.connections import ledger, registry, weights
from tasks.domain.errors import NotFound, Stale
from tasks.domain.finding import Outcome
from tasks.domain.model import ModelRef
from tasks.domain.promotion import Approval, ApprovalState, Promotion, PromotionKind
from tasks.domain.signed import require_signed
from tasks.promote.guard import check_bytes, check_move, may_answer
from tasks.promote.reconcile import ReconcileReport, reconcile
from tasks.promote.rules import PromoteRules


class PromotionAnswer(RunInput):
    """The form in the Prefect UI."""

    model_config = ConfigDict(extra="forbid", title="Promote the challenger?")

    decision: Literal["approve", "reject"] = Field(description="Should the challenger become champion?")
    approver: str = Field(min_length=2, max_length=64, description="Your name: it goes into the audit log")
    reason: str = Field(default="", max_length=1000, description="Why (optional)")


@task(cache_policy=NO_CACHE)
def ask(model: str, challenger_sha256: str, gate_hash: str, rules: PromoteRules, flow_run_id: str) -> Approval:
    """The one pending request for this challenger and gate report; asking again gives the same one."""
    gate = ledger().gates.get(gate_hash)
    if gate.challenger_sha256 != challenger_sha256 or gate.model != model:
        raise Stale(f"gate report {gate_hash[:12]} is about another challenger: run shadow again")
    expires = datetime.now(UTC) + timedelta(hours=rules.expires_hours)
    return ledger().approvals.request(
        model, challenger_sha256, gate.champion_sha256, gate_hash, expires_at=expires, flow_run_id=flow_run_id
    )


@task(cache_policy=NO_CACHE)
def record_answer(approval: Approval, answer: PromotionAnswer, rules: PromoteRules) -> Approval:
    """The request with its answer; a name that may not answer leaves it pending and is written down."""
    if not may_answer(answer.approver, rules.approvers):
        ledger().decisions.append(
            approval.model, "answer_refused", f"request/{approval.id}", answer.approver, {"decision": answer.decision}
        )
        get_run_logger().warning("%s may not answer request %s", answer.approver, approval.id)
        return approval
    state = ApprovalState.APPROVED if answer.decision == "approve" else ApprovalState.REJECTED
    return ledger().approvals.decide(approval.id, state, approver=answer.approver.strip(), reason=answer.reason)


@task(cache_policy=NO_CACHE)
def move_champion(approval: Approval) -> Promotion:
    """Move the champion to the approved version; done already, it says so; outdated, it refuses."""
    book = ledger()
    done = [step for step in book.promotions.history(approval.model) if step.approval_id == approval.id]
    if done:
        return done[0]
    champion = book.promotions.champion(approval.model)
    check_move(approval, champion.sha256 if champion else "", Outcome(book.gates.get(approval.gate_hash).outcome))
    challenger = version_of(approval.model, approval.challenger_sha256)
    check_bytes(challenger.sha256, hashlib.sha256(weights(challenger).read_bytes()).hexdigest())
    return book.promotions.move(
        approval.model,
        PromotionKind.PROMOTE,
        expected_from=approval.base_sha256,
        to=approval.challenger_sha256,
        actor=approval.approver,
        reason=approval.reason,
        approval_id=approval.id,
    )


@task(cache_policy=NO_CACHE)
def project(model: str) -> ReconcileReport:
    """Make MLflow say what the ledger says; what could not be shown is logged, and tried again by the next one."""
    report = reconcile(ledger(), registry(), model)
    if report.failed:
        get_run_logger().warning("not in MLflow yet: %s", "; ".join(report.failed))
    return report


@task(cache_policy=INPUTS + RUN_ID, persist_result=True)
def project_once(model: str) -> ReconcileReport:
    """`project`, once in a flow run: a suspended run that starts again after the answer finds it done.

    Killed half way it left no result, and is done again.
    """
    return project.fn(model)


def version_of(model: str, sha256: str) -> ModelRef:
    """The version with these bytes, or `NotFound`."""
    record = ledger().versions.get(model, sha256)
    if record is None:
        raise NotFound(f"the ledger has no version {sha256[:12]} of {model}: `evergreen versions {model}`")
    return record.ref


def adopt(model: str, sha256: str, actor: str, reason: str) -> Promotion:
    """Make a registered version the first champion; a model that has one changes it by approval only."""
    require_signed("a first champion", actor, reason)
    champion = ledger().promotions.champion(model)
    if champion is not None:
        raise Stale(
            f"{champion} is champion already: a challenger becomes champion by approval, see `evergreen approve`"
        )
    version_of(model, sha256)
    return ledger().promotions.move(
        model, PromotionKind.BOOTSTRAP, expected_from="", to=sha256, actor=actor, reason=reason
    )


def roll_back(model: str, actor: str, reason: str, to: str | None = None) -> Promotion:
    """Give the champion back to the version it replaced, or to `to`; its bytes are verified first."""
    require_signed("a rollback", actor, reason)
    book = ledger()
    champion = book.promotions.champion(model)
    target = to or book.promotions.rollback_target(model)
    if champion is None or target is None:
        raise NotFound(f"{model} has no earlier champion to roll back to")
    version = version_of(model, target)
    check_bytes(version.sha256, hashlib.sha256(weights(version).read_bytes()).hexdigest())
    return book.promotions.move(
        model, PromotionKind.ROLLBACK, expected_from=champion.sha256, to=target, actor=actor, reason=reason
    )


def models() -> list[str]:
    """Names of every model that the ledger knows."""
    return ledger().models.names()
