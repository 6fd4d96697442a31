"""Every alert reaches every channel once, whatever is down in between."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tasks.adapters.ledger.records import OutboxState
from tasks.adapters.ledger.store import Ledger
from tasks.alert.delivery import Delivered, deliver
from tasks.alert.history import History
from tasks.alert.message import alert_for
from tasks.alert.rules import AlertRules
from tasks.domain.errors import DeliveryFailed
from tasks.domain.finding import Outcome
from tasks.domain.intent import Intent
from tasks.domain.notice import Notice
from tasks.domain.verdict import Action, Cause, CauseKind, Verdict
from tasks.domain.window import Window

DAY = timedelta(days=1)
LOUD = AlertRules()


class Clock:
    """Time that stands still until somebody moves it."""

    def __init__(self) -> None:
        self.present = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self.present


class Mailbox:
    """A channel that can be down."""

    def __init__(self, name: str) -> None:
        self.name, self.down, self.taken = name, False, list[Notice]()

    def send(self, notice: Notice) -> None:
        if self.down:
            raise DeliveryFailed(f"{self.name} is down")
        self.taken.append(notice)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("ledger") / "empty.db"
    Ledger.upgrade(f"sqlite:///{path}")
    return path.read_bytes()


@pytest.fixture
def book(empty: bytes, tmp_path: Path, clock: Clock) -> Iterator[Ledger]:
    (tmp_path / "ledger.db").write_bytes(empty)
    with Ledger.open(f"sqlite:///{tmp_path}/ledger.db", clock) as opened:
        yield opened


def alert(day: int = 0, rules: AlertRules = LOUD, camera: str = "line-1") -> Intent:
    start = datetime(2026, 11, 1, tzinfo=UTC) + day * DAY
    cause = Cause(kind=CauseKind.CAMERA, summary="dark", cameras=(camera,))
    verdict = Verdict(outcome=Outcome.BREACH, action=Action.FIX_CAMERA, sentence="dark", causes=(cause,))
    intent = alert_for("solar", Window(start, start + DAY), verdict, History(), rules)
    assert intent is not None
    return intent


def test_an_alert_reaches_each_channel_once_however_often_it_is_flushed(book: Ledger) -> None:
    slack, mail = Mailbox("slack"), Mailbox("mail")
    for _ in range(3):
        book.outbox.add(alert())
        deliver(book, (slack, mail))
    assert (len(slack.taken), len(mail.taken)) == (1, 1)
    assert book.alerts.list()[0].delivered_at is not None


def test_a_channel_that_is_down_gets_it_later_and_the_others_do_not_get_it_twice(book: Ledger, clock: Clock) -> None:
    slack, mail = Mailbox("slack"), Mailbox("mail")
    slack.down = True
    book.outbox.add(alert())
    assert deliver(book, (slack, mail)) == Delivered(sent=1, failed=1)
    assert book.alerts.list()[0].delivered_at is None
    slack.down = False
    clock.present += timedelta(seconds=11)
    assert deliver(book, (slack, mail)) == Delivered(sent=1)
    assert (len(slack.taken), len(mail.taken)) == (1, 1)
    assert book.alerts.list()[0].delivered_at is not None


def test_a_channel_that_stays_down_is_given_up_after_a_day_and_that_is_visible(book: Ledger, clock: Clock) -> None:
    slack = Mailbox("slack")
    slack.down = True
    book.outbox.add(alert())
    for _ in range(40):
        deliver(book, (slack,))
        clock.present += timedelta(hours=1, minutes=1)
    assert book.outbox.counts()[OutboxState.DEAD] == 1


def test_a_process_that_dies_before_noting_it_sends_again_with_the_same_key(book: Ledger, clock: Clock) -> None:
    class Power(BaseException):
        pass

    class Dying(Mailbox):
        def send(self, notice: Notice) -> None:
            super().send(notice)
            raise Power

    slack = Dying("slack")
    book.outbox.add(alert())
    with pytest.raises(Power):
        deliver(book, (slack,))
    clock.present += timedelta(minutes=6)
    back = Mailbox("slack")
    deliver(book, (back,))
    assert [notice.key for notice in back.taken] == [notice.key for notice in slack.taken]


def test_two_flushes_at_once_send_once(book: Ledger) -> None:
    slack = Mailbox("slack")

    class Nested(Mailbox):
        def send(self, notice: Notice) -> None:
            deliver(book, (slack,))
            super().send(notice)

    nested = Nested("slack")
    book.outbox.add(alert())
    deliver(book, (nested,))
    assert len(nested.taken) + len(slack.taken) == 1


def test_a_silenced_alert_is_recorded_as_it_would_have_fired_and_never_sent(book: Ledger, clock: Clock) -> None:
    slack = Mailbox("slack")
    book.outbox.add(alert(rules=AlertRules(silent_because="line is being rebuilt")))
    assert deliver(book, (slack,)) == Delivered(silent=1)
    clock.present += timedelta(days=30)
    deliver(book, (slack,))
    assert slack.taken == []
    decision = book.decisions.list("solar", 1)[0]
    assert (decision.kind, decision.payload["reason"]) == ("snooze", "would have fired: line is being rebuilt")


def test_a_snooze_holds_back_the_same_alert_of_later_windows_until_it_ends(book: Ledger, clock: Clock) -> None:
    slack = Mailbox("slack")
    book.outbox.add(alert(day=0))
    deliver(book, (slack,))
    book.alerts.snooze(book.alerts.list()[0].id, clock.present + timedelta(hours=8), "Ana")
    book.outbox.add(alert(day=1))
    book.outbox.add(alert(day=1, camera="line-2"))
    assert deliver(book, (slack,)) == Delivered(sent=1, silent=1)
    clock.present += timedelta(hours=9)
    deliver(book, (slack,))
    assert [notice.title for notice in slack.taken] == [
        "solar: Degraded, fix camera (line-1)",
        "solar: Degraded, fix camera (line-2)",
        "solar: Degraded, fix camera (line-1)",
    ]


def test_a_window_that_was_given_up_is_told_too(book: Ledger) -> None:
    start = datetime(2026, 11, 1, tzinfo=UTC)
    claim = book.windows.claim("solar", Window(start, start + DAY), "worker")
    assert claim is not None
    book.windows.fail(claim, "no disk space left", max_attempts=1)
    slack = Mailbox("slack")
    deliver(book, (slack,))
    assert "no disk space left" in slack.taken[0].text()


def test_a_channel_that_is_configured_no_more_is_dropped_in_peace(book: Ledger, clock: Clock) -> None:
    old, new = Mailbox("old"), Mailbox("new")
    old.down = True
    book.outbox.add(alert())
    deliver(book, (old,))
    clock.present += timedelta(minutes=1)
    deliver(book, (new,))
    assert len(new.taken) == 1
    assert book.outbox.counts()[OutboxState.PENDING] == 0
