"""The command line answers people in sentences and programs in JSON."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tasks.adapters.ledger.store import Ledger


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """An installation whose servers are all down; only the ledger is there."""
    url = f"sqlite:///{tmp_path}/ledger.db"
    Ledger.upgrade(url)
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("EVERGREEN_", "PREFECT_"))}
    return {
        **clean,
        "EVERGREEN_HOME": str(tmp_path),
        "EVERGREEN_BUCKET": "b",
        "EVERGREEN_LEDGER_URL": url,
        "EVERGREEN_MLFLOW_URL": "http://127.0.0.1:9",
        "EVERGREEN_PREFECT_URL": "http://127.0.0.1:9/api",
    }


def evergreen(environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tasks.cli.main", *words], capture_output=True, text=True, check=False, env=environment
    )


def test_help_names_every_group_and_imports_no_heavy_client() -> None:
    script = "import sys; from tasks.cli.main import app; app.help_print(); print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert all(title in done.stdout for title in ("Embedded stack", "Loop", "Decisions", "Upkeep"))
    heavy = ("'torch'", "'prefect'", "'mlflow'", "'ultralytics'", "'evidently'", "'great_expectations'", "'boto3'")
    assert not [name for name in heavy if name in done.stdout]


def test_windows_of_a_model_that_nobody_judged_are_an_empty_list(home: dict[str, str]) -> None:
    done = evergreen(home, "windows", "m", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == []


def test_the_schema_is_json(home: dict[str, str]) -> None:
    schemas = json.loads(evergreen(home, "schema").stdout)
    assert {"prediction", "label"} <= set(schemas)
    assert "image_id" in schemas["prediction"]["properties"]


def test_a_server_that_is_away_is_one_sentence_with_its_address_and_exit_code_1(home: dict[str, str]) -> None:
    done = evergreen(home, "monitor", "m")
    assert done.returncode == 1
    assert "127.0.0.1:9" in done.stderr and "Traceback" not in done.stderr


def test_without_any_setting_the_message_says_what_to_start(home: dict[str, str], tmp_path: Path) -> None:
    bare = {name: value for name, value in home.items() if not name.startswith("EVERGREEN_")}
    done = evergreen({**bare, "EVERGREEN_HOME": str(tmp_path / "none")}, "windows", "m")
    assert done.returncode == 1 and "evergreen up" in done.stderr


def test_rollback_without_an_earlier_champion_is_refused(home: dict[str, str]) -> None:
    done = evergreen(home, "rollback", "m", "--by", "Ada", "--reason", "test")
    assert done.returncode == 1 and "no earlier champion" in done.stderr


def test_secrets_of_the_settings_are_not_shown(home: dict[str, str]) -> None:
    script = "from tasks.settings import load; print(repr(load()))"
    environment = {**home, "EVERGREEN_S3_SECRET_KEY": "canary-1234567890"}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment)
    assert "canary" not in done.stdout


def test_logs_are_sentences_for_people_whatever_wrote_them(home: dict[str, str]) -> None:
    record = {"@timestamp": "T", "log.level": "error", "message": "broke", "flow_run_name": "lazy-owl"}
    lines = ["Worker 'cpu' started!", json.dumps({**record, "error": {"stack_trace": "Traceback\n"}}), "[1, 2]", "{"]
    log = Path(home["EVERGREEN_HOME"]) / "logs" / "cpu.log"
    log.parent.mkdir()
    log.write_text("\n".join(lines) + "\n")
    assert evergreen(home, "logs", "cpu").stdout.splitlines() == [
        lines[0],
        "T error [lazy-owl] broke",
        "Traceback",
        *lines[2:],
    ]
