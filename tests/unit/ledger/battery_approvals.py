"""What every database must answer about requests and their answers."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from tasks.adapters.ledger.schema import gates
from tasks.adapters.ledger.store import Ledger
from tasks.domain.errors import ContractError, Stale
from tasks.domain.finding import Outcome
from tasks.domain.promotion import ApprovalState, PromotionKind
from tests.unit.ledger.ledger_cases import (
    DAY,
    MODEL,
    SetClock,
    approve,
    ask,
    bootstrap,
    content_hash,
    promote,
    reference,
    roll_back,
)


class ApprovalBattery:
    """Needs the fixtures `ledger` and `clock`."""

    def test_nothing_becomes_champion_without_an_approval_for_exactly_that(self, ledger: Ledger) -> None:
        bootstrap(ledger)
        pending, other = ask(ledger, "B"), approve(ledger, "C")
        for approval_id in (None, pending.id, other.id):
            with pytest.raises(Stale):
                ledger.promotions.move(
                    MODEL, PromotionKind.PROMOTE, content_hash("A"), content_hash("B"), "ada", "", approval_id
                )
        ledger.approvals.decide(pending.id, ApprovalState.REJECTED, "ada", "no")
        with pytest.raises(Stale):
            ledger.promotions.move(
                MODEL, PromotionKind.PROMOTE, content_hash("A"), content_hash("B"), "ada", "", pending.id
            )
        assert ledger.promotions.history(MODEL)[0].to_sha256 == content_hash("A")

    def test_an_approval_is_worth_nothing_once_it_expired(self, ledger: Ledger, clock: SetClock) -> None:
        bootstrap(ledger)
        approval = approve(ledger, "B")
        clock.tick(DAY)
        with pytest.raises(Stale, match="expired"):
            ledger.promotions.move(
                MODEL, PromotionKind.PROMOTE, content_hash("A"), content_hash("B"), "ada", "", approval.id
            )

    def test_an_approval_is_used_once_even_when_the_old_champion_is_back(self, ledger: Ledger) -> None:
        bootstrap(ledger)
        used = promote(ledger, "B")
        roll_back(ledger, "B", "A")
        with pytest.raises(Stale, match="used"):
            ledger.promotions.move(
                MODEL, PromotionKind.PROMOTE, content_hash("A"), content_hash("B"), "ada", "", used.approval_id
            )

    def test_an_approval_does_not_outlive_a_changed_gate_report(self, ledger: Ledger) -> None:
        bootstrap(ledger)
        approval = approve(ledger, "B")
        with ledger.gates._database.write() as connection:
            connection.execute(update(gates).values(report={"better": True}))
        with pytest.raises(ContractError, match="changed"):
            ledger.promotions.move(
                MODEL, PromotionKind.PROMOTE, content_hash("A"), content_hash("B"), "ada", "", approval.id
            )

    @pytest.mark.parametrize("outcome", [Outcome.BREACH, Outcome.INCONCLUSIVE])
    def test_nobody_is_asked_about_a_gate_that_did_not_pass(
        self, ledger: Ledger, clock: SetClock, outcome: Outcome
    ) -> None:
        bootstrap(ledger)
        ledger.versions.add(reference("B"), "retrain")
        gate = ledger.gates.save(MODEL, content_hash("B"), content_hash("A"), outcome, {})
        with pytest.raises(ContractError):
            ledger.approvals.request(MODEL, content_hash("B"), content_hash("A"), gate, clock() + DAY, "run")

    def test_nobody_is_asked_with_another_versions_gate_or_against_another_champion(
        self, ledger: Ledger, clock: SetClock
    ) -> None:
        bootstrap(ledger)
        for name in "BC":
            ledger.versions.add(reference(name), "retrain")
        gate = ledger.gates.save(MODEL, content_hash("B"), content_hash("A"), Outcome.OK, {})
        foreign = ledger.gates.save(MODEL, content_hash("B"), content_hash("C"), Outcome.OK, {})
        with pytest.raises(ContractError):
            ledger.approvals.request(MODEL, content_hash("C"), content_hash("A"), gate, clock() + DAY)
        with pytest.raises(Stale):
            ledger.approvals.request(MODEL, content_hash("B"), content_hash("C"), foreign, clock() + DAY)
        with pytest.raises(ContractError):
            ledger.approvals.request(MODEL, content_hash("B"), content_hash("A"), gate, clock())

    def test_a_flow_run_that_starts_again_finds_its_own_request(self, ledger: Ledger) -> None:
        bootstrap(ledger)
        request = ask(ledger, "B")
        assert ask(ledger, "B") == request
        assert request.flow_run_id == "run-B"
        decided = ledger.approvals.decide(request.id, ApprovalState.REJECTED, "ada", "no")
        assert ask(ledger, "B") == decided

    def test_another_run_joins_a_request_that_can_still_lead_on_and_may_ask_again_otherwise(
        self, ledger: Ledger, clock: SetClock
    ) -> None:
        bootstrap(ledger)
        first = ask(ledger, "B")
        again = (MODEL, first.challenger_sha256, first.base_sha256, first.gate_hash, clock() + DAY, "another")
        assert ledger.approvals.request(*again) == first
        approved = ledger.approvals.decide(first.id, ApprovalState.APPROVED, "ada", "yes")
        assert ledger.approvals.request(*again) == approved
        clock.tick(DAY)
        assert ledger.approvals.request(*again[:4], clock() + DAY, "another").id != first.id

    def test_the_first_answer_stands(self, ledger: Ledger) -> None:
        bootstrap(ledger)
        request = ask(ledger, "B")
        approved = ledger.approvals.decide(request.id, ApprovalState.APPROVED, "ada", "yes")
        assert (approved.state, approved.approver, approved.reason) == (ApprovalState.APPROVED, "ada", "yes")
        for state in (ApprovalState.APPROVED, ApprovalState.REJECTED):
            with pytest.raises(Stale):
                ledger.approvals.decide(request.id, state, "bob", "no")
        assert ledger.approvals.get(request.id) == approved
        assert ledger.approvals.pending() == []

    def test_an_answer_after_the_expiry_is_an_expiry(self, ledger: Ledger, clock: SetClock) -> None:
        bootstrap(ledger)
        request = ask(ledger, "B")
        clock.tick(DAY)
        late = ledger.approvals.decide(request.id, ApprovalState.APPROVED, "ada", "yes")
        assert late.state is ApprovalState.EXPIRED
        clock.tick(-2 * DAY)
        with pytest.raises(Stale):
            ledger.approvals.decide(request.id, ApprovalState.APPROVED, "ada", "yes")

    def test_looking_at_an_overdue_request_expires_it(self, ledger: Ledger, clock: SetClock) -> None:
        bootstrap(ledger)
        request = ask(ledger, "B")
        clock.tick(DAY)
        assert ledger.approvals.pending(MODEL) == []
        assert ledger.approvals.get(request.id).state is ApprovalState.EXPIRED
        assert ledger.approvals.expire() == []
        assert [decision.kind for decision in ledger.decisions.list()].count("approval") == 1

    def test_an_answer_needs_a_name_that_is_not_the_askers(self, ledger: Ledger, clock: SetClock) -> None:
        bootstrap(ledger)
        first = ask(ledger, "B")
        gate = ledger.gates.save(MODEL, first.challenger_sha256, first.base_sha256, Outcome.OK, {"v": 2})
        request = ledger.approvals.request(
            MODEL, first.challenger_sha256, first.base_sha256, gate, clock() + DAY, requested_by="ada"
        )
        for name in (" ", "ada"):
            with pytest.raises(ContractError):
                ledger.approvals.decide(request.id, ApprovalState.APPROVED, name, "")
        with pytest.raises(ContractError):
            ledger.approvals.decide(request.id, ApprovalState.EXPIRED, "bob", "")

    def test_a_new_champion_expires_the_requests_made_against_the_old_one(self, ledger: Ledger) -> None:
        bootstrap(ledger)
        waiting = ask(ledger, "C")
        promote(ledger, "B")
        assert ledger.approvals.get(waiting.id).state is ApprovalState.EXPIRED
        with pytest.raises(Stale):
            ledger.approvals.decide(waiting.id, ApprovalState.APPROVED, "ada", "yes")
        assert [a.state for a in ledger.approvals.list(MODEL)] == [ApprovalState.APPROVED, ApprovalState.EXPIRED]
