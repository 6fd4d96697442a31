"""What must be true at the moment the champion moves."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tasks.domain.errors import Stale, UnsafeModel
from tasks.domain.finding import Outcome
from tasks.domain.promotion import Approval, ApprovalState
from tasks.promote.guard import check_bytes, check_move, may_answer

NOW = datetime(2026, 1, 1, tzinfo=UTC)
APPROVED = Approval(
    id=1,
    model="m",
    challenger_sha256="b" * 64,
    base_sha256="a" * 64,
    gate_hash="g" * 64,
    state=ApprovalState.APPROVED,
    requested_at=NOW,
    expires_at=NOW + timedelta(days=1),
    approver="Ada",
)


def test_an_approved_request_about_the_present_champion_moves_it() -> None:
    check_move(APPROVED, "a" * 64, Outcome.OK)


@pytest.mark.parametrize("state", [ApprovalState.PENDING, ApprovalState.REJECTED, ApprovalState.EXPIRED])
def test_nothing_but_an_approval_moves_the_champion(state: ApprovalState) -> None:
    with pytest.raises(Stale, match=state.value):
        check_move(replace(APPROVED, state=state), "a" * 64, Outcome.OK)


def test_an_approval_is_about_the_champion_that_was_compared_with() -> None:
    with pytest.raises(Stale, match="run shadow again"):
        check_move(APPROVED, "c" * 64, Outcome.OK)


@pytest.mark.parametrize("gate", [Outcome.BREACH, Outcome.INCONCLUSIVE])
def test_no_evidence_is_not_a_passed_gate(gate: Outcome) -> None:
    with pytest.raises(Stale, match=gate.value):
        check_move(APPROVED, "a" * 64, gate)


def test_replaced_bytes_are_refused() -> None:
    check_bytes("a" * 64, "a" * 64)
    with pytest.raises(UnsafeModel, match="replaced"):
        check_bytes("a" * 64, "b" * 64)


@pytest.mark.parametrize(
    ("name", "allowed", "expected"),
    [("Ada", (), True), ("ada ", ("Ada",), True), ("Eve", ("Ada", "Bob"), False), ("", ("Ada",), False)],
)
def test_a_list_of_approvers_lets_only_them_answer(name: str, allowed: tuple[str, ...], expected: bool) -> None:
    assert may_answer(name, allowed) is expected
