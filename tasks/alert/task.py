"""Deliver what waits in the outbox. A channel that is down never fails a flow."""

from __future__ import annotations

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from tasks.adapters.notify import channels
from tasks.alert.delivery import Delivered, deliver
from tasks.connections import ledger
from tasks.domain.errors import EvergreenError
from tasks.settings import settings


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
