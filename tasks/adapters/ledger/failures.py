"""What is left of a window that was given up: a row in the audit trail and a message for people."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from tasks.adapters.ledger import alerts, decisions
from tasks.adapters.ledger.records import Alarm, DecisionKind, Entry
from tasks.domain.snapshot import Claim

SEVERITY = "error"
"""Severity of the alert about a window that was given up."""


def note_failed(connection: Connection, now: datetime, claim: Claim, message: str) -> None:
    """Add the decision, and one alert per epoch, inside the caller's transaction."""
    payload = {"window": str(claim.window), "epoch": claim.epoch, "revision": claim.revision, "message": message}
    decisions.record(
        connection,
        now,
        Entry(
            model=claim.model,
            kind=DecisionKind.WINDOW_FAILED,
            subject=str(claim.window),
            actor="ledger",
            payload=payload,
        ),
    )
    alarm = Alarm(
        dedupe_key=f"window_failed:{claim.window_id}:{claim.epoch}",
        model=claim.model,
        severity=SEVERITY,
        title=f"{claim.model}: window {claim.window} was given up",
        payload=payload,
    )
    alerts.raise_once(connection, now, alarm)
