"""Tables that MLflow compares: written once in the form that it reads, however often they are logged."""

from __future__ import annotations

import json
from typing import Any

from tasks.adapters.registry_runs import write_tables
from tasks.domain.comparing import Sheet

PARTS = Sheet(
    name="parts", columns=("dataset", "name", "value"), rows=(("golden", "crack", 0.5), ("golden", "x", None))
)


class Runs:
    """What a client was told, run by run."""

    def __init__(self) -> None:
        self.files: dict[str, Any] = {}
        self.tags: dict[str, str] = {}

    def log_dict(self, run_id: str, data: Any, name: str) -> None:
        self.files[f"{run_id}/{name}"] = json.loads(json.dumps(data))

    def set_tag(self, run_id: str, name: str, value: str) -> None:
        self.tags[f"{run_id}/{name}"] = value


def test_the_same_table_twice_changes_nothing() -> None:
    runs = Runs()
    write_tables(runs, "r", [PARTS])
    once = (dict(runs.files), dict(runs.tags))
    write_tables(runs, "r", [PARTS])
    assert (runs.files, runs.tags) == once


def test_a_table_has_the_form_and_the_tag_that_mlflow_looks_for() -> None:
    from mlflow.utils.mlflow_tags import MLFLOW_LOGGED_ARTIFACTS

    runs = Runs()
    write_tables(runs, "r", [PARTS])
    rows = [["golden", "crack", 0.5], ["golden", "x", None]]
    assert runs.files == {"r/parts.json": {"columns": ["dataset", "name", "value"], "data": rows}}
    assert json.loads(runs.tags[f"r/{MLFLOW_LOGGED_ARTIFACTS}"]) == [{"path": "parts.json", "type": "table"}]


def test_an_evaluation_without_tables_leaves_the_run_alone() -> None:
    runs = Runs()
    write_tables(runs, "r", [])
    assert (runs.files, runs.tags) == ({}, {})
