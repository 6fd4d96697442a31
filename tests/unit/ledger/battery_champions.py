"""What every database must answer about versions, gates and champions."""

from __future__ import annotations

from dataclasses import asdict, replace

import pytest
from sqlalchemy import update

from tasks.adapters.ledger.records import Intent
from tasks.adapters.ledger.schema import gates, promotions
from tasks.adapters.ledger.store import Ledger
from tasks.domain.errors import ConfigError, ContractError, NotFound, Stale
from tasks.domain.finding import Outcome
from tasks.domain.model import Kind
from tasks.domain.promotion import ApprovalState, PromotionKind
from tests.unit.ledger.ledger_cases import (
    HOUR,
    MODEL,
    SetClock,
    approve,
    bootstrap,
    content_hash,
    promote,
    reference,
    roll_back,
)


def champion(ledger: Ledger) -> str | None:
    ref = ledger.promotions.champion(MODEL)
    return ref.sha256 if ref else None


class ChampionBattery:
    """Needs the fixtures `ledger` and `clock`."""

    def test_a_model_is_ensured_once_and_keeps_its_contract(self, ledger: Ledger) -> None:
        first = ledger.models.ensure(MODEL, Kind.DETECT, ["crack"])
        assert ledger.models.ensure(MODEL, Kind.DETECT, ("crack",)) == first == ledger.models.get(MODEL)
        assert ledger.models.names() == [MODEL]
        for kind, classes in ((Kind.CLASSIFY, ["crack"]), (Kind.DETECT, ["crack", "pore"])):
            with pytest.raises(ContractError):
                ledger.models.ensure(MODEL, kind, classes)
        with pytest.raises(ConfigError):
            ledger.models.ensure("<b>", Kind.DETECT, ["crack"])

    def test_a_version_is_known_by_its_bytes(self, ledger: Ledger, clock: SetClock) -> None:
        ref = ledger.versions.add(reference("A"), "retrain", "p" * 64, "d1", {"epochs": 3})
        clock.tick(HOUR)
        moved = replace(reference("A"), uri="s3://elsewhere")
        assert ledger.versions.add(moved, "again") == ref == reference("A")
        record = ledger.versions.get(MODEL, ref.sha256)
        assert (record.source, record.parent_sha256, record.dataset_digest) == ("retrain", "p" * 64, "d1")
        assert (record.card, record.created_at) == ({"epochs": 3}, clock() - HOUR)

    def test_a_version_of_another_kind_or_without_a_hash_is_refused(self, ledger: Ledger) -> None:
        ledger.versions.add(reference("A"), "bootstrap")
        for wrong in (replace(reference("B"), kind=Kind.OBB), replace(reference("B"), sha256="B" * 64)):
            with pytest.raises(ContractError):
                ledger.versions.add(wrong, "import")

    def test_a_number_is_given_once(self, ledger: Ledger) -> None:
        one, two = (ledger.versions.add(reference(name), "retrain") for name in "AB")
        assert ledger.versions.number(MODEL, one.sha256, 1).version == 1
        assert ledger.versions.number(MODEL, one.sha256, 1).version == 1
        for sha256, number in ((one.sha256, 2), (two.sha256, 1)):
            with pytest.raises(Stale):
                ledger.versions.number(MODEL, sha256, number)
        assert ledger.versions.get(MODEL, one.sha256).ref.version == 1
        with pytest.raises(ContractError):
            ledger.versions.number(MODEL, two.sha256, 0)

    def test_what_is_not_there_is_not_found(self, ledger: Ledger) -> None:
        lookups = (
            lambda: ledger.versions.get(MODEL, content_hash("A")),
            lambda: ledger.versions.number(MODEL, content_hash("A"), 1),
            lambda: ledger.gates.get(content_hash("A")),
            lambda: ledger.approvals.get(1),
            lambda: ledger.approvals.decide(1, ApprovalState.APPROVED, "ada", ""),
            lambda: ledger.promotions.move(MODEL, PromotionKind.BOOTSTRAP, "", content_hash("A"), "ops", ""),
        )
        for lookup in lookups:
            with pytest.raises(NotFound):
                lookup()
        assert ledger.promotions.champion(MODEL) is None
        assert ledger.promotions.rollback_target(MODEL) is None

    def test_versions_are_listed_newest_first(self, ledger: Ledger, clock: SetClock) -> None:
        for name in "ABC":
            ledger.versions.add(reference(name), "retrain")
            clock.tick(HOUR)
        assert [r.ref.sha256 for r in ledger.versions.list(MODEL)] == [content_hash(name) for name in "CBA"]

    def test_the_first_champion_is_bootstrapped_and_only_the_first(self, ledger: Ledger) -> None:
        move = bootstrap(ledger)
        assert (move.seq, move.from_sha256, move.to_sha256) == (1, "", content_hash("A"))
        assert ledger.promotions.champion(MODEL) == reference("A")
        ledger.versions.add(reference("B"), "retrain")
        for expected, error in ((None, Stale), (content_hash("A"), ContractError)):
            with pytest.raises(error):
                ledger.promotions.move(MODEL, PromotionKind.BOOTSTRAP, expected, content_hash("B"), "ops", "again")

    def test_a_gate_report_is_kept_once_under_the_hash_of_its_contents(self, ledger: Ledger) -> None:
        names = [ledger.gates.save(MODEL, "c", "b", Outcome.OK, {"x": [1.5, None]}) for _ in range(2)]
        assert names[0] == names[1] != ledger.gates.save(MODEL, "c", "b", Outcome.OK, {"x": [1.5, 0]})
        assert ledger.gates.get(names[0]).report == {"x": [1.5, None]}
        with ledger.gates._database.write() as connection:
            connection.execute(update(gates).where(gates.c.hash == names[0]).values(report={"x": []}))
        with pytest.raises(ContractError, match="changed"):
            ledger.gates.get(names[0])

    def test_an_approved_challenger_becomes_champion_with_everything_in_one_transaction(self, ledger: Ledger) -> None:
        bootstrap(ledger)
        approval = approve(ledger, "B")
        extra = Intent(key="tell", kind="message")
        move = ledger.promotions.move(
            MODEL, PromotionKind.PROMOTE, content_hash("A"), content_hash("B"), "ada", "ok", approval.id, [extra]
        )
        assert (move.seq, move.approval_id, champion(ledger)) == (2, approval.id, content_hash("B"))
        assert ledger.promotions.history(MODEL)[0] == move
        rows = {row.key: row for row in ledger.outbox.pending()}
        assert set(rows) == {"tell", f"project_aliases:{MODEL}:1", f"project_aliases:{MODEL}:2"}
        assert rows[f"project_aliases:{MODEL}:2"].payload == {"model": MODEL}
        assert ledger.decisions.list(MODEL)[0].kind == "promotion"
        ledger.decisions.verify()

    def test_a_move_that_fails_half_way_leaves_the_champion(self, ledger: Ledger) -> None:
        bootstrap(ledger)
        approval = approve(ledger, "B")
        poison = [Intent(key="tell", kind="message", payload={"x": object()})]
        arguments = (MODEL, PromotionKind.PROMOTE, content_hash("A"), content_hash("B"), "ada", "ok", approval.id)
        with pytest.raises(ContractError):
            ledger.promotions.move(*arguments, poison)
        assert champion(ledger) == content_hash("A")
        assert ledger.promotions.move(*arguments).seq == 2

    def test_a_move_from_a_champion_that_is_no_more_is_stale(self, ledger: Ledger) -> None:
        bootstrap(ledger)
        stale = approve(ledger, "C")
        promote(ledger, "B")
        with pytest.raises(Stale):
            ledger.promotions.move(
                MODEL, PromotionKind.PROMOTE, content_hash("A"), content_hash("C"), "ada", "", stale.id
            )
        assert champion(ledger) == content_hash("B")

    def test_rollbacks_walk_back_and_never_bring_a_bad_version_again(self, ledger: Ledger) -> None:
        bootstrap(ledger)
        promote(ledger, "B")
        promote(ledger, "C", "B")
        assert ledger.promotions.rollback_target(MODEL) == content_hash("B")
        roll_back(ledger, "C", "B")
        assert ledger.promotions.rollback_target(MODEL) == content_hash("A")
        with pytest.raises(ContractError):
            roll_back(ledger, "B", "C")
        roll_back(ledger, "B", "A")
        assert ledger.promotions.rollback_target(MODEL) is None
        assert [move.kind for move in ledger.promotions.history(MODEL)].count(PromotionKind.ROLLBACK) == 2

    def test_a_rollback_may_skip_a_champion(self, ledger: Ledger) -> None:
        bootstrap(ledger)
        promote(ledger, "B")
        promote(ledger, "C", "B")
        roll_back(ledger, "C", "A")
        assert (champion(ledger), ledger.promotions.rollback_target(MODEL)) == (content_hash("A"), None)

    def test_a_move_needs_somebody_and_somewhere_and_spends_approvals_on_promotions_only(self, ledger: Ledger) -> None:
        bootstrap(ledger)
        promote(ledger, "B")
        approval = approve(ledger, "C", "B")
        for kind, to, actor in (
            (PromotionKind.PROMOTE, "C", ""),
            (PromotionKind.PROMOTE, "B", "ada"),
            (PromotionKind.ROLLBACK, "A", "ada"),
        ):
            with pytest.raises(ContractError):
                ledger.promotions.move(MODEL, kind, content_hash("B"), content_hash(to), actor, "", approval.id)

    def test_the_first_champion_cannot_be_a_promotion(self, ledger: Ledger) -> None:
        ledger.versions.add(reference("A"), "retrain")
        with pytest.raises(ContractError):
            ledger.promotions.move(MODEL, PromotionKind.PROMOTE, None, content_hash("A"), "ada", "", None)

    def test_two_models_have_two_champions(self, ledger: Ledger) -> None:
        bootstrap(ledger)
        other = ledger.versions.add(reference("X", "rails"), "bootstrap")
        move = ledger.promotions.move("rails", PromotionKind.BOOTSTRAP, "", other.sha256, "ops", "first")
        assert move.seq == 1
        assert champion(ledger) == content_hash("A")

    def test_a_row_that_another_writer_was_first_with_is_stale(self, ledger: Ledger) -> None:
        move = bootstrap(ledger)
        with pytest.raises(Stale), ledger.promotions._database.write() as connection:
            connection.execute(promotions.insert().values(**asdict(move)))
