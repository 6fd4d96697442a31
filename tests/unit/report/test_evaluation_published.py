"""From the ledger to the page of an evaluation, and from every window to that page."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tasks.adapters.images import ImageCache
from tasks.adapters.ledger.records import WindowFacts
from tasks.adapters.ledger.store import Ledger
from tasks.cli import figures_commands
from tasks.domain.portrait import portrait_bytes, portrait_key
from tasks.report import evaluations, records
from tasks.report import task as stage
from tasks.report.evaluation_page import page_key
from tests.fakes.memory_store import MemoryStore
from tests.unit.ledger.ledger_cases import MODEL, bootstrap
from tests.unit.report.test_evaluation_page import evaluation, portrait, shot
from tests.unit.report.test_report_pages import watched


class Place:
    """A ledger with a champion, a bucket, and what Prefect was shown."""

    def __init__(self, folder: Path) -> None:
        url = f"sqlite:///{folder / 'ledger.db'}"
        Ledger.upgrade(url)
        self.book, self.bucket = Ledger.open(url), MemoryStore()
        self.images = ImageCache(self.bucket, folder / "images")  # type: ignore[arg-type]
        bootstrap(self.book)
        champion = self.book.promotions.champion(MODEL)
        assert champion is not None
        self.champion = champion
        self.shown: list[str] = []

    def measured(self, dataset: str, value: float, digest: str) -> None:
        kept = replace(evaluation(dataset, value, digest=digest), model_sha256=self.champion.sha256)
        self.book.evaluations.save(MODEL, kept)
        picture = io.BytesIO()
        Image.fromarray(np.zeros((300, 300, 3), np.uint8)).save(picture, "JPEG")
        self.bucket.put("m/images/c/there.jpg", picture.getvalue())
        seen = replace(portrait(), misses=(replace(shot("there"), photo=replace(shot("there").photo, sha256="")),))
        self.bucket.put(portrait_key(MODEL, kept), portrait_bytes(seen))

    def publish(self) -> str:
        uri: str = stage.publish_evaluation.fn(self.champion)
        return uri


class Mlflow:
    """What the page asks of the registry."""

    def version_url(self, name: str, version: int) -> str:
        return f"http://127.0.0.1:5000/#/models/{name}/versions/{version}"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    made = Place(tmp_path)
    for module in (stage, evaluations, records):
        for name, thing in (("ledger", made.book), ("store", made.bucket), ("images", made.images)):
            if hasattr(module, name):
                monkeypatch.setattr(module, name, lambda thing=thing: thing)
    monkeypatch.setattr("tasks.connections.ledger", lambda: made.book)
    monkeypatch.setattr("tasks.connections.store", lambda: made.bucket)
    monkeypatch.setattr(stage, "registry", Mlflow)
    monkeypatch.setattr(stage, "create_markdown_artifact", lambda text, key: made.shown.append(f"{key}\n{text}"))
    monkeypatch.setattr("tasks.settings.settings", lambda: Here)
    monkeypatch.setattr(stage, "settings", lambda: Here)
    yield made
    made.book.close()


class Here:
    """The settings that pages need."""

    pages_url = "http://127.0.0.1:9464"
    environment = "test"


def test_a_page_shows_both_sets_what_they_were_and_the_worst_images(place: Place) -> None:
    place.measured("golden", 0.80, "g")
    place.measured("recent", 0.75, "old")
    place.measured("recent", 0.60, "new")
    uri = place.publish()
    text = watched(place.bucket.get(place.bucket.key_of(uri))).text
    for words in ("0.600", "was 0.800 (-0.200)", "was 0.750 (-0.150)", "fresh labels", "golden set", "Since when"):
        assert words in text
    page = place.bucket.get(place.bucket.key_of(uri)).decode()
    assert "data:image/jpeg" in page
    assert ("/#/models/" in page) == bool(place.champion.version)
    [artifact] = place.shown
    assert artifact.startswith("evaluation-") and "0.600" in artifact


def test_every_window_of_the_champion_leads_to_its_page_once_there_is_one(place: Place) -> None:
    facts = WindowFacts(listed=0, accepted=0, champion_sha256=place.champion.sha256)
    assert records.beside_performance(facts, MODEL, None) == facts
    place.measured("recent", 0.6, "new")
    assert records.beside_performance(facts, MODEL, None) == facts
    uri = place.publish()
    assert records.beside_performance(facts, MODEL, None).artifacts == {"evaluation": uri}
    nobody = replace(facts, champion_sha256="")
    assert records.beside_performance(nobody, MODEL, None) == nobody


def test_a_version_that_was_never_measured_has_no_page(place: Place) -> None:
    assert place.publish() == "" and place.shown == []


def test_the_command_gives_numbers_and_the_address_as_json(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert figures_commands.evaluation(MODEL, json=True) == 1
    capsys.readouterr()
    place.measured("recent", 0.6, "new")
    place.publish()
    assert figures_commands.evaluation(MODEL, json=True) == 0
    told = json.loads(capsys.readouterr().out)
    known = place.book.evaluations.latest(MODEL, place.champion.sha256, "recent")
    assert known is not None
    assert told["page"] == f"http://127.0.0.1:9464/pages/{page_key(MODEL, [known])}"
    assert told["evaluations"] == [
        {"set": "recent", "metric": "map50_95", "value": 0.6, "low": 0.57, "high": 0.63, "images": 160}
    ]


def test_the_same_labels_scored_twice_are_one_point_of_the_trend(place: Place) -> None:
    place.measured("recent", 0.6, "new")
    known = place.book.evaluations.latest(MODEL, place.champion.sha256, "recent")
    assert known is not None
    place.book.evaluations.save(MODEL, replace(known, metrics={**known.metrics, "label_lag_seconds": 1.0}))
    stranger = replace(known, model_sha256="9" * 64)
    found = place.book.evaluations.list(MODEL)
    numbers = {place.champion.sha256: "v1"}
    assert len(evaluations.history(found, numbers)) == 1
    assert evaluations.history([replace(found[0], evaluation=stranger)], numbers) == []
