"""Commands that keep ledger, registry and messages in order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tasks.cli.output import OK, done, show_json, show_rows, show_table

SNOOZE_HOURS = 24 * 365
"""Nobody silences an alert for longer than a year."""


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


def ledger_upgrade(*, json: bool = False) -> int:
    """Bring the ledger's tables up to this program's version."""
    from tasks.adapters.ledger.store import Ledger
    from tasks.settings import settings

    Ledger.upgrade(settings().ledger_url)
    return done({"upgraded": True}, "the ledger is up to date", json)


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


def acknowledge(alert: int, *, by: str, json: bool = False) -> int:
    """Say that you look after an alert; whoever said so first keeps it."""
    from tasks.connections import ledger
    from tasks.domain.signed import require_named

    require_named("an acknowledgement", by)
    row = ledger().alerts.acknowledge(alert, by)
    told = {"alert": alert, "acknowledged by": row.acknowledged_by}
    return done(told, f"alert {alert} is {row.acknowledged_by}'s", json)


def snooze(alert: int, *, hours: float, by: str, json: bool = False) -> int:
    """Keep an alert quiet for some hours; it expires by itself."""
    from tasks.connections import ledger
    from tasks.domain.errors import ConfigError
    from tasks.domain.signed import require_named

    require_named("a snooze", by)
    if not 0 < hours < SNOOZE_HOURS:
        raise ConfigError(f"--hours lies between 0 and {SNOOZE_HOURS}, {hours:g} was asked for")
    until = datetime.now(UTC) + timedelta(hours=hours)
    ledger().alerts.snooze(alert, until, by)
    return done({"alert": alert, "snoozed until": until}, f"alert {alert} is quiet for {hours:g} h", json)
