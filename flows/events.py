"""The events that connect the flows; `prefect.yaml` says who listens."""

from __future__ import annotations

from typing import Any

from prefect.events import emit_event

PERFORMANCE_BREACHED = "evergreen.performance.breached"
LABELS_ARRIVED = "evergreen.labels.arrived"
WINDOW_JUDGED = "evergreen.window.judged"
CHAMPION_MOVED = "evergreen.champion.moved"


def announce(event: str, model: str, payload: dict[str, Any]) -> None:
    """Tell Prefect that something happened to a model; lost events are repeated by the next run, which sees it too."""
    emit_event(
        event,
        resource={"prefect.resource.id": f"evergreen.model.{model}", "prefect.resource.name": model},
        payload={"model": model, **payload},
    )
