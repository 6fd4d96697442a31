"""The lines that Prefect writes under our logging configuration."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

PREFECT_SCRIPT = """
from prefect import flow, get_run_logger, task
@task
def inner():
    get_run_logger().info("from the task")
@flow
def outer():
    get_run_logger().info("from the flow")
    inner()
outer()
"""


def test_prefect_writes_each_line_once_as_json_with_its_run(prefect_variables: dict[str, str]) -> None:
    known = {**prefect_variables, "PREFECT_LOGGING_SETTINGS_PATH": "tasks/adapters/logging.yml"}
    words = [sys.executable, "-c", PREFECT_SCRIPT]
    run = subprocess.run(words, capture_output=True, text=True, check=True, env=known)
    lines = [json.loads(line) for line in run.stderr.splitlines() if line.startswith("{")]
    said = [str(line["message"]) for line in lines]
    assert (said.count("from the flow"), said.count("from the task")) == (1, 1)
    flow_line, task_line = (lines[said.index(text)] for text in ("from the flow", "from the task"))
    assert flow_line["flow_run_id"] == task_line["flow_run_id"]
    assert task_line["task_run_id"]
