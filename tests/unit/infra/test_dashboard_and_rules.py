"""Dashboards and alert rules ask only for what the exporter exposes, in a language that Prometheus understands."""

from __future__ import annotations

import importlib.util
import itertools
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from tasks.adapters.metrics_catalogue import CATALOGUE

INFRA = Path("infra")
RULES = INFRA / "prometheus/rules/evergreen.rules.yml"
CASES = INFRA / "prometheus/tests/evergreen.test.yml"
OTHERS = {"up"}
needs_promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")


@pytest.fixture(scope="module")
def program() -> ModuleType:
    spec = importlib.util.spec_from_file_location("build_dashboard", INFRA / "grafana/build_dashboard.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    import sys

    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def board() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((INFRA / "grafana/dashboards/evergreen.json").read_text("utf-8"))
    return found


def rules() -> Iterator[dict[str, Any]]:
    for group in yaml.safe_load(RULES.read_text("utf-8"))["groups"]:
        yield from group["rules"]


def expressions(board: dict[str, Any]) -> list[str]:
    return [target["expr"] for panel in board["panels"] for target in panel["targets"]]


def metrics_in(expression: str) -> set[str]:
    bare = re.sub(r"\{[^}]*\}|\"[^\"]*\"", "", expression)
    return set(re.findall(r"\b(?:evergreen[\w:]*|up)\b", bare))


def known() -> set[str]:
    return set(CATALOGUE) | OTHERS | {rule["record"] for rule in rules() if "record" in rule}


def test_the_dashboard_is_what_its_program_writes(program: ModuleType, board: dict[str, Any]) -> None:
    assert board == json.loads(json.dumps(program.dashboard()))


def test_every_panel_has_its_own_id_its_own_place_and_a_question(board: dict[str, Any]) -> None:
    panels = board["panels"]
    assert len({panel["id"] for panel in panels}) == len({panel["title"] for panel in panels}) == len(panels)
    for panel in panels:
        assert panel["targets"]
        assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])
        assert panel["fieldConfig"]["defaults"]["unit"]
    for one, other in itertools.combinations([panel["gridPos"] for panel in panels], 2):
        apart = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        assert apart or one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]


def test_the_data_source_is_a_choice_of_the_reader(board: dict[str, Any]) -> None:
    asked = [panel["datasource"] for panel in board["panels"]]
    asked += [target["datasource"] for panel in board["panels"] for target in panel["targets"]]
    assert {source["uid"] for source in asked} == {"${datasource}"}


def test_lines_heat_maps_and_histograms_are_there(board: dict[str, Any]) -> None:
    assert {"timeseries", "heatmap", "histogram", "status-history", "stat"} <= {p["type"] for p in board["panels"]}


def test_dashboard_and_rules_ask_only_for_metrics_that_exist(board: dict[str, Any]) -> None:
    for expression in [*expressions(board), *(rule["expr"] for rule in rules())]:
        found = metrics_in(expression)
        assert found
        assert found <= known()


def test_dashboard_and_rules_filter_only_by_labels_that_exist(board: dict[str, Any]) -> None:
    for expression in [*expressions(board), *(rule["expr"] for rule in rules())]:
        for name, selector in re.findall(r"\b(evergreen_\w+)\{([^}]*)\}", expression):
            assert set(re.findall(r"(\w+)\s*[=!]", selector)) <= set(CATALOGUE[name].labels)


def test_every_alert_has_a_severity_a_case_and_a_place_in_the_runbook() -> None:
    alerts = [rule for rule in rules() if "alert" in rule]
    tested = {
        case["alertname"]
        for test in yaml.safe_load(CASES.read_text("utf-8"))["tests"]
        for case in test.get("alert_rule_test", ())
        if case.get("exp_alerts")
    }
    runbook = Path("docs/runbook.md").read_text("utf-8")
    anchors = {
        re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in re.findall(r"^#+ (.+)$", runbook, re.M)
    }
    for alert in alerts:
        assert alert["alert"] in tested
        assert alert["labels"]["severity"] in {"warning", "critical"}
        anchor = alert["annotations"]["runbook"].removeprefix("docs/runbook.md#")
        assert anchor in anchors | {"{{ $labels.action }}"}


@needs_promtool
def test_every_question_of_the_dashboard_is_promql(board: dict[str, Any], tmp_path: Path) -> None:
    asked = [{"record": f"q:{at}", "expr": expr.replace("$model", ".*")} for at, expr in enumerate(expressions(board))]
    file = tmp_path / "asked.rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "asked", "rules": asked}]}))
    answer = subprocess.run(["promtool", "check", "rules", str(file)], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr


@needs_promtool
@pytest.mark.parametrize(
    "words",
    [["check", "config", "prometheus.yml"], ["check", "rules", "rules/evergreen.rules.yml"],
     ["test", "rules", "tests/evergreen.test.yml"]],
)  # fmt: skip
def test_prometheus_accepts_the_configuration_and_its_rules_behave(words: list[str]) -> None:
    folder = INFRA / "prometheus"
    answer = subprocess.run(["promtool", *words], cwd=folder, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr


@pytest.mark.parametrize("file", sorted(INFRA.rglob("*.yml")), ids=str)
def test_every_example_is_yaml(file: Path) -> None:
    assert yaml.safe_load(file.read_text("utf-8"))
