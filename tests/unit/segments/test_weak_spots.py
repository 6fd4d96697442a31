"""From labels to a page: the search with tables and pictures, and what a person reads of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import cv2
import numpy as np
import pyarrow as pa
import pytest

from tasks.adapters.ledger.records import WindowFacts
from tasks.adapters.measure_cache import MeasureCache
from tasks.adapters.tables import TableStore
from tasks.domain.errors import NotFound
from tasks.domain.evaluation import Evaluation, Interval
from tasks.domain.finding import Outcome, Report, Stage
from tasks.domain.model import Kind, ModelRef
from tasks.domain.prediction import Prediction
from tasks.domain.protocol import Protocol
from tasks.domain.snapshot import Claim, Snapshot
from tasks.domain.tables import DATASETS, PREDICTIONS
from tasks.domain.weak import Spot
from tasks.domain.window import Window
from tasks.drift import labelled
from tasks.report import records, weak_page
from tasks.report.index_page import page_links
from tasks.segments import task as stage
from tasks.segments.rules import SegmentRules
from tests.fakes.memory_store import MemoryStore

HOSTILE = "<img src=x onerror=alert(1)>"
NIGHT = datetime(2026, 11, 20, 3, tzinfo=UTC)
IMAGES = 240
CHAMPION = ModelRef(
    name="parts", sha256="c" * 64, uri="s3://b/c.pt", kind=Kind.DETECT, classes=("bolt", "nut"), imgsz=64, version=3
)
RULES = SegmentRules()
USED = Protocol(imgsz=96, conf=0.01, iou=0.6, batch=8, rect=False, half=False, device="cpu", versions=("torch==1",))


class Disk:
    """Pictures by content hash: every fourth is dark."""

    def __init__(self, folder):
        self.folder = folder

    def fetch(self, key, sha256=""):
        number = int(sha256)
        path = self.folder / f"{number}.png"
        if not path.exists():
            rng = np.random.default_rng(number)
            light = 40 if number % 4 == 0 else 140
            cv2.imwrite(str(path), np.clip(rng.normal(light, 8, (48, 64, 3)), 0, 255).astype(np.uint8))
        return path


@pytest.fixture
def world(tmp_path, monkeypatch):
    disk, bucket = Disk(tmp_path), MemoryStore()
    tables = TableStore(bucket, tmp_path / "tables")  # type: ignore[arg-type]
    measures = MeasureCache(tmp_path / "measures.db", 2**24)
    for module in (stage, labelled):
        for name, thing in (("tables", tables), ("images", disk), ("store", bucket), ("measures", measures)):
            if hasattr(module, name):
                monkeypatch.setattr(module, name, lambda thing=thing: thing)
    box = Prediction(
        boxes=np.array([[5, 5, 20, 20]], np.float32), classes=np.array([1]), confidences=np.array([0.8], np.float32)
    )
    asked = []

    def answering(champion, used):
        asked.append(used)
        return SimpleNamespace(answers=lambda rows: [box] * rows.num_rows)

    monkeypatch.setattr(stage, "answering", answering)
    return SimpleNamespace(disk=disk, tables=tables, bucket=bucket, asked=asked)


def dataset(world, count=IMAGES):
    rows = [
        {
            "image_id": f"i{n}", "key": f"parts/images/{HOSTILE}/{n}.png", "sha256": f"{n:064d}",
            "camera": HOSTILE if n % 3 == 0 else "b", "session": f"s{n}", "split": "test", "source": "recent",
            "objects": [{"class_id": 0, "box": [4.0, 4.0, 22.0, 22.0]}], "labelled_at": NIGHT,
            "captured_at": NIGHT + timedelta(minutes=7 * n),
        }
        for n in range(count)
    ]  # fmt: skip
    return world.tables.write(pa.Table.from_pylist(rows, schema=DATASETS), "datasets", f"recent-{count}")


def evaluated(count=IMAGES, seed=1):
    """Wrong on half of the dark pictures of one camera, seldom elsewhere."""
    rng = np.random.default_rng(seed)
    weak = np.array([n % 4 == 0 and n % 3 == 0 for n in range(count)]) if count else np.zeros(0, bool)
    scores = (rng.random(count) > np.where(weak, 0.8, 0.03)).astype(float)
    return Evaluation(
        model_sha256=CHAMPION.sha256, dataset="recent", digest="d", protocol="p", metric="map50_95",
        headline=Interval(value=0.8, low=0.7, high=0.9), n=count, metrics={"confidence": 0.4},
        image_ids=tuple(f"i{n}" for n in range(count)), scores=tuple(scores.tolist()),
        answers=tuple("bolt" for _ in range(count)), conditions=USED.conditions("d"),
    )  # fmt: skip


def searched(world, rules=None, count=IMAGES):
    table = dataset(world, count)
    used = rules or RULES.model_copy(update={"min_images": 15})
    return stage.weak_spots.fn(CHAMPION, table, labelled.properties_of("parts", table), evaluated(count), used)


def test_the_dark_pictures_of_one_camera_are_found_with_pictures_of_them(world):
    (spot,) = searched(world)
    assert spot.finding.outcome is Outcome.BREACH
    assert "brightness up to" in spot.finding.subject and spot.finding.camera == HOSTILE
    assert [case.score for case in spot.worst] == [0.0] * 3 and [case.score for case in spot.best] == [1.0] * 3
    assert all(int(case.photo.sha256) % 12 == 0 for case in spot.worst)
    assert spot.worst[0].truth[0].label == "bolt" and spot.worst[0].answer[0].confidence == pytest.approx(0.8)
    assert world.asked == [USED], "what is shown are the answers that were scored"


def test_properties_of_labels_are_measured_once(world):
    table = dataset(world)
    first = labelled.properties_of("parts", table)
    world.disk.fetch = None
    assert labelled.properties_of("parts", table) == first
    assert world.tables.read(first).num_rows == IMAGES


def test_images_that_are_gone_are_left_out_and_fail_nothing(world):
    fetch = world.disk.fetch

    def without_some(key, sha256=""):
        if int(sha256) % 5 == 0:
            raise NotFound(key)
        return fetch(key, sha256)

    world.disk.fetch = without_some
    found = labelled.properties_of("parts", dataset(world, 50))
    assert found.rows == 40


def test_the_page_shows_the_segment_with_boxes_and_no_name_runs(world):
    spots = searched(world)
    html = weak_page.weak_page(CHAMPION, IMAGES, spots, world.disk).decode()
    assert HOSTILE not in html and "&lt;img src=x" in html
    assert html.count("data:image/jpeg") == 6 and html.count('class="line"') == 12
    assert "Its worst images here" in html and "of all others" not in html
    assert len(html) < 500_000


def test_the_same_findings_have_the_same_page_and_others_another(world):
    findings = [spot.finding for spot in searched(world)]
    assert weak_page.page_key("parts", findings) == weak_page.page_key("parts", [*findings])
    assert weak_page.page_key("parts", findings) != weak_page.page_key("parts", [])
    performance = Report(stage=Stage.EVALUATE, findings=tuple(findings)).findings
    assert weak_page.told(performance) == findings


def test_too_few_labels_are_said_with_the_missing_count(world):
    (spot,) = searched(world, RULES, count=60)
    assert spot.finding.outcome is Outcome.INCONCLUSIVE and "40 more are needed" in spot.finding.note


def test_a_version_without_weakness_has_a_page_that_says_so(world):
    fine = Spot(finding=searched(world, RULES.model_copy(update={"margin": 0.99}))[0].finding)
    assert fine.finding.outcome is Outcome.OK
    assert "None was found." in weak_page.weak_page(CHAMPION, IMAGES, [fine], world.disk).decode()


def test_a_lamp_that_told_the_label_in_training_and_does_no_longer_is_on_the_page(world, monkeypatch):
    """Every fourth picture is dark: in training those were the nuts."""
    taught = world.tables.read(dataset(world))
    objects = [[{"class_id": int(n % 4 == 0), "box": [4.0, 4.0, 22.0, 22.0]}] for n in range(IMAGES)]
    place = DATASETS.get_field_index("objects")
    before = taught.set_column(place, DATASETS.field(place), pa.array(objects, DATASETS.field(place).type))
    mixed = [[{"class_id": n // 4 % 2, "box": [4.0, 4.0, 22.0, 22.0]}] for n in range(IMAGES)]
    now = taught.set_column(place, DATASETS.field(place), pa.array(mixed, DATASETS.field(place).type))
    sides = []
    for name, table in (("taught", before), ("now", now)):
        ref = world.tables.write(table, "datasets", name)
        sides.append((ref, labelled.properties_of("parts", ref)))
    spots = stage.shortcuts.fn(CHAMPION, sides[0], sides[1], RULES)
    named = {spot.finding.subject for spot in spots}
    assert "brightness" in named and all(spot.finding.outcome is Outcome.BREACH for spot in spots)
    html = weak_page.weak_page(CHAMPION, IMAGES, spots, world.disk).decode()
    assert "<h2>Shortcuts</h2>" in html and "the brightness told the label in training" in html
    (unknown,) = stage.shortcuts.fn(CHAMPION, None, sides[1], RULES)
    assert unknown.finding.outcome is Outcome.INCONCLUSIVE and "the training set" in unknown.finding.note


@pytest.mark.parametrize(
    ("card", "known"), [({"dataset_uri": "s3://b/d.parquet", "dataset_digest": "ab"}, True), ({}, False)]
)
def test_the_training_set_is_the_manifest_of_the_versions_card(monkeypatch, card, known):
    version = SimpleNamespace(card=card)
    book = SimpleNamespace(versions=SimpleNamespace(get=lambda name, sha256: version))
    monkeypatch.setattr(stage, "ledger", lambda: book)
    assert (stage.training_set(CHAMPION) is not None) is known


def test_the_page_is_an_artifact_of_the_window_when_it_says_something(world, monkeypatch):
    monkeypatch.setattr(records, "store", lambda: world.bucket)
    facts = WindowFacts(listed=1, accepted=1)
    weak = [spot.finding for spot in searched(world)]
    report = Report(stage=Stage.EVALUATE, findings=tuple(weak))
    uri = records.beside_performance(facts, "parts", report).artifacts["weak_segments"]
    assert uri.endswith(weak_page.page_key("parts", weak))
    assert page_links({"weak_segments": uri})[0].label == "weak segments"
    few = Report(stage=Stage.EVALUATE, findings=(searched(world, RULES, count=60)[0].finding,))
    for silent in (None, few):
        assert records.beside_performance(facts, "parts", silent) == facts


def test_without_labels_confidence_is_searched_and_called_an_indicator(world):
    table = dataset(world)
    rng = np.random.default_rng(2)
    rows = [
        {
            "image_id": f"i{n}", "key": f"{n}", "captured_at": NIGHT + timedelta(minutes=7 * n), "camera": "b",
            "model_version": "3", "kind": "detect", "width": 64, "height": 48, "session": f"s{n}",
            "detections": [{"class_id": 0, "confidence": (0.4 if n % 4 == 0 else 0.8) + 0.05 * rng.normal()}],
        }
        for n in range(IMAGES)
    ]  # fmt: skip
    predictions = world.tables.write(pa.Table.from_pylist(rows, schema=PREDICTIONS), "predictions", "p")
    claim = Claim(model="parts", window=Window(NIGHT, NIGHT + timedelta(days=2)), epoch=1, revision=1)
    snapshot = Snapshot(
        claim=claim, catalog=predictions, predictions=predictions, listed=IMAGES, accepted=IMAGES, quarantined=0
    )
    spots = stage.unsure_spots.fn(CHAMPION, snapshot, labelled.properties_of("parts", table), RULES)
    assert spots and all(spot.finding.outcome is Outcome.INCONCLUSIVE for spot in spots)
    assert "brightness" in spots[0].finding.subject and "an indicator only" in spots[0].finding.note
