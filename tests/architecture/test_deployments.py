"""prefect.yaml and the flows agree; the server ignores unknown keys and accepts unknown parameters, so we look."""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect import Flow
from prefect.events import DeploymentTriggerTypes
from pydantic import TypeAdapter

ROOT = Path(__file__).parents[2]
SPEC = yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))
DEPLOYMENTS: list[dict[str, Any]] = SPEC["deployments"]
KNOWN_KEYS = {
    "name", "entrypoint", "description", "version", "tags", "work_pool", "parameters", "concurrency_limit",
    "schedules", "triggers",
}  # fmt: skip
SCHEDULE_KEYS = {"cron", "interval", "rrule", "timezone", "anchor_date", "active", "parameters", "slug"}


def flow_of(deployment: dict[str, Any]) -> Flow[..., Any]:
    module, _, name = deployment["entrypoint"].rpartition(".")
    found = getattr(importlib.import_module(module), name)
    assert isinstance(found, Flow)
    return found


@pytest.fixture(params=DEPLOYMENTS, ids=lambda d: d["entrypoint"])
def deployment(request: pytest.FixtureRequest) -> dict[str, Any]:
    return request.param  # type: ignore[no-any-return]


def test_a_deployment_has_only_keys_that_prefect_reads(deployment: dict[str, Any]) -> None:
    assert set(deployment) <= KNOWN_KEYS
    for schedule in deployment.get("schedules", []):
        assert set(schedule) <= SCHEDULE_KEYS


def test_every_parameter_named_in_the_yaml_is_in_the_flow_signature(deployment: dict[str, Any]) -> None:
    known = set(inspect.signature(flow_of(deployment).fn).parameters)
    named = set(deployment.get("parameters", {}))
    for schedule in deployment.get("schedules", []):
        named |= set(schedule.get("parameters", {}))
    for trigger in deployment.get("triggers", []):
        named |= set(trigger.get("parameters", {}))
    assert named <= known


def test_a_scheduled_flow_needs_no_parameter_that_the_yaml_does_not_give(deployment: dict[str, Any]) -> None:
    if not deployment.get("schedules"):
        return
    signature = inspect.signature(flow_of(deployment).fn)
    required = {name for name, p in signature.parameters.items() if p.default is inspect.Parameter.empty}
    assert required <= set(deployment.get("parameters", {}))


def test_every_flow_says_what_it_is(deployment: dict[str, Any]) -> None:
    assert flow_of(deployment).description
    assert deployment["description"]


def test_every_flow_file_is_deployed() -> None:
    flows = {path.stem for path in (ROOT / "flows").glob("*.py")} - {
        "__init__",
        "each_model",
        "events",
        "infer",
        "steps",
        "workers",
    }
    assert flows == {d["entrypoint"].split(".")[1] for d in DEPLOYMENTS}


def test_every_event_that_is_expected_is_one_that_flows_announce() -> None:
    announced = set(re.findall(r'"(evergreen\.[\w.]+)"', (ROOT / "flows/events.py").read_text(encoding="utf-8")))
    expected = {e for d in DEPLOYMENTS for t in d.get("triggers", []) for e in t["expect"]}
    assert expected and expected <= announced


def test_every_event_that_asks_for_a_flow_is_answered_by_one_trigger_that_names_the_model() -> None:
    wanted = {
        "evergreen.labels.arrived": "flows.evaluate.evaluate",
        "evergreen.performance.breached": "flows.retrain.retrain",
    }
    answered = [(e, d["entrypoint"], t) for d in DEPLOYMENTS for t in d.get("triggers", []) for e in t["expect"]]
    assert sorted((event, flow) for event, flow, _ in answered) == sorted(wanted.items())
    for _, _, trigger in answered:
        assert trigger["parameters"]["model"] == "{{ event.payload.model }}"
        assert (trigger["posture"], trigger["threshold"]) == ("Reactive", 1)
        assert trigger["for_each"] == ["prefect.resource.id"]
        assert trigger["match"] == {"prefect.resource.id": "evergreen.model.*"}


def test_prefect_itself_reads_every_trigger_as_it_is_written() -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(DeploymentTriggerTypes)
    for d in DEPLOYMENTS:
        for trigger in d.get("triggers", []):
            read = adapter.validate_python(trigger)
            assert set(trigger["expect"]) == read.expect
            assert read.parameters == trigger["parameters"]


def test_bare_template_expressions_are_of_types_that_prefect_can_serialise() -> None:
    for d in DEPLOYMENTS:
        for trigger in d.get("triggers", []):
            for template in trigger.get("parameters", {}).values():
                assert "event.id" not in template or "| string" in template
                assert "sla" not in d


def test_no_run_that_waits_for_a_person_is_watched_for_heartbeats() -> None:
    approval = next(d for d in DEPLOYMENTS if d["entrypoint"].endswith(".promote"))
    assert "watch" not in approval["tags"]
