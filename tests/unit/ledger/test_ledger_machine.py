"""Any order of claims, crashes, zombies, answers, moves and clock jumps keeps the ledger's promises.

I1 one champion once there was a first; I2 no promotion without a passed gate and a live approval; I3 revisions
count up by one; I7 no row with an old epoch; I8 what was committed never changes; and the chain is whole.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
from datetime import timedelta
from functools import cache
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule
from sqlalchemy import delete, insert

from tasks.adapters.ledger.metadata import metadata
from tasks.adapters.ledger.records import WindowState
from tasks.adapters.ledger.schema import chain
from tasks.adapters.ledger.store import Ledger
from tasks.domain.errors import ContractError, LostLease, Stale
from tasks.domain.finding import Outcome
from tasks.domain.promotion import Approval, ApprovalState, PromotionKind
from tasks.domain.snapshot import Claim
from tests.unit.ledger.ledger_cases import (
    DAY,
    MODEL,
    SetClock,
    bootstrap,
    content_hash,
    facts,
    finding,
    reference,
    verdict,
    window,
)

LEASE = timedelta(minutes=15)
NAMES = st.sampled_from("ABCD")
WINDOWS = st.integers(0, 2)


@cache
def shared_ledger() -> tuple[Ledger, SetClock]:
    """One ledger for all examples, because an engine forgets its compiled statements when it closes."""
    folder = Path(tempfile.mkdtemp(prefix="ledger-machine-"))
    atexit.register(shutil.rmtree, folder)
    clock = SetClock()
    Ledger.upgrade(f"sqlite:///{folder}/ledger.db")
    ledger = Ledger.open(f"sqlite:///{folder}/ledger.db", clock)
    atexit.register(ledger.close)
    raw = ledger.windows._database.engine.raw_connection()
    raw.cursor().execute("PRAGMA synchronous = OFF")  # nobody cuts the power of a test
    raw.close()
    return ledger, clock


def emptied(ledger: Ledger) -> None:
    with ledger.windows._database.write() as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(delete(table))
        connection.execute(insert(chain).values(id=1, seq=0, hash=""))


class LedgerMachine(RuleBasedStateMachine):
    """The real ledger beside a model of it that fits into a few dictionaries."""

    claims = Bundle("claims")
    requests = Bundle("requests")

    def __init__(self) -> None:
        super().__init__()
        self.ledger, self.clock = shared_ledger()
        self.clock.moment = SetClock().moment
        emptied(self.ledger)
        self.newest: dict[int, Claim] = {}  # the last claim of each window
        self.ended: set[tuple[int, int]] = set()  # (window, epoch) that gave their window back
        self.until: dict[int, object] = {}  # end of the newest lease
        self.committed: dict[tuple[int, int], str] = {}  # (window, revision) -> digest
        self.answers: dict[int, ApprovalState] = {}
        self.used: set[int] = set()
        self.pile: list[str] = []
        self.moves = 0

    def teardown(self) -> None:
        self.ledger.decisions.verify()

    @initialize()
    def start(self) -> None:
        bootstrap(self.ledger)
        for name in "BCD":
            self.ledger.versions.add(reference(name), "retrain")
        self.pile, self.moves = [content_hash("A")], 1

    @rule(step=st.sampled_from([LEASE, LEASE / 3, DAY, -LEASE, -DAY]))
    def tick(self, step: timedelta) -> None:
        self.clock.tick(step)

    @rule(target=claims, number=WINDOWS, rescore=st.booleans())
    def claim(self, number: int, rescore: bool) -> object:
        before = self.newest.get(number)
        claim = self.ledger.windows.claim(MODEL, window(number), "worker", LEASE, rescore)
        if claim is None:
            alive = before is not None and not self._over(number) and self.until[number] > self.clock()
            assert alive or (number, 1) in self.committed or self._record(number).state is WindowState.FAILED
            return multiple()
        assert claim.epoch == (before.epoch if before else 0) + 1
        assert before is None or self._over(number) or self.until[number] <= self.clock()
        self.newest[number], self.until[number] = claim, self.clock() + LEASE
        return claim

    @rule(claim=claims, value=st.integers(0, 3))
    def commit(self, claim: Claim, value: int) -> None:
        number = self._number(claim)
        old = self.committed.get((number, claim.revision))
        try:
            record = self.ledger.windows.commit(claim, verdict(finding(value=float(value))), facts())
        except LostLease:
            assert not self._holds(claim)
            return
        assert self._holds(claim) or old == record.digest
        assert old in (None, record.digest)
        self.committed[number, claim.revision] = record.digest
        self.ended.add((number, claim.epoch))

    @rule(claim=claims, act=st.sampled_from(["renew", "release", "fail"]))
    def other_writes(self, claim: Claim, act: str) -> None:
        holds = self._holds(claim)
        try:
            if act == "renew":
                self.until[self._number(claim)] = self.ledger.windows.renew(claim, LEASE)
            elif act == "release":
                self.ledger.windows.release(claim)
            else:
                self.ledger.windows.fail(claim, "boom")
        except LostLease:
            assert not holds
            return
        assert holds
        if act != "renew":
            self.ended.add((self._number(claim), claim.epoch))

    @rule(target=requests, name=NAMES, note=st.integers(0, 1), outcome=st.sampled_from(Outcome))
    def ask(self, name: str, note: int, outcome: Outcome) -> object:
        base, challenger = self.pile[-1], content_hash(name)
        gate = self.ledger.gates.save(MODEL, challenger, base, outcome, {"note": note})
        try:
            request = self.ledger.approvals.request(
                MODEL, challenger, base, gate, self.clock() + DAY, f"run-{len(self.answers)}"
            )
        except ContractError:
            assert outcome is not Outcome.OK
            return multiple()
        assert outcome is Outcome.OK
        self.answers.setdefault(request.id, request.state)
        return request

    @rule(request=requests, state=st.sampled_from([ApprovalState.APPROVED, ApprovalState.REJECTED]))
    def decide(self, request: Approval, state: ApprovalState) -> None:
        known = self.answers[request.id]
        try:
            answer = self.ledger.approvals.decide(request.id, state, "ada", "")
        except Stale:
            assert known is not ApprovalState.PENDING or request.base_sha256 != self.pile[-1] or self.moves > 1
            return
        assert known is ApprovalState.PENDING
        assert answer.state is (ApprovalState.EXPIRED if self.clock() >= request.expires_at else state)
        self.answers[request.id] = answer.state

    @rule(request=requests)
    def promote(self, request: Approval) -> None:
        allowed = (
            self.answers[request.id] is ApprovalState.APPROVED
            and request.base_sha256 == self.pile[-1] != request.challenger_sha256
            and self.clock() < request.expires_at
            and request.id not in self.used
        )
        arguments = (MODEL, PromotionKind.PROMOTE, request.base_sha256, request.challenger_sha256, "ada", "")
        try:
            self.ledger.promotions.move(*arguments, request.id)
        except (Stale, ContractError):
            assert not allowed
            return
        assert allowed
        self.used.add(request.id)
        self.pile.append(request.challenger_sha256)
        self.moves += 1

    @rule(name=NAMES)
    def roll_back(self, name: str) -> None:
        target = content_hash(name)
        allowed = target in self.pile[:-1] and target != self.pile[-1]
        try:
            self.ledger.promotions.move(MODEL, PromotionKind.ROLLBACK, self.pile[-1], target, "ops", "")
        except ContractError:
            assert not allowed
            return
        assert allowed
        while self.pile[-1] != target:
            self.pile.pop()
        self.moves += 1

    @invariant()
    def one_champion(self) -> None:
        champion = self.ledger.promotions.champion(MODEL)
        assert (champion.sha256 if champion else None) == (self.pile[-1] if self.pile else None)
        assert self.ledger.promotions.rollback_target(MODEL) == (self.pile[-2] if len(self.pile) > 1 else None)
        assert [move.seq for move in self.ledger.promotions.history(MODEL)] == list(range(self.moves, 0, -1))

    @invariant()
    def what_was_committed_never_changes(self) -> None:
        for number in self.newest:
            kept = self.ledger.windows.revisions(MODEL, window(number))[::-1]
            mine = {key: digest for key, digest in self.committed.items() if key[0] == number}
            assert {(number, record.revision): record.digest for record in kept} == mine
            assert [record.revision for record in kept] == list(range(1, len(kept) + 1))
            epochs = [record.epoch for record in kept]
            assert epochs == sorted(set(epochs))

    def _record(self, number: int) -> object:
        record = self.ledger.windows.get(MODEL, window(number))
        assert record is not None
        return record

    def _number(self, claim: Claim) -> int:
        return next(number for number in range(3) if window(number) == claim.window)

    def _over(self, number: int) -> bool:
        return (number, self.newest[number].epoch) in self.ended

    def _holds(self, claim: Claim) -> bool:
        number = self._number(claim)
        return self.newest[number] == claim and not self._over(number)


TestLedgerMachine = LedgerMachine.TestCase
TestLedgerMachine.settings = settings(
    max_examples=100, stateful_step_count=16, deadline=None, suppress_health_check=list(HealthCheck)
)
