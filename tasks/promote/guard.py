"""What must be true at the moment the champion moves, whatever was true when a person was asked."""

from __future__ import annotations

from collections.abc import Sequence

from tasks.domain.errors import Stale, UnsafeModel
from tasks.domain.finding import Outcome
from tasks.domain.promotion import Approval, ApprovalState


def may_answer(approver: str, allowed: Sequence[str]) -> bool:
    """Whether this name may answer; an empty list lets everyone.

    >>> may_answer(" Ada ", ["ada"]), may_answer("Bob", ["ada"]), may_answer("Bob", [])
    (True, False, True)
    """
    return not allowed or approver.strip().casefold() in {name.strip().casefold() for name in allowed}


def check_move(approval: Approval, champion_sha256: str, gate: Outcome) -> None:
    """Raise `Stale` unless this approval still fits the world it was given in."""
    if approval.state is not ApprovalState.APPROVED:
        raise Stale(f"request {approval.id} is {approval.state.value}, only an approved one moves the champion")
    if approval.base_sha256 != champion_sha256:
        raise Stale(
            f"request {approval.id} compared with champion {approval.base_sha256[:12]}, "
            f"but {champion_sha256[:12]} is champion now: run shadow again"
        )
    if gate is not Outcome.OK:
        raise Stale(f"the gate report of request {approval.id} says {gate.value}: nothing is promoted on that")


def check_bytes(expected_sha256: str, found_sha256: str) -> None:
    """Raise `UnsafeModel` when the stored weights are not the ones that were approved."""
    if found_sha256 != expected_sha256:
        raise UnsafeModel(
            f"the stored weights hash to {found_sha256[:12]}, approved were {expected_sha256[:12]}: "
            "somebody replaced them; nothing was promoted"
        )
