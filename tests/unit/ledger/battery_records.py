"""What every database must answer about decisions, intents, alerts, references and evaluations."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

import numpy as np
import pytest
from sqlalchemy import Connection, delete, select, update

from tasks.adapters.ledger.outbox import GIVE_UP
from tasks.adapters.ledger.records import Intent, OutboxState
from tasks.adapters.ledger.schema import chain, decisions
from tasks.adapters.ledger.store import Ledger
from tasks.domain.errors import ContractError, NotFound
from tasks.domain.evaluation import Evaluation, Interval
from tests.unit.ledger.ledger_cases import DAY, HOUR, MODEL, SetClock, content_hash, table, window

SECOND = timedelta(seconds=1)

Tampering = Callable[[Connection], object]


def _swap(connection: Connection) -> None:
    for before, after in ((2, 99), (3, 2), (99, 3)):
        connection.execute(update(decisions).where(decisions.c.seq == before).values(seq=after))


def _reseal(connection: Connection) -> None:
    """A changed row with a hash of its own that is right: only the row after it can tell."""
    row = dict(connection.execute(select(decisions).where(decisions.c.seq == 2)).mappings().one())
    row |= {"payload": {"n": 7}, "at": row["at"].isoformat()}
    row.pop("hash")
    sealed = sha256(json.dumps(row, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
    connection.execute(update(decisions).where(decisions.c.seq == 2).values(payload={"n": 7}, hash=sealed))


TAMPERINGS: dict[str, Tampering] = {
    "payload": lambda c: c.execute(update(decisions).where(decisions.c.seq == 2).values(payload={"n": 7})),
    "actor": lambda c: c.execute(update(decisions).where(decisions.c.seq == 2).values(actor="eve")),
    "time": lambda c: c.execute(update(decisions).where(decisions.c.seq == 2).values(at=SetClock()() + SECOND)),
    "first removed": lambda c: c.execute(delete(decisions).where(decisions.c.seq == 1)),
    "middle removed": lambda c: c.execute(delete(decisions).where(decisions.c.seq == 2)),
    "last removed": lambda c: c.execute(delete(decisions).where(decisions.c.seq == 4)),
    "all removed": lambda c: c.execute(delete(decisions)),
    "re-ordered": _swap,
    "changed and sealed again": _reseal,
    "head moved back": lambda c: c.execute(update(chain).values(seq=3)),
    "head removed": lambda c: c.execute(delete(chain)),
}


def evaluation(name: str = "A", value: float = 0.5, **others: float) -> Evaluation:
    return Evaluation(
        model_sha256=content_hash(name),
        dataset="golden",
        digest="d1",
        protocol="p1",
        metric="map50_95",
        headline=Interval(value=value, low=math.nan, high=math.nan),
        n=2,
        metrics=others,
        image_ids=("i1", "i2"),
        scores=(1.0, 0.25),
    )


class RecordBattery:
    """Needs the fixtures `ledger` and `clock`."""

    def test_decisions_are_numbered_from_one_and_chained(self, ledger: Ledger, clock: SetClock) -> None:
        payload = {"n": np.float32(0.5), "t": (1, None), "when": clock(), "nan": math.nan, 3: "é\ud800\x00"}
        numbers = [ledger.decisions.append(MODEL, "retrain", "why", "ada", payload) for _ in range(3)]
        assert numbers == [1, 2, 3]
        newest, middle = ledger.decisions.list(MODEL, 2)
        assert newest.previous == middle.hash
        assert ledger.decisions.head() == (3, newest.hash)
        assert newest.payload["when"] == clock().isoformat()
        assert newest.payload["nan"] is None
        ledger.decisions.verify()

    def test_an_empty_chain_is_sound(self, ledger: Ledger) -> None:
        ledger.decisions.verify()
        assert ledger.decisions.head() == (0, "")

    def test_what_is_not_json_is_refused(self, ledger: Ledger) -> None:
        endless: list[object] = []
        endless.append(endless)
        for value in (object(), {1, 2}, b"x", endless):
            with pytest.raises(ContractError):
                ledger.decisions.append(MODEL, "k", "s", "a", {"x": value})

    @pytest.mark.parametrize("name", sorted(TAMPERINGS))
    def test_tampering_is_found(self, ledger: Ledger, name: str) -> None:
        for number in range(4):
            ledger.decisions.append(MODEL, "k", f"s{number}", "ada", {"n": number})
        ledger.decisions.verify()
        with ledger.decisions._database.write() as connection:
            TAMPERINGS[name](connection)
        with pytest.raises(ContractError):
            ledger.decisions.verify()

    def test_an_intent_is_kept_once(self, ledger: Ledger) -> None:
        assert ledger.outbox.add(Intent(key="k", kind="a", payload={"n": 1}))
        assert not ledger.outbox.add(Intent(key="k", kind="b", payload={"n": 2}))
        (row,) = ledger.outbox.pending("a")
        assert (row.payload, row.state, row.attempts) == ({"n": 1}, OutboxState.PENDING, 0)
        assert ledger.outbox.pending("b") == []

    def test_a_done_intent_is_done_for_good(self, ledger: Ledger) -> None:
        ledger.outbox.add(Intent(key="k", kind="a"))
        assert ledger.outbox.done("k", {"version": 4}).result == {"version": 4}
        assert ledger.outbox.done("k", {"version": 5}).result == {"version": 4}
        assert ledger.outbox.failed("k", "late").state is OutboxState.DONE
        assert ledger.outbox.pending() == []
        assert ledger.outbox.counts() == {OutboxState.PENDING: 0, OutboxState.DONE: 1, OutboxState.DEAD: 0}

    def test_a_failed_intent_waits_twice_as_long_each_time(self, ledger: Ledger, clock: SetClock) -> None:
        ledger.outbox.add(Intent(key="k", kind="a"))
        waits = [ledger.outbox.failed("k", "503").next_at - clock() for _ in range(12)]
        assert waits[:3] == [10 * SECOND, 20 * SECOND, 40 * SECOND]
        assert max(waits) == HOUR
        assert ledger.outbox.pending() == []
        clock.tick(HOUR)
        assert [row.error for row in ledger.outbox.pending()] == ["503"]

    def test_an_intent_that_fails_for_a_day_is_dead_until_somebody_revives_it(
        self, ledger: Ledger, clock: SetClock
    ) -> None:
        ledger.outbox.add(Intent(key="k", kind="a"))
        clock.tick(GIVE_UP - SECOND)
        assert ledger.outbox.failed("k", "503").state is OutboxState.PENDING
        clock.tick(DAY)
        assert ledger.outbox.failed("k", "503").state is OutboxState.DEAD
        assert ledger.outbox.pending() == []
        ledger.outbox.revive("k")
        assert [row.key for row in ledger.outbox.pending()] == ["k"]

    def test_taken_intents_are_hidden_from_others_for_a_while(self, ledger: Ledger, clock: SetClock) -> None:
        for key in "ab":
            ledger.outbox.add(Intent(key=key, kind="a"))
            clock.tick(SECOND)
        assert [row.key for row in ledger.outbox.take("a", 1)] == ["a"]
        assert [row.key for row in ledger.outbox.take("a")] == ["b"]
        assert ledger.outbox.take() == []
        clock.tick(timedelta(minutes=6))
        assert len(ledger.outbox.take()) == 2

    def test_unknown_or_illegible_keys_are_refused(self, ledger: Ledger) -> None:
        with pytest.raises(NotFound):
            ledger.outbox.done("k")
        assert ledger.outbox.get("k") is None
        for key in ("k" * 501, "\x00", "\ud800"):
            with pytest.raises(ContractError):
                ledger.outbox.add(Intent(key=key, kind="a"))

    def test_an_alert_is_raised_once_per_key(self, ledger: Ledger) -> None:
        first = ledger.alerts.add("drift:1", MODEL, "warning", "drift", {"n": 1})
        assert ledger.alerts.add("drift:1", MODEL, "error", "other", {}) == first
        second = ledger.alerts.add("drift:2", "other", "error", "drift", {})
        assert ledger.alerts.list() == [second, first]
        assert ledger.alerts.list(MODEL) == [first]
        assert ledger.alerts.undelivered() == [first, second]

    def test_a_delivered_alert_is_delivered_once(self, ledger: Ledger, clock: SetClock) -> None:
        alert = ledger.alerts.add("k", MODEL, "warning", "drift", {})
        delivered = ledger.alerts.delivered(alert.id)
        clock.tick(HOUR)
        assert ledger.alerts.delivered(alert.id) == delivered == ledger.alerts.get(alert.id)
        assert ledger.alerts.undelivered() == []

    def test_a_snoozed_alert_comes_back_and_the_trail_says_who_did_it(self, ledger: Ledger, clock: SetClock) -> None:
        alert = ledger.alerts.add("k", MODEL, "warning", "drift", {})
        ledger.alerts.snooze(alert.id, clock() + HOUR, "ada", "known")
        assert ledger.alerts.undelivered() == []
        clock.tick(HOUR)
        assert [a.id for a in ledger.alerts.undelivered()] == [alert.id]
        assert ledger.alerts.acknowledge(alert.id, "ada").acknowledged_by == "ada"
        assert ledger.alerts.acknowledge(alert.id, "bob").acknowledged_by == "ada"
        assert [(d.kind, d.actor) for d in ledger.decisions.list()] == [("acknowledge", "ada"), ("snooze", "ada")]
        with pytest.raises(NotFound):
            ledger.alerts.delivered(99)
        with pytest.raises(ContractError):
            ledger.alerts.snooze(alert.id, clock(), " ")

    def test_the_newest_pin_of_a_champion_counts(self, ledger: Ledger) -> None:
        sha256 = content_hash("A")
        assert ledger.references.current(MODEL, sha256) is None
        first = ledger.references.pin(MODEL, sha256, table("one"), "ada", "quiet week")
        assert ledger.references.pin(MODEL, sha256, table("one"), "bob", "again") == first
        second = ledger.references.pin(MODEL, sha256, table("two"), "bob", "new lamp")
        assert ledger.references.pin(MODEL, sha256, table("one"), "bob", "back") not in (first, second)
        ledger.references.pin(MODEL, content_hash("B"), table("three"), "bob", "promoted")
        current = ledger.references.current(MODEL, sha256)
        assert current is not None
        assert (current.table, current.reason) == (table("one"), "back")
        assert ledger.references.get(first).actor == "ada"
        with pytest.raises(NotFound):
            ledger.references.get(99)

    def test_the_newest_decision_of_a_kind_about_a_subject_is_found(self, ledger: Ledger) -> None:
        for subject, n in (("a", 1), ("b", 2), ("a", 3)):
            ledger.decisions.append(MODEL, "evaluated", subject, "evaluate", {"n": n})
        ledger.decisions.append(MODEL, "curated", "a", "curate", {"n": 4})
        ledger.decisions.append("other", "evaluated", "a", "evaluate", {"n": 5})
        found = ledger.decisions.latest(MODEL, "evaluated", "a")
        assert found is not None and found.payload == {"n": 3}
        assert ledger.decisions.latest(MODEL, "evaluated", "c") is None

    def test_an_evaluation_comes_back_whole_nan_included(self, ledger: Ledger) -> None:
        stated = evaluation(map50=0.75, recall=math.nan)
        number = ledger.evaluations.save(MODEL, stated, window())
        assert ledger.evaluations.save(MODEL, stated, window()) == number
        kept = ledger.evaluations.latest(MODEL, content_hash("A"), "golden")
        assert kept is not None
        assert math.isnan(kept.headline.low)
        assert math.isnan(kept.metrics["recall"])
        plain = {"headline": Interval(value=0.5, low=0, high=1), "metrics": {}}
        assert replace(kept, **plain) == replace(stated, **plain)
        assert ledger.evaluations.latest(MODEL, content_hash("A"), "recent") is None

    def test_evaluations_are_listed_newest_first_with_their_window(self, ledger: Ledger) -> None:
        ledger.evaluations.save(MODEL, evaluation(value=0.5), window(1))
        ledger.evaluations.save(MODEL, evaluation(value=0.75))
        found = [(r.evaluation.headline.value, r.window) for r in ledger.evaluations.list(MODEL)]
        assert found == [(0.75, None), (0.5, window(1))]
