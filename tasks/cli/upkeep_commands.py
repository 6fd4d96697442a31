"""Commands that keep ledger, registry and messages in order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tasks.cli.output import OK, say, show_json, show_rows, show_table


def reconcile(model: str | None = None, *, json: bool = False) -> int:
    """Make MLflow say what the ledger says, and deliver what waits in the outbox."""
    from tasks.alert.task import deliver_alerts
    from tasks.connections import ledger, registry
    from tasks.promote.reconcile import reconcile as project

    answer = {
        name: str(project(ledger(), registry(), name)) for name in ([model] if model else ledger().models.names())
    }
    delivered = deliver_alerts()
    if json:
        show_json({"models": answer, "delivered": delivered})
    else:
        show_table("reconciled", [{"model": name, "what": what} for name, what in answer.items()], "no model yet")
    return OK


def ledger_upgrade() -> int:
    """Bring the ledger's tables up to this program's version."""
    from tasks.adapters.ledger.store import Ledger
    from tasks.settings import settings

    Ledger.upgrade(settings().ledger_url)
    say("the ledger is up to date")
    return OK


def alerts(*, model: str | None = None, limit: int = 20, json: bool = False) -> int:
    """The newest alerts: delivered, acknowledged, snoozed or not."""
    from tasks.connections import ledger

    rows = [
        {
            "alert": row.id,
            "model": row.model,
            "title": row.title,
            "delivered": row.delivered_at,
            "acknowledged by": row.acknowledged_by,
            "snoozed until": row.snoozed_until,
        }
        for row in ledger().alerts.list(model, limit)
    ]
    show_rows("alerts", rows, "no alert yet", json)
    return OK


def acknowledge(alert: int, *, by: str) -> int:
    """Say that you look after an alert."""
    from tasks.connections import ledger

    ledger().alerts.acknowledge(alert, by)
    say(f"alert {alert} is {by}'s")
    return OK


def snooze(alert: int, *, hours: float, by: str) -> int:
    """Keep an alert quiet for some hours; it expires by itself."""
    from tasks.connections import ledger

    ledger().alerts.snooze(alert, datetime.now(UTC) + timedelta(hours=hours), by)
    say(f"alert {alert} is quiet for {hours:g} h")
    return OK
