"""What is missing, wrong or killed ends in a clear sentence and the right state, with nothing half-written."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import psutil
import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

DAY = timedelta(days=1)
OLD = datetime(2026, 1, 5, tzinfo=UTC)


def command(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """`evergreen …` as a person calls it."""
    environment = {**os.environ, **variables}
    return subprocess.run(
        [sys.executable, "-m", "tasks.cli.main", *words], capture_output=True, text=True, check=False, env=environment
    )


def window(start: datetime) -> str:
    return f"{start.isoformat()}/{(start + DAY).isoformat()}"


def one_picture(model: str, moment: datetime) -> None:
    """Production writes one picture and what was predicted on it."""
    from tasks.capture.capture import Capture
    from tasks.connections import store
    from tasks.domain.model import Kind

    picture = cv2.imencode(".png", np.random.default_rng(1).integers(0, 255, (64, 64, 3)).astype(np.uint8))[1]
    with Capture(model=model, model_version="1", kind=Kind.CLASSIFY, store=store(), wait_when_full=True) as capture:
        capture.record_arrays(
            None,
            {"probabilities": np.asarray([0.7, 0.3]), "size": (64, 64)},
            camera="left",
            captured_at=moment,
            encoded=picture.tobytes(),
            suffix="png",
            image_id="only-one",
        )


def test_a_window_without_any_picture_is_inconclusive_and_says_so(stack: Path) -> None:
    from tasks.connections import ledger
    from tasks.domain.window import Window

    done = command("monitor", "ghost", "--window", window(OLD))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Inconclusive")
    record = ledger().windows.get("ghost", Window(OLD, OLD + DAY))
    assert record is not None and record.state == "committed"
    assert record.facts is not None and (record.facts.listed, record.facts.accepted) == (0, 0)


def test_one_picture_is_too_little_to_judge_and_is_counted(stack: Path) -> None:
    from tasks.connections import ledger
    from tasks.domain.window import Window

    one_picture("lonely", OLD + timedelta(hours=7))
    done = command("monitor", "lonely", "--window", window(OLD))
    assert done.stdout.startswith("Inconclusive"), done.stdout + done.stderr
    record = ledger().windows.get("lonely", Window(OLD, OLD + DAY))
    assert record is not None and record.facts is not None
    assert (record.facts.listed, record.facts.accepted) == (1, 1)


def test_a_model_without_champion_is_not_evaluated_and_the_sentence_says_what_to_do(stack: Path) -> None:
    done = command("evaluate", "ghost")
    assert done.returncode == 0 and "evergreen adopt ghost" in done.stdout.replace("\n", " ")


def test_a_missing_bucket_fails_with_its_name_and_leaves_the_window_free(stack: Path) -> None:
    from tasks.connections import ledger
    from tasks.domain.window import Window
    from tasks.settings import settings

    script = (
        "from flows.monitor import monitor\n"
        f"print(monitor(model='ghost', window={window(OLD + DAY)!r}, return_state=True).message)"
    )
    environment = {
        **os.environ,
        "EVERGREEN_BUCKET": "no-such-bucket",
        "PREFECT_API_URL": settings().prefect_url,
        "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false",
    }
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, env=environment)
    assert "no-such-bucket" in done.stdout, done.stdout + done.stderr
    record = ledger().windows.get("ghost", Window(OLD + DAY, OLD + 2 * DAY))
    assert record is not None and record.state == "open" and record.revision == 0
    assert ledger().windows.claim("ghost", record.window, "test") is not None


def test_a_misspelt_variable_is_refused_with_the_known_ones(stack: Path) -> None:
    done = command("windows", "ghost", EVERGREEN_BUKET="x")
    assert done.returncode == 1
    assert "EVERGREEN_BUKET" in done.stderr and "EVERGREEN_BUCKET" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_window_that_has_not_ended_is_not_judged(stack: Path) -> None:
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    done = command("monitor", "ghost", "--window", window(today))
    assert done.returncode == 1 and "has not ended" in done.stdout


def test_a_monitor_that_is_killed_half_way_is_repeated_by_the_next_run(stack: Path) -> None:
    from tasks.connections import ledger, orchestrator
    from tasks.domain.window import Window

    day = OLD + 3 * DAY
    one_picture("killed", day + timedelta(hours=7))
    run = orchestrator().start("monitor/default", {"model": "killed", "window": window(day)})
    victim = _process_of("killed", Window(day, day + DAY))
    os.kill(victim, signal.SIGKILL)
    deadline = time.monotonic() + 120
    while not orchestrator().run(run.id).finished and time.monotonic() < deadline:
        time.sleep(0.5)
    assert orchestrator().run(run.id).state_type == "CRASHED"
    done = command("monitor", "killed", "--window", window(day))
    assert done.stdout.startswith("Inconclusive"), done.stdout + done.stderr
    record = ledger().windows.get("killed", Window(day, day + DAY))
    assert record is not None and (record.state, record.revision) == ("committed", 1)


def _process_of(model: str, judged: object) -> int:
    """The process that holds the window, as soon as there is one."""
    from tasks.connections import ledger

    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        record = ledger().windows.get(model, judged)  # type: ignore[arg-type]
        if record is not None and record.state == "claimed" and record.owner:
            number = int(record.owner.rpartition(":")[2])
            if psutil.pid_exists(number):
                return number
        time.sleep(0.05)
    raise AssertionError("nobody claimed the window")


@pytest.fixture(scope="module")
def own_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network that somebody trained elsewhere."""
    from tasks.adapters.yolo_load import ultralytics

    path = tmp_path_factory.mktemp("own") / "best.pt"
    ultralytics().YOLO("yolo11n-cls.yaml", task="classify", verbose=False).save(path)
    return path


@pytest.fixture(scope="module")
def adopted(stack: Path, own_weights: Path) -> dict[str, Any]:
    """What the import of that network said; it is champion of `own` now."""
    done = command("import-weights", "own", str(own_weights), "--imgsz", "64", "--json")
    assert done.returncode == 0, done.stderr
    assert command("adopt", "own", "--by", "Ada").returncode == 0
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_own_weights_become_a_version_that_can_be_adopted(adopted: dict[str, Any]) -> None:
    from tasks.connections import ledger, registry

    assert adopted["version"] == 1 and len(adopted["classes"]) == 1000
    champion = ledger().promotions.champion("own")
    assert champion is not None and champion.sha256 == adopted["sha256"]
    assert registry().aliases("own")["champion"] == 1


def test_own_weights_with_another_hash_are_refused(stack: Path, own_weights: Path) -> None:
    done = command("import-weights", "own", str(own_weights), "--sha256", "0" * 64)
    assert done.returncode == 1 and "Traceback" not in done.stderr


def test_a_second_network_of_ones_own_is_held_against_the_champion_and_few_labels_close_the_gate(
    adopted: dict[str, Any], tmp_path: Path
) -> None:
    from tasks.adapters.yolo_load import ultralytics

    path = tmp_path / "second.pt"
    ultralytics().YOLO("yolo11n-cls.yaml", task="classify", verbose=False).save(path)
    second = command("import-weights", "own", str(path), "--imgsz", "64")
    assert "next: evergreen shadow own" in second.stdout.replace("\n", " "), second.stderr
    told = json.loads(command("shadow", "own", "--json").stdout)
    assert (told["type"], told["state"]) == ("COMPLETED", "GateClosed"), told
