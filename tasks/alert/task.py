"""Deliver what waits in the outbox. A channel that is down never fails a flow."""

from __future__ import annotations

from collections.abc import Sequence

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from tasks.adapters.notify import channels
from tasks.alert.delivery import Delivered, deliver
from tasks.alert.history import History
from tasks.alert.message import alert_for
from tasks.alert.rules import AlertRules
from tasks.connections import ledger
from tasks.domain.errors import EvergreenError
from tasks.domain.intent import Intent
from tasks.domain.notice import Link
from tasks.domain.verdict import Verdict
from tasks.domain.window import Window
from tasks.settings import settings

EARLIER = 200
"""Newest windows whose verdicts decide whether one is news."""


def deliver_alerts(limit: int = 100) -> Delivered:
    """One round of delivery with the channels of the settings, without Prefect.

    Raises:
        ConfigError: `EVERGREEN_ALERT_URLS` holds something that no channel understands.
        LedgerUnavailable: nothing was lost, the next round takes it up.
    """
    return deliver(ledger(), channels(url.get_secret_value() for url in settings().alert_urls), limit)


@task(cache_policy=NO_CACHE)
def flush_alerts(limit: int = 100) -> Delivered:
    """One round of delivery; whatever goes wrong is logged and left to the next round."""
    try:
        answer = deliver_alerts(limit)
    except EvergreenError as error:
        get_run_logger().error("alerts wait for the next round: %s", error)
        return Delivered()
    get_run_logger().info("alerts: %s", answer)
    return answer


def intents_for(
    model: str, window: Window, verdict: Verdict, rules: AlertRules, links: Sequence[Link]
) -> tuple[Intent, ...]:
    """The alert that this verdict is news enough for, ready to be committed with it; () when it is none."""
    known = [row for row in reversed(ledger().windows.latest(model, EARLIER)) if row.verdict is not None]
    history = History(
        earlier=[row.verdict for row in known if row.verdict and row.window != window and row.window <= window],
        previous=next((row.verdict for row in known if row.window == window), None),
        later=[row.verdict for row in known if row.verdict and row.window > window],
    )
    intent = alert_for(model, window, verdict, history, rules, links)
    return () if intent is None else (intent,)
