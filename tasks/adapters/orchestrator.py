"""The Prefect server as flows and people use it: start a deployment, look at a run, answer a run that waits."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tasks.adapters.prefect_http import PrefectHttp, asked_again
from tasks.domain.errors import ConfigError, NotFound, OrchestratorUnavailable, Stale

FINAL_STATES = frozenset({"COMPLETED", "FAILED", "CANCELLED", "CRASHED"})

PAUSES = (0.5, 1.0, 2.0)
"""Seconds between the attempts of one question."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One flow run: `state_type` is Prefect's (COMPLETED, PAUSED …), `state_name` ours (Degraded, Suspended …)."""

    id: str
    name: str
    flow: str
    state_type: str
    state_name: str
    message: str
    url: str
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @property
    def finished(self) -> bool:
        """It will not change any more."""
        return self.state_type in FINAL_STATES

    @property
    def waiting(self) -> bool:
        """A person is asked."""
        return self.state_type == "PAUSED"


class Orchestrator:
    """A Prefect server by its API address (ending in `/api`)."""

    def __init__(self, api_url: str, auth: str | None = None) -> None:
        self._http = PrefectHttp(api_url, auth)

    def start(self, deployment: str, parameters: dict[str, Any], idempotency_key: str | None = None) -> Run:
        """Start `flow/deployment`; the same idempotency key gives the same run.

        Raises:
            NotFound: no deployment of that name.
            ConfigError: a parameter that the flow does not have, or of the wrong type.
        """
        found = self._call("GET", f"/deployments/name/{deployment}", missing=f"deployment {deployment}")
        known = set(found.get("parameter_openapi_schema", {}).get("properties", {}))
        if unknown := sorted(set(parameters) - known):
            raise ConfigError(f"{deployment} has no parameter {', '.join(unknown)}; it has {', '.join(sorted(known))}")
        key = idempotency_key or str(uuid.uuid4())  # a repeated request must not start a second run
        body = {"parameters": parameters, "idempotency_key": key}
        created = self._call("POST", f"/deployments/{found['id']}/create_flow_run", body)
        return self._run(created)

    def configure(self, deployment: str, parameters: Mapping[str, Any]) -> None:
        """Set default parameters of a deployment, as editing `prefect.yaml` and deploying again would."""
        found = self._call("GET", f"/deployments/name/{deployment}", missing=f"deployment {deployment}")
        merged = {**(found.get("parameters") or {}), **parameters}
        self._call("PATCH", f"/deployments/{found['id']}", {"parameters": merged})

    def hold(self, deployment: str, held: bool) -> None:
        """Stop a deployment's schedules, or let them go on; runs that are asked for by name start all the same."""
        found = self._call("GET", f"/deployments/name/{deployment}", missing=f"deployment {deployment}")
        self._call("POST", f"/deployments/{found['id']}/{'pause' if held else 'resume'}_deployment", {})

    def run(self, run_id: str) -> Run:
        """The run as it is now."""
        return self._run(self._call("GET", f"/flow_runs/{run_id}", missing=f"flow run {run_id}"))

    def runs(self, flow: str, states: tuple[str, ...] = (), limit: int = 50, model: str | None = None) -> list[Run]:
        """The newest `limit` runs of a flow, optionally only those in the given state types.

        All models share a deployment, and the server cannot look into parameters: with `model`, those of the newest
        `limit` runs that were asked for that model.
        """
        body: dict[str, Any] = {"flows": {"name": {"any_": [flow]}}, "sort": "START_TIME_DESC", "limit": limit}
        if states:
            body["flow_runs"] = {"state": {"type": {"any_": list(states)}}}
        runs = [self._run({**found, "flow_name": flow}) for found in self._call("POST", "/flow_runs/filter", body)]
        return [run for run in runs if model is None or run.parameters.get("model") == model]

    def unfinished(self, flow: str, within: timedelta, limit: int = 200) -> list[Run]:
        """Runs of a flow that were asked for within that time and may still do something: queued, running, waiting."""
        since = (datetime.now(UTC) - within).isoformat()
        body = {
            "flows": {"name": {"any_": [flow]}},
            "flow_runs": {
                "state": {"type": {"not_any_": sorted(FINAL_STATES)}},
                "expected_start_time": {"after_": since},
            },
            "sort": "EXPECTED_START_TIME_DESC",
            "limit": limit,
        }
        return [self._run({**found, "flow_name": flow}) for found in self._call("POST", "/flow_runs/filter", body)]

    def answer(self, run_id: str, answer: dict[str, Any]) -> None:
        """Resume a run that waits for a person with that answer.

        Raises:
            Stale: the run does not wait any more, or the server refused the answer (it says why).
        """
        reply = self._call("POST", f"/flow_runs/{run_id}/resume", {"run_input": answer}, missing=f"flow run {run_id}")
        if reply.get("status") != "ACCEPT":
            reason = (reply.get("details") or {}).get("reason", "no reason given")
            raise Stale(f"run {run_id} did not take the answer: {reason}")

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    def healthy(self) -> bool:
        """The server answers a question that needs its database."""
        try:
            self._call("POST", "/work_pools/filter", {"limit": 1})
        except (OrchestratorUnavailable, ConfigError, NotFound):
            return False
        return True

    def run_url(self, run_id: str) -> str:
        """The page of a run in the Prefect UI."""
        return f"{self._http.url.removesuffix('/api')}/v2/runs/flow-run/{run_id}"

    def _run(self, data: dict[str, Any]) -> Run:
        state = data.get("state") or {}
        return Run(
            id=data["id"],
            name=data.get("name") or "",
            flow=data.get("flow_name") or "",
            state_type=data.get("state_type") or state.get("type") or "SCHEDULED",
            state_name=data.get("state_name") or state.get("name") or "Scheduled",
            message=state.get("message") or "",
            url=self.run_url(data["id"]),
            parameters=data.get("parameters") or {},
        )

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None, missing: str = "") -> Any:
        """One question, asked again while the server is busy or away for a moment."""
        return asked_again(lambda: self._http.ask(method, path, body, missing), OrchestratorUnavailable, PAUSES)
