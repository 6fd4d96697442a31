"""A window that is judged again where nothing changed costs no stage its work; what changed is looked at again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flows.monitor import MonitorRules
from tasks import connections
from tasks.adapters import recall
from tasks.concept.reading import Books, windows_of
from tasks.concept.rules import ConceptRules
from tasks.domain import few
from tasks.domain.contract_labels import LabelRecord
from tasks.drift.rules import DriftRules
from tasks.estimate.kept import draw_audit
from tasks.flicker import task as flicker
from tasks.ingest.shown import shown
from tasks.quality import task as quality
from tasks.settings import settings
from tasks.shadow import task as shadow
from tests.unit.flows.whole_plant import SECOND, Plant

ALL = dict.fromkeys(("quality", "drift", "page", "camera", "watch", "flicker", "outliers"), 1)


@pytest.fixture
def plant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Plant]:
    plant = Plant(tmp_path, monkeypatch)
    plant.pinned()
    plant.shoot(SECOND, range(64))
    yield plant
    connections.close()
    settings.cache_clear()


def stored(plant: Plant) -> tuple[Any, dict[str, str]]:
    """The newest verdict, and what was kept beside it but for the page, which is written for every revision."""
    record = connections.ledger().windows.get("m", SECOND)
    assert record is not None and record.facts is not None
    return record.verdict, {name: text for name, text in record.facts.artifacts.items() if name != "page"}


def test_judged_again_unchanged_no_stage_works_and_the_verdict_is_the_same(plant: Plant) -> None:
    assert plant.work(plant.judge) == ALL
    first, shown = stored(plant), plant.model.shown
    plant.bucket.reads.clear()
    assert plant.work(plant.judge) == {}
    assert stored(plant) == first
    assert plant.model.shown == shown
    assert [key for key in plant.bucket.reads if "/evergreen/" not in key] == [], "nothing of production is downloaded"


def test_one_picture_more_and_every_stage_looks_again(plant: Plant) -> None:
    plant.judge()
    before = plant.model.shown
    plant.shoot(SECOND, [150])
    assert plant.work(plant.judge) == ALL
    assert plant.model.shown == before + 1, "the others were measured before"


def test_other_rules_are_another_question_to_that_stage_alone(plant: Plant) -> None:
    plant.judge()
    strict = MonitorRules(drift=DriftRules(alpha=0.001))
    assert plant.work(lambda: plant.judge(rules=strict)) == {"drift": 1, "page": 1}
    assert plant.work(plant.judge) == {}, "the answers to the first question are still there"


def test_another_version_of_the_program_asks_everything_anew(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    plant.judge()
    monkeypatch.setattr(recall, "program", lambda: "newer")
    assert plant.work(plant.judge) == ALL


def test_a_page_that_was_tidied_away_is_drawn_again(plant: Plant) -> None:
    plant.judge()
    for key in [key for key in plant.bucket.objects if "/drift-" in key and key.endswith(".html")]:
        plant.bucket.delete(key)
    assert plant.work(plant.judge) == {"page": 1}


def test_no_stage_reads_a_large_window_whole(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    """Catalog and answers of a window that is larger than what is compared come in pieces, wherever they are read."""
    monkeypatch.setattr(few, "MOST", 20)
    monkeypatch.setattr(few, "LEAST", 10)
    monkeypatch.setattr(quality, "PIECE", 20)
    monkeypatch.setattr(flicker, "MOST_FRAMES", 20)
    plant.read.clear()
    plant.judge()
    draw_audit("m", 10, SECOND)
    record = connections.ledger().windows.get("m", SECOND)
    assert record is not None and record.facts is not None and record.facts.catalog is not None
    assert shadow._drawn(record.facts.catalog, 7).num_rows == 7
    rows = connections.tables().at(record.facts.catalog, [3], ["key", "image_id"]).to_pylist()
    said = LabelRecord.model_validate({"schema": 1, "key": rows[0]["key"], "kind": "detect", "verdict": "correct",
                                       "objects": [], "annotator": "kim", "labelled_at": SECOND.end})  # fmt: skip
    known = shown(connections.ledger(), connections.tables(), "m", [("labels/a.json#1", said)])
    assert known.ids == {rows[0]["key"]: rows[0]["image_id"]}
    assert known.answers[rows[0]["image_id"]]["detections"][0]["class_id"] == 1
    books = Books(ledger=connections.ledger(), store=connections.store(), tables=connections.tables())
    [seen] = [each.seen for each in windows_of(books, "m", {}, ConceptRules()) if each.seen.window == SECOND]
    assert seen.accepted == {"cam-0": 32, "cam-1": 32}
    assert plant.worked["flicker"] and plant.worked["quality"] > 1
    assert [ref for ref in plant.read if ref.schema in ("catalog", "predictions", "profiles") and ref.rows > 40] == []
