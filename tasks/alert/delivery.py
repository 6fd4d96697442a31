"""From the outbox to people: every alert reaches every channel once, whatever is down in between.

    outbox "alert" ──raise──> alerts row ──fan out──> outbox "delivery" per channel ──send──> done
                                                            │ refused: waits 10 s, 20 s … 1 h, dead after a day

A channel that is down delays only itself. A process that dies between sending and noting it sends again: the
receiver knows the key. A snoozed alert waits until the snooze is over.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from tasks.adapters.ledger.records import AlertRow, OutboxRow, OutboxState
from tasks.adapters.ledger.store import Ledger
from tasks.adapters.notify import Channel
from tasks.domain.errors import ConfigError, DeliveryFailed
from tasks.domain.intent import Intent, IntentKind
from tasks.domain.notice import Fact, Notice, Severity, notice_from_json, notice_json

NEVER = timedelta(days=3650)
"""How long an alert sleeps that the rules told to be silent."""

ACTOR = "alert rules"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """What one round did: messages taken by a channel, refused by one, and alerts kept silent."""

    sent: int = 0
    failed: int = 0
    silent: int = 0

    def __str__(self) -> str:
        return f"{self.sent} delivered, {self.failed} failed, {self.silent} kept silent"


def deliver(book: Ledger, channels: Sequence[Channel], limit: int = 100) -> Delivered:
    """One round over everything that is due; a channel that fails is tried again by a later round.

    Raises:
        LedgerUnavailable: nothing was lost, the next round takes it up.
    """
    silent = sum(_raise(book, row) for row in book.outbox.take(IntentKind.ALERT, limit))
    waiting = book.alerts.undelivered(limit)
    for alert in waiting:
        for channel in channels:
            book.outbox.add(_delivery(alert, channel))
    answers = [_send(book, row, channels) for row in book.outbox.take(IntentKind.DELIVERY, limit)]
    for alert in waiting:
        _settle(book, alert, channels)
    return Delivered(sent=answers.count(True), failed=answers.count(False), silent=silent)


def _raise(book: Ledger, row: OutboxRow) -> bool:
    """Make the alert of an outbox entry; True when nobody is to hear of it for now."""
    notice = notice_from_json(row.payload["notice"])
    mark = str(row.payload["signature"])
    alert = book.alerts.add(row.key, notice.model, notice.severity, notice.title, row.payload)
    until, why = _held_back(book.alerts.list(notice.model), mark, row.payload, datetime.now(UTC))
    if until is not None and alert.snoozed_until is None:
        book.alerts.snooze(alert.id, until, ACTOR, f"would have fired: {why}")
    book.outbox.done(row.key, {"alert_id": alert.id})
    return until is not None


def _held_back(
    alerts: Iterable[AlertRow], mark: str, payload: Mapping[str, Any], now: datetime
) -> tuple[datetime | None, str]:
    if payload.get("silent_because"):
        return now + NEVER, str(payload["silent_because"])
    sleeping = [row for row in alerts if row.payload.get("signature") == mark and (row.snoozed_until or now) > now]
    ends = [row.snoozed_until for row in sleeping if row.snoozed_until and row.snoozed_until - now < NEVER / 2]
    return (max(ends), "the same alert is snoozed") if ends else (None, "")


def _delivery(alert: AlertRow, channel: Channel) -> Intent:
    payload = {"channel": channel.name, "notice": notice_json(_notice(alert))}
    return Intent(key=_key(alert, channel), kind=IntentKind.DELIVERY, payload=payload)


def _key(alert: AlertRow, channel: Channel) -> str:
    return f"{IntentKind.DELIVERY}/{alert.id}/{channel.name}"


def _notice(alert: AlertRow) -> Notice:
    """The alert's own words, or, when the ledger raised it, its title and payload."""
    if "notice" in alert.payload:
        return notice_from_json(alert.payload["notice"])
    facts = tuple(Fact(label=name, value=str(value)[:600]) for name, value in sorted(alert.payload.items()))
    return Notice(
        key=alert.dedupe_key,
        model=alert.model,
        severity=Severity.CRITICAL,
        title=alert.title,
        sentence=f"{alert.title}.",
        facts=facts,
        todo="Read the message, mend the cause, then judge the window again: `evergreen monitor --rescore`.",
    )


def _send(book: Ledger, row: OutboxRow, channels: Iterable[Channel]) -> bool | None:
    channel = next((each for each in channels if each.name == row.payload["channel"]), None)
    if channel is None:
        book.outbox.done(row.key, {"dropped": "the channel is configured no more"})
        return None
    try:
        channel.send(notice_from_json(row.payload["notice"]))
    except (DeliveryFailed, ConfigError) as error:
        state = book.outbox.failed(row.key, str(error)).state
        _log.warning("alert not delivered, attempt %d, now %s: %s", row.attempts + 1, state.value, error)
        return False
    book.outbox.done(row.key, {"channel": channel.name})
    return True


def _settle(book: Ledger, alert: AlertRow, channels: Iterable[Channel]) -> None:
    rows = [book.outbox.get(_key(alert, channel)) for channel in channels]
    if all(row is not None and row.state is OutboxState.DONE for row in rows):
        book.alerts.delivered(alert.id)
