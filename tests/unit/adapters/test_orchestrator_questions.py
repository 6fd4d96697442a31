"""What is asked of Prefect is what its server understands."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from prefect.server.schemas.filters import FlowFilter, FlowRunFilter
from prefect.server.schemas.sorting import FlowRunSort

from tasks.adapters.orchestrator import FINAL_STATES, Orchestrator

QUEUED = {
    "id": "5f2b", "name": "calm-fox", "state_type": "SCHEDULED", "state_name": "AwaitingConcurrencySlot",
    "parameters": {"model": "welds"},
}  # fmt: skip


@pytest.fixture
def asked() -> list[dict[str, object]]:
    return []


@pytest.fixture
def server(asked: list[dict[str, object]]) -> Orchestrator:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/csrf-token"):
            return httpx.Response(422)
        asked.append(json.loads(request.content))
        return httpx.Response(200, json=[QUEUED])

    orchestrator = Orchestrator("http://127.0.0.1:1/api")
    orchestrator.close()
    orchestrator._http.connection = httpx.Client(base_url=orchestrator._http.url, transport=httpx.MockTransport(answer))
    return orchestrator


def test_unfinished_runs_come_with_their_parameters(server: Orchestrator) -> None:
    [run] = server.unfinished("retrain", timedelta(hours=24))
    server.close()
    assert (run.flow, run.parameters["model"], run.finished) == ("retrain", "welds", False)


def test_the_question_for_unfinished_runs_is_one_that_prefect_reads(
    server: Orchestrator, asked: list[dict[str, object]]
) -> None:
    server.unfinished("retrain", timedelta(hours=24))
    server.close()
    [body] = asked
    runs, flows = FlowRunFilter.model_validate(body["flow_runs"]), FlowFilter.model_validate(body["flows"])
    assert runs.state and runs.state.type and runs.expected_start_time and flows.name
    assert {each.value for each in runs.state.type.not_any_ or ()} == FINAL_STATES
    assert runs.expected_start_time.after_ is not None
    assert datetime.now(UTC) - runs.expected_start_time.after_ > timedelta(hours=23)
    assert flows.name.any_ == ["retrain"]
    assert body["sort"] in {each.value for each in FlowRunSort}


def test_runs_of_one_model_are_told_from_those_of_others_that_share_the_deployment(server: Orchestrator) -> None:
    assert [run.id for run in server.runs("shadow", model="welds")] == [run.id for run in server.runs("shadow")]
    assert server.runs("shadow", model="caps") == []
    server.close()
