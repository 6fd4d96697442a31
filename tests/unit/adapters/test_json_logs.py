"""One JSON object a line, with ECS names, and nothing in it that a terminal would obey."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

SCRIPT = """
import logging, sys
from tasks.adapters.logs import configure_logging
configure_logging("INFO")
log = logging.getLogger("tasks.ingest")
log.info("pulled %d", 7, extra={"window": "w1", "camera": "line-1"})
log.debug("not shown")
log.info("first\\nsecond \\x1b[31mred \\u202e")
logging.getLogger("httpx").info("HTTP Request: POST https://hooks.slack.com/services/canary")
logging.getLogger("somebody.else").info("not shown")
logging.getLogger("somebody.else").warning("shown")
try:
    1 / 0
except ZeroDivisionError:
    log.exception("broke")
print("prefect" in sys.modules)
"""


@pytest.fixture(scope="module")
def answer() -> tuple[str, list[dict[str, object]]]:
    environment = {"PREFECT__FLOW_RUN_ID": "0c0ffee0", "PATH": "/usr/bin"}
    run = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True, env=environment)
    return run.stdout, [json.loads(line) for line in run.stderr.splitlines()]


def test_every_line_is_one_json_object_with_ecs_names(answer: tuple[str, list[dict[str, object]]]) -> None:
    _, lines = answer
    assert lines[0]["message"] == "pulled 7"
    for line in lines:
        assert {"@timestamp", "log.level", "message", "ecs.version"} <= set(line)


def test_extras_and_the_flow_run_are_on_the_line(answer: tuple[str, list[dict[str, object]]]) -> None:
    first = answer[1][0]
    assert (first["window"], first["camera"], first["flow_run_id"]) == ("w1", "line-1", "0c0ffee0")


def test_control_characters_are_shown_and_not_obeyed(answer: tuple[str, list[dict[str, object]]]) -> None:
    message = str(answer[1][1]["message"])
    assert message == "first\nsecond \\x1b[31mred \\u202e"


def test_addresses_that_httpx_calls_and_chatter_of_others_are_kept_out(
    answer: tuple[str, list[dict[str, object]]],
) -> None:
    said = [line["message"] for line in answer[1]]
    assert said[2:] == ["shown", "broke"]


def test_an_exception_keeps_its_trace(answer: tuple[str, list[dict[str, object]]]) -> None:
    error = answer[1][-1]["error"]
    assert isinstance(error, dict)
    assert error["type"] == "ZeroDivisionError"


def test_logging_does_not_import_prefect(answer: tuple[str, list[dict[str, object]]]) -> None:
    assert answer[0].strip() == "False"
