"""Give the champion back to the version it replaced."""

from __future__ import annotations

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed

from flows.events import CHAMPION_MOVED, announce
from tasks.alert.task import flush_alerts
from tasks.promote.task import project, roll_back


@flow(name="rollback", log_prints=True)
def rollback(model: str, actor: str, reason: str, to: str | None = None) -> State:
    """Roll the champion back; serving follows within its polling interval.

    Args:
        model: Name of the registered model.
        actor: Who asks for it, for the audit log.
        reason: Why, for the audit log.
        to: SHA-256 of the version to return to; empty: the one that the champion replaced.
    """
    promotion = roll_back(model, actor, reason, to)
    project(model)
    announce(CHAMPION_MOVED, model, {"to": promotion.to_sha256, "from": promotion.from_sha256, "by": actor})
    flush_alerts()
    return Completed(name="RolledBack", message=f"{promotion.to_sha256[:12]} is champion again")
