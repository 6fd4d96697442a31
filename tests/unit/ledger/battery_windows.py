"""What every database must answer about windows; inherited once for SQLite and once for PostgreSQL."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tasks.adapters.ledger.records import Intent, WindowFacts, WindowState
from tasks.adapters.ledger.store import Ledger
from tasks.adapters.ledger.windows import MAX_TAKEOVERS
from tasks.domain.errors import ConfigError, ContractError, LostLease
from tasks.domain.finding import Outcome, Stage
from tasks.domain.snapshot import Claim
from tasks.domain.verdict import Action, verdict_json
from tests.unit.ledger.ledger_cases import HOUR, MODEL, START, SetClock, facts, finding, verdict, window

LEASE = timedelta(minutes=15)


def claimed(ledger: Ledger, number: int = 0, owner: str = "one", rescore: bool = False) -> Claim:
    claim = ledger.windows.claim(MODEL, window(number), owner, LEASE, rescore)
    assert claim is not None
    return claim


class WindowBattery:
    """Needs the fixtures `ledger` and `clock`."""

    def test_a_new_window_is_claimed_at_epoch_and_revision_one(self, ledger: Ledger) -> None:
        assert claimed(ledger) == Claim(model=MODEL, window=window(), epoch=1, revision=1)

    def test_a_live_lease_keeps_everybody_out_even_its_owner(self, ledger: Ledger, clock: SetClock) -> None:
        claimed(ledger)
        clock.tick(LEASE - timedelta(microseconds=1))
        assert ledger.windows.claim(MODEL, window(), "two") is None
        assert ledger.windows.claim(MODEL, window(), "one") is None

    def test_a_lease_that_is_over_is_taken_over_with_a_higher_epoch(self, ledger: Ledger, clock: SetClock) -> None:
        claimed(ledger)
        clock.tick(LEASE)
        assert claimed(ledger, owner="two").epoch == 2

    def test_renewing_keeps_the_window(self, ledger: Ledger, clock: SetClock) -> None:
        claim = claimed(ledger)
        clock.tick(LEASE / 2)
        assert ledger.windows.renew(claim, LEASE) == clock() + LEASE
        clock.tick(LEASE * 0.9)
        assert ledger.windows.claim(MODEL, window(), "two") is None

    def test_a_lease_of_no_time_is_refused(self, ledger: Ledger) -> None:
        with pytest.raises(ConfigError):
            ledger.windows.claim(MODEL, window(), "one", timedelta(0))

    @pytest.mark.parametrize("act", ["renew", "release", "fail", "commit"])
    def test_a_zombie_may_write_nothing(self, ledger: Ledger, clock: SetClock, act: str) -> None:
        zombie = claimed(ledger)
        clock.tick(LEASE)
        claimed(ledger, owner="two")
        before = (ledger.windows.get(MODEL, window()), ledger.decisions.head(), ledger.outbox.pending())
        acts = {
            "renew": lambda: ledger.windows.renew(zombie),
            "release": lambda: ledger.windows.release(zombie),
            "fail": lambda: ledger.windows.fail(zombie, "late"),
            "commit": lambda: ledger.windows.commit(zombie, verdict(), facts(), [Intent(key="k", kind="x")]),
        }
        with pytest.raises(LostLease):
            acts[act]()
        assert (ledger.windows.get(MODEL, window()), ledger.decisions.head(), ledger.outbox.pending()) == before

    def test_a_late_process_that_nobody_replaced_may_still_commit(self, ledger: Ledger, clock: SetClock) -> None:
        claim = claimed(ledger)
        clock.tick(10 * LEASE)
        assert ledger.windows.commit(claim, verdict(finding()), facts()).state is WindowState.COMMITTED

    def test_a_claim_of_another_epoch_or_an_unknown_window_is_nothing(self, ledger: Ledger) -> None:
        claim = claimed(ledger)
        for forged in (replace(claim, epoch=9), replace(claim, window=window(5))):
            with pytest.raises(LostLease):
                ledger.windows.commit(forged, verdict(), facts())

    def test_a_released_window_is_free_at_once_and_its_claim_is_void(self, ledger: Ledger) -> None:
        claim = claimed(ledger)
        ledger.windows.release(claim)
        with pytest.raises(LostLease):
            ledger.windows.commit(claim, verdict(), facts())
        assert claimed(ledger, owner="two").epoch == 2

    def test_a_poison_window_gets_exactly_three_attempts_a_decision_and_an_alert(self, ledger: Ledger) -> None:
        states = [ledger.windows.fail(claimed(ledger), f"boom {n}") for n in range(3)]
        assert states == [WindowState.OPEN, WindowState.OPEN, WindowState.FAILED]
        assert ledger.windows.claim(MODEL, window(), "one") is None
        assert [alert.severity for alert in ledger.alerts.undelivered()] == ["error"]
        assert [decision.kind for decision in ledger.decisions.list()] == ["window_failed"]
        record = ledger.windows.get(MODEL, window())
        assert record is not None
        assert (record.state, record.attempts, record.message) == (WindowState.FAILED, 3, "boom 2")

    def test_a_rescore_of_a_failed_window_buys_one_attempt(self, ledger: Ledger) -> None:
        for _ in range(3):
            ledger.windows.fail(claimed(ledger), "boom")
        assert ledger.windows.fail(claimed(ledger, rescore=True), "boom") is WindowState.FAILED
        ledger.windows.commit(claimed(ledger, rescore=True), verdict(finding()), facts())
        record = ledger.windows.get(MODEL, window())
        assert record is not None
        assert (record.state, record.attempts, record.message) == (WindowState.COMMITTED, 0, "")

    def test_a_window_that_kills_its_processes_is_given_up(self, ledger: Ledger, clock: SetClock) -> None:
        for _ in range(MAX_TAKEOVERS):
            claimed(ledger)
            clock.tick(LEASE)
        assert ledger.windows.claim(MODEL, window(), "one") is None
        record = ledger.windows.get(MODEL, window())
        assert record is not None
        assert record.state is WindowState.FAILED
        assert len(ledger.alerts.undelivered()) == 1

    def test_a_commit_is_read_back_whole(self, ledger: Ledger, clock: SetClock) -> None:
        answer = verdict(finding(outcome=Outcome.BREACH))
        stated = facts(10, corrupt=2, duplicate_id=1)
        record = ledger.windows.commit(claimed(ledger), answer, stated)
        assert record == ledger.windows.get(MODEL, window())
        assert (record.state, record.epoch, record.revision) == (WindowState.COMMITTED, 1, 1)
        assert (record.outcome, record.action) == (Outcome.BREACH, Action.FIX_CAMERA)
        assert record.verdict == verdict_json(answer)
        assert record.facts == stated
        assert record.committed_at == clock()

    def test_a_window_without_objects_or_findings_is_committed_too(self, ledger: Ledger) -> None:
        record = ledger.windows.commit(claimed(ledger), verdict(), WindowFacts(listed=0, accepted=0))
        assert record.outcome is Outcome.INCONCLUSIVE
        assert record.facts == WindowFacts(listed=0, accepted=0)
        assert ledger.findings.of(MODEL, window()) == []

    @pytest.mark.parametrize("wrong", [facts(9, corrupt=1), facts(10, corrupt=-1)])
    def test_counts_that_do_not_add_up_are_refused(self, ledger: Ledger, wrong: WindowFacts) -> None:
        claim = claimed(ledger)
        with pytest.raises(ContractError):
            ledger.windows.commit(claim, verdict(), replace(wrong, listed=10))
        assert ledger.windows.revisions(MODEL, window()) == []

    def test_a_committed_window_is_left_alone_until_somebody_asks_for_a_rescore(
        self, ledger: Ledger, clock: SetClock
    ) -> None:
        ledger.windows.commit(claimed(ledger), verdict(finding()), facts())
        clock.tick(-365 * 24 * HOUR)
        assert ledger.windows.claim(MODEL, window(), "two") is None
        assert claimed(ledger, rescore=True) == Claim(model=MODEL, window=window(), epoch=2, revision=2)

    def test_a_rescore_adds_a_revision_and_keeps_the_old_one(self, ledger: Ledger) -> None:
        first = ledger.windows.commit(claimed(ledger), verdict(finding(value=1.0)), facts(4))
        late = claimed(ledger, rescore=True)
        ledger.windows.commit(late, verdict(finding(value=2.0)), facts(5, corrupt=1))
        newest, oldest = ledger.windows.revisions(MODEL, window())
        assert (newest.revision, newest.epoch, oldest.revision, oldest.epoch) == (2, 2, 1, 1)
        assert (oldest.facts, oldest.digest) == (first.facts, first.digest)
        assert [f.value for _, f in ledger.findings.of(MODEL, window())] == [2.0]
        assert [f.value for _, f in ledger.findings.of(MODEL, window(), revision=1)] == [1.0]

    def test_an_abandoned_rescore_leaves_the_window_committed(self, ledger: Ledger, clock: SetClock) -> None:
        ledger.windows.commit(claimed(ledger), verdict(finding()), facts())
        ledger.windows.release(claimed(ledger, rescore=True))
        record = ledger.windows.get(MODEL, window())
        assert record is not None
        assert record.state is WindowState.COMMITTED
        claimed(ledger, rescore=True)
        clock.tick(2 * LEASE)
        assert ledger.windows.claim(MODEL, window(), "plain") is None

    def test_a_repeated_commit_answers_with_what_that_claim_wrote_not_with_what_came_after(
        self, ledger: Ledger
    ) -> None:
        early = claimed(ledger)
        first = ledger.windows.commit(early, verdict(finding(value=1.0)), facts())
        second = ledger.windows.commit(claimed(ledger, rescore=True), verdict(finding(value=2.0)), facts())
        again = ledger.windows.commit(early, verdict(finding(value=1.0)), facts())
        assert (again.revision, again.digest) == (first.revision, first.digest)
        assert second.revision == 2 and len(ledger.windows.revisions(MODEL, early.window)) == 2

    def test_the_same_claim_may_repeat_its_commit_but_not_change_it(self, ledger: Ledger) -> None:
        claim = claimed(ledger)
        first = ledger.windows.commit(claim, verdict(finding()), facts())
        head = ledger.decisions.head()
        assert ledger.windows.commit(claim, verdict(finding()), facts()) == first
        with pytest.raises(LostLease):
            ledger.windows.commit(claim, verdict(finding(value=9.0)), facts())
        assert ledger.decisions.head() == head

    def test_a_commit_writes_its_decision_and_its_intents(self, ledger: Ledger) -> None:
        intent = Intent(key="retrain:1", kind="retrain", payload={"model": MODEL})
        record = ledger.windows.commit(claimed(ledger), verdict(finding()), facts(), [intent])
        assert [(row.key, row.payload) for row in ledger.outbox.pending()] == [("retrain:1", {"model": MODEL})]
        (decision,) = ledger.decisions.list(MODEL)
        assert (decision.kind, decision.subject) == ("verdict", str(window()))
        assert decision.payload["digest"] == record.digest

    def test_a_commit_that_fails_half_way_leaves_nothing(self, ledger: Ledger) -> None:
        poison = Intent(key="k", kind="x", payload={"a": object()})
        claim = claimed(ledger)
        with pytest.raises(ContractError):
            ledger.windows.commit(claim, verdict(finding()), facts(), [poison])
        assert ledger.windows.revisions(MODEL, window()) == []
        assert ledger.findings.of(MODEL, window(), revision=1) == []
        assert ledger.decisions.head() == (0, "")
        assert ledger.windows.commit(claim, verdict(finding()), facts()).revision == 1

    def test_windows_are_listed_newest_first_and_ranges_oldest_first(self, ledger: Ledger) -> None:
        for number in (2, 0, 1):
            claimed(ledger, number)
        ledger.windows.claim("other", window(7), "one")
        assert [r.window for r in ledger.windows.latest(MODEL, 2)] == [window(2), window(1)]
        between = ledger.windows.between(MODEL, START, START + 2 * HOUR)
        assert [r.window for r in between] == [window(0), window(1)]

    def test_an_unknown_window_is_none_and_has_no_revisions(self, ledger: Ledger) -> None:
        assert ledger.windows.get(MODEL, window()) is None
        assert ledger.windows.revisions(MODEL, window()) == []
        assert ledger.findings.of(MODEL, window()) == []

    def test_findings_come_back_in_order_with_their_stage_and_nan_as_none(self, ledger: Ledger) -> None:
        stated = (finding("z"), finding("a", value=float("nan")), finding("m", value=float("inf")))
        ledger.windows.commit(claimed(ledger), verdict(*stated), facts())
        expected = [(Stage.DRIFT, f) for f in (stated[0], replace(stated[1], value=None), stated[2])]
        assert ledger.findings.of(MODEL, window()) == expected

    def test_hostile_text_is_kept_legible(self, ledger: Ledger) -> None:
        hostile = replace(finding(), subject="\x00<script>\ud800", note="n" * 100_000)
        ledger.windows.commit(claimed(ledger), verdict(hostile, sentence="\x00\ud800"), facts())
        ((_, kept),) = ledger.findings.of(MODEL, window())
        assert (kept.subject, len(kept.note)) == ("\ufffd<script>?", 8_000)
        history = ledger.findings.history(MODEL, "psi", hostile.subject, hostile.slice, window(1))
        assert [past for past, _ in history] == [window()]
        ledger.decisions.verify()

    def test_history_is_one_question_before_a_window_newest_revision_newest_window_first(self, ledger: Ledger) -> None:
        for number in range(4):
            ledger.windows.commit(
                claimed(ledger, number), verdict(finding(value=float(number)), finding("other")), facts()
            )
        ledger.windows.commit(claimed(ledger, 1, rescore=True), verdict(finding(value=10.0)), facts())
        found = ledger.findings.history(MODEL, "psi", "brightness", "camera=line-1", window(3), 2)
        assert [(w, f.value) for w, f in found] == [(window(2), 2.0), (window(1), 10.0)]
        assert ledger.findings.history(MODEL, "psi", "brightness", "all", window(3), 9) == []
