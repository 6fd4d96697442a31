"""JSON logs with ECS field names, the same for flows, commands and servers."""

from __future__ import annotations

import logging
import logging.config
import os
import re
from pathlib import Path
from string import Template
from typing import Any

import yaml
from ecs_logging import StdlibFormatter

LOGGING_FILE = Path(__file__).with_name("logging.yml")
"""What PREFECT_LOGGING_SETTINGS_PATH should name."""

RUN_VARIABLE = "PREFECT__FLOW_RUN_ID"
"""Where a Prefect worker writes the run that a process was started for."""

_UNSEEN = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


class EcsFormatter(StdlibFormatter):
    """One line of JSON a record; control characters in messages (ANSI, text direction) are shown, not obeyed.

    Prefect's identifiers keep their names: `flow_run_id`, `flow_run_name`, `task_run_id`, `task_run_name`.
    """

    def __init__(self) -> None:
        super().__init__(exclude_fields=["process.thread", "log.original"], stack_trace_limit=50)

    def format_to_ecs(self, record: logging.LogRecord) -> dict[str, Any]:
        """The record as ECS fields."""
        fields: dict[str, Any] = super().format_to_ecs(record)
        fields["message"] = _UNSEEN.sub(lambda found: repr(found.group())[1:-1], str(fields.get("message", "")))
        fields["event.dataset"] = "evergreen"
        if run := os.environ.get(RUN_VARIABLE):
            fields.setdefault("flow_run_id", run)
        return fields


def configure_logging(level: str = "INFO") -> None:
    """JSON logs on standard error for this process, our own at `level`, others from WARNING on.

    Prefect is not imported: its handlers are left out of the file's configuration.

    Raises:
        ValueError: an unknown level.
    """
    config = _without_prefect(yaml.safe_load(Template(LOGGING_FILE.read_text("utf-8")).substitute(_levels(level))))
    for name in ("tasks", "flows"):
        config["loggers"][name]["level"] = level
    logging.config.dictConfig(config)


def _levels(level: str) -> dict[str, str]:
    return {"PREFECT_LOGGING_LEVEL": level, "PREFECT_SERVER_LOGGING_LEVEL": "WARNING"}


def _without_prefect(config: dict[str, Any]) -> dict[str, Any]:
    foreign = {name for name, handler in config["handlers"].items() if str(handler["class"]).startswith("prefect.")}
    config["handlers"] = {name: handler for name, handler in config["handlers"].items() if name not in foreign}
    for logger in config["loggers"].values():
        if "handlers" in logger:
            logger["handlers"] = [name for name in logger["handlers"] if name not in foreign]
    return config
