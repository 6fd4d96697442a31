"""The whole loop on real servers, made small: decay, diagnosis, retraining, comparison, approval in a browser."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.browser import approve_in_browser, picture_of
from tests.e2e.teller import Notes
from tests.e2e.tiny_world import BROKEN, Tiny

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(2400)]

APPROVER = "Ada Lovelace"


@dataclass
class Lived:
    """What was seen on the way."""

    folder: Path
    states: dict[str, list[str]] = field(default_factory=dict)
    sentences: dict[str, str] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    champions: dict[str, str] = field(default_factory=dict)
    pages: dict[str, str] = field(default_factory=dict)
    form: str = ""
    learnt: dict[str, Any] = field(default_factory=dict)
    without_labels: dict[str, Any] = field(default_factory=dict)


@pytest.fixture(scope="module")
def lived(stack: Path, chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lived]:
    from tasks.scenarios.story import Story

    seen = Lived(folder=tmp_path_factory.mktemp("pictures"))
    story = Story(Tiny(datetime.now(UTC)), Notes())
    _decay(story, seen)
    _approve(story, seen, chromium)
    _recover(story, seen)
    yield seen


def _decay(story: Any, seen: Lived) -> None:
    from tasks.connections import ledger, orchestrator

    story.hold_schedules(True)
    story.configure()
    story.commission()
    story.first_champion()
    seen.champions["first"] = ledger().promotions.champion("tiny").sha256
    _live(story, seen, "accepted")
    story.accept()
    _live(story, seen, "healthy", "camera", "changed")
    seen.numbers["versions before labels"] = len(ledger().versions.list("tiny"))
    seen.numbers["retrains before labels"] = len(orchestrator().runs("retrain", model="tiny"))
    story.label("changed")
    seen.states["evaluate"] = [story.evaluate().state_name]
    seen.learnt = json.loads(_told("estimate", "tiny", "--json"))["calibration"]
    story.approval()


def _live(story: Any, seen: Lived, *keys: str) -> None:
    """Chapters of one day each."""
    for key, day in zip(keys, story.live(*keys), strict=True):
        seen.states[key] = [day.state_name]
        seen.sentences[key] = day.sentence


def _approve(story: Any, seen: Lived, chromium: str) -> None:
    from tasks.connections import ledger, orchestrator, registry
    from tasks.report.records import window_links
    from tasks.scenarios.story import wait_until

    request = ledger().approvals.pending("tiny")[0]
    url = orchestrator().run_url(request.flow_run_id)
    seen.pages = {link.label: link.url for link in window_links("tiny")}
    numbers = [row.ref.version for row in ledger().versions.list("tiny")]
    seen.pages["compare"] = registry().compare_url("tiny", [number for number in numbers if number])
    seen.pages["evaluation"] = json.loads(_told("evaluation", "tiny", "--json"))["page"]
    seen.form = approve_in_browser(chromium, url, APPROVER, "seen in the browser", seen.folder)
    wait_until(lambda: orchestrator().run(request.flow_run_id).finished, lambda by: None)
    seen.states["promote"] = [orchestrator().run(request.flow_run_id).state_name]
    seen.pages["compare text"] = picture_of(chromium, seen.pages["compare"], seen.folder / "mlflow-compare.png")
    picture_of(chromium, url, seen.folder / "prefect-run.png")
    picture = seen.folder / "evaluation-report.png"
    seen.pages["evaluation text"] = picture_of(chromium, seen.pages["evaluation"], picture, size=(1060, 1400))
    picture_of(chromium, seen.pages["page"], seen.folder / "window-report.png", size=(1100, 1400))
    seen.pages["evidently text"] = picture_of(chromium, seen.pages["evidently"], seen.folder / "evidently.png", 8000)
    pictures = os.environ.get("TEST_PICTURES")
    if pictures:
        for picture in seen.folder.glob("*.png"):
            (Path(pictures) / picture.name).write_bytes(picture.read_bytes())


def _recover(story: Any, seen: Lived) -> None:
    from tasks.connections import ledger

    seen.champions["approved"] = ledger().promotions.champion("tiny").sha256
    seen.numbers["alias after approval"], seen.champions["alias after approval"] = _behind_the_alias()
    story.evaluate()
    _live(story, seen, "after")
    seen.without_labels = json.loads(_told("estimate", "tiny", "--json"))
    _told("rollback", "tiny", "--by", APPROVER, "--reason", "test")
    seen.champions["rolled back"] = ledger().promotions.champion("tiny").sha256
    seen.numbers["alias after rollback"], seen.champions["alias after rollback"] = _behind_the_alias()


def _behind_the_alias() -> tuple[int, str]:
    """Number and SHA-256 of the version that MLflow calls champion."""
    from tasks.connections import registry
    from tasks.scenarios.story import champion_version

    number = champion_version("tiny")
    return number, next(one.sha256 for one in registry().versions("tiny") if one.version == number)


def _told(*words: str) -> str:
    """What a command prints."""
    command = [sys.executable, "-m", "tasks.cli.main", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_quiet_days_are_healthy_and_nothing_retrains(lived: Lived) -> None:
    assert lived.states["healthy"] == ["Healthy"]
    assert lived.numbers["versions before labels"] == 1


def test_a_camera_that_goes_dark_is_a_camera_fault_and_names_the_camera(lived: Lived) -> None:
    assert lived.states["camera"] == ["Degraded"]
    assert BROKEN in lived.sentences["camera"] and "camera" in lived.sentences["camera"].lower()
    assert "Retrain on" not in lived.sentences["camera"]


def test_a_new_product_is_seen_and_asks_for_labels_before_anything_else(lived: Lived) -> None:
    assert lived.states["changed"] == ["Degraded"]
    assert "abel" in lived.sentences["changed"]
    assert lived.numbers["retrains before labels"] == 1  # the one that made the first version


def test_labels_show_the_damage_and_start_the_chain_by_an_event(lived: Lived) -> None:
    assert lived.states["evaluate"] == ["Degraded"]
    assert lived.states["promote"] == ["Promoted"]


def test_the_version_is_calibrated_for_estimates_without_labels(lived: Lived) -> None:
    assert lived.learnt["metric"] == "accuracy" and lived.learnt["labelled_images"] >= 100
    assert 0 < lived.learnt["quality"] <= 1


def test_the_new_champion_has_a_number_without_labels_for_the_product_that_it_was_trained_for(lived: Lived) -> None:
    told = lived.without_labels
    assert told["calibration"]["labelled_images"] > lived.learnt["labelled_images"] - 20, "what was recent counts still"
    assert told["flag"] in ("valid", "extrapolating"), told["sentence"]
    assert told["value"] > 0.9, told["sentence"]


def test_the_form_in_the_browser_shows_the_evidence(lived: Lived) -> None:
    assert "recent" in lived.form and "golden" in lived.form and "accuracy" in lived.form.lower()


def test_the_alias_moves_with_the_approval_and_back_with_one_command(lived: Lived) -> None:
    assert lived.champions["approved"] != lived.champions["first"]
    assert lived.champions["rolled back"] == lived.champions["first"]
    assert (lived.numbers["alias after approval"], lived.numbers["alias after rollback"]) == (2, 1)
    assert lived.champions["alias after approval"] == lived.champions["approved"]
    assert lived.champions["alias after rollback"] == lived.champions["first"]


def test_the_days_after_the_promotion_are_healthy(lived: Lived) -> None:
    assert lived.states["after"] == ["Healthy"]


def test_the_challenger_beats_the_champion_on_recent_labels_and_keeps_the_golden_ones(lived: Lived) -> None:
    from tasks.connections import ledger

    def headline(sha256: str, dataset: str) -> float:
        found = ledger().evaluations.latest("tiny", sha256, dataset)
        assert found is not None
        return found.headline.value

    old, new = lived.champions["first"], lived.champions["approved"]
    assert headline(new, "recent") > headline(old, "recent") + 0.1
    assert headline(new, "golden") >= headline(old, "golden") - 0.03


def test_the_audit_names_who_approved_and_its_chain_is_unbroken(lived: Lived) -> None:
    from tasks.connections import ledger

    ledger().decisions.verify()
    moves = ledger().promotions.history("tiny")
    assert sorted(move.kind.value for move in moves) == ["bootstrap", "promote", "rollback"]
    assert next(move.actor for move in moves if move.kind.value == "promote") == APPROVER


def test_mlflow_shows_both_versions_side_by_side(lived: Lived) -> None:
    from tasks.connections import registry
    from tasks.settings import settings

    assert "Comparing 2 Versions" in lived.pages["compare text"]
    for version in registry().versions("tiny"):
        address = f"{settings().mlflow_url}/api/2.0/mlflow/runs/get"
        run = httpx.get(address, params={"run_id": version.run_id}, trust_env=False).json()["run"]
        assert {"golden/accuracy", "recent/accuracy"} <= {metric["key"] for metric in run["data"]["metrics"]}


def test_reports_are_served_to_the_browser_and_carry_no_foreign_address(lived: Lived) -> None:
    class Sources(HTMLParser):
        def __init__(self) -> None:
            super().__init__()
            self.found: list[str] = []

        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            self.found += [v for k, v in attrs if k in ("src", "href") and v and tag in ("img", "script", "link")]

    page = httpx.get(lived.pages["page"], trust_env=False)
    assert page.status_code == 200 and "sandbox" in page.headers["content-security-policy"]
    parser = Sources()
    parser.feed(page.text)
    assert parser.found and all(source.startswith("data:") for source in parser.found)
    assert len(lived.pages["evidently text"]) > 200


def test_the_champions_evaluation_has_a_page_with_what_it_gets_wrong(lived: Lived) -> None:
    text = lived.pages["evaluation text"]
    for said in ("fresh labels", "golden set", "when it became champion", "What went wrong", "is cross, answered ring"):
        assert said in text, said


def test_metrics_are_exposed_for_prometheus(lived: Lived, stack: Path) -> None:
    from tasks.settings import settings

    text = httpx.get(f"{settings().pages_url}/metrics", trust_env=False).text
    assert "evergreen_window_outcome{" in text and 'model="tiny"' in text
