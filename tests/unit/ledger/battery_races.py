"""Sixteen threads want the same thing: one gets it, the others hear a clear no."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from tasks.adapters.ledger.records import Intent, WindowState
from tasks.adapters.ledger.store import Ledger
from tasks.domain.errors import LostLease, NotFound, Stale
from tasks.domain.promotion import ApprovalState, PromotionKind
from tests.unit.ledger.ledger_cases import (
    MODEL,
    approve,
    ask,
    bootstrap,
    content_hash,
    facts,
    finding,
    verdict,
    window,
)

THREADS = 16


def race(act: Callable[[int], object]) -> list[object]:
    """What every thread got; all start together."""
    start = threading.Barrier(THREADS)

    def run(number: int) -> object:
        start.wait()
        try:
            return act(number)
        except (Stale, LostLease) as error:
            return error

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(run, range(THREADS)))


def winners(answers: list[object]) -> list[object]:
    return [answer for answer in answers if answer is not None and not isinstance(answer, Exception)]


class RaceBattery:
    """Needs the fixture `ledger`."""

    def test_sixteen_claims_of_one_window_have_one_winner(self, ledger: Ledger) -> None:
        answers = race(lambda n: ledger.windows.claim(MODEL, window(), f"worker-{n}"))
        assert len(winners(answers)) == 1
        assert not [answer for answer in answers if isinstance(answer, Exception)]

    def test_sixteen_commits_with_one_claim_make_one_revision(self, ledger: Ledger) -> None:
        claim = ledger.windows.claim(MODEL, window(), "one")
        assert claim is not None
        answers = race(lambda n: ledger.windows.commit(claim, verdict(finding(value=float(n % 2))), facts()))
        (only,) = ledger.windows.revisions(MODEL, window())
        assert only.state is WindowState.COMMITTED
        assert winners(answers) == [only] * (THREADS // 2)
        assert [decision.kind for decision in ledger.decisions.list()] == ["verdict"]

    def test_sixteen_promotions_from_one_base_have_one_winner(self, ledger: Ledger) -> None:
        bootstrap(ledger)
        ready = [approve(ledger, f"challenger-{n}") for n in range(THREADS)]

        def promote(number: int) -> object:
            approval = ready[number]
            to = approval.challenger_sha256
            return ledger.promotions.move(
                MODEL, PromotionKind.PROMOTE, content_hash("A"), to, "ada", "race", approval.id
            )

        answers = race(promote)
        assert len(winners(answers)) == 1
        assert [move.seq for move in ledger.promotions.history(MODEL)] == [2, 1]
        ledger.decisions.verify()

    def test_approving_and_rejecting_at_once_leaves_one_answer(self, ledger: Ledger) -> None:
        bootstrap(ledger)
        request = ask(ledger, "B")
        states = (ApprovalState.APPROVED, ApprovalState.REJECTED)
        answers = race(lambda n: ledger.approvals.decide(request.id, states[n % 2], f"person-{n}", "race"))
        (winner,) = winners(answers)
        assert ledger.approvals.get(request.id) == winner
        assert [decision.kind for decision in ledger.decisions.list()].count("approval") == 1

    def test_sixteen_writers_of_decisions_make_one_unbroken_chain(self, ledger: Ledger) -> None:
        answers = race(lambda n: [ledger.decisions.append(MODEL, "k", str(n), "a", {}) for _ in range(4)])
        numbers = sorted(number for answer in answers for number in answer)  # type: ignore[attr-defined]
        assert numbers == list(range(1, 4 * THREADS + 1))
        ledger.decisions.verify()

    def test_sixteen_flushers_take_every_intent_once(self, ledger: Ledger) -> None:
        for number in range(20):
            ledger.outbox.add(Intent(key=f"k{number:02}", kind="a"))
        answers = race(lambda n: [row.key for row in ledger.outbox.take(limit=3)])
        taken = [key for answer in answers for key in answer]  # type: ignore[attr-defined]
        assert sorted(taken) == sorted(set(taken)) == [f"k{number:02}" for number in range(20)]

    def test_a_turn_is_one_threads_at_a_time_and_every_name_has_its_own(self, ledger: Ledger) -> None:
        inside: list[int] = []

        def enter(number: int) -> list[int]:
            with ledger.turns.alone(f"name-{number % 2}") as mine:
                assert mine
                inside.append(number % 2)
                seen = list(inside)
                time.sleep(0.01)
                inside.remove(number % 2)
            return seen

        answers = race(enter)
        assert all(len(set(seen)) == len(seen) for seen in answers)  # type: ignore[arg-type,call-overload]

    def test_who_waits_too_long_for_a_turn_hears_no_and_gets_it_afterwards(self, ledger: Ledger) -> None:
        with ledger.turns.alone("one"):
            with ledger.turns.alone("one", patience=timedelta(0)) as mine:
                assert not mine
            with ledger.turns.alone("another", patience=timedelta(0)) as mine:
                assert mine
        with ledger.turns.alone("one", patience=timedelta(0)) as mine:
            assert mine

    def test_a_turn_ends_with_its_holder_whatever_happened(self, ledger: Ledger) -> None:
        with pytest.raises(NotFound), ledger.turns.alone("one"):
            raise NotFound("what was to be done is gone")
        with ledger.turns.alone("one", patience=timedelta(0)) as mine:
            assert mine
