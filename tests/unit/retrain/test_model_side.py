"""From labels to a compared challenger: real ledger, tables and training; bucket and MLflow are fakes."""

import hashlib
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import cv2
import numpy as np
import pyarrow as pa
import pytest

import tasks.curate.present as present
import tasks.curate.task as curate
import tasks.evaluate.task as evaluate
import tasks.retrain.task as retrain
import tasks.shadow.task as shadow
from tasks import connections
from tasks.adapters.answer_cache import AnswerCache
from tasks.adapters.images import ImageCache
from tasks.adapters.ledger.records import WindowFacts
from tasks.adapters.ledger.store import Ledger
from tasks.adapters.tables import TableStore
from tasks.curate.rules import CurateRules
from tasks.domain.card import card_from_json
from tasks.domain.errors import ContractError, NotFound
from tasks.domain.finding import Outcome
from tasks.domain.model import Kind
from tasks.domain.snapshot import Snapshot
from tasks.domain.tables import CATALOG, LABELS, PREDICTIONS
from tasks.domain.verdict import Action, Cause, CauseKind, Verdict
from tasks.domain.window import Window
from tasks.evaluate.rules import EvaluateRules
from tasks.retrain.rules import RetrainRules
from tasks.shadow.rules import ShadowRules

DAY = datetime(2026, 11, 19, tzinfo=UTC)
CURATE = CurateRules(recent_windows=1, near_duplicate_levels=0.2)
RETRAIN = RetrainRules(
    kind=Kind.CLASSIFY,
    classes=("zeta", "alpha"),
    base="yolo11n-cls.yaml",
    imgsz=32,
    epochs=1,
    min_new_labels=5,
    cooldown_hours=0,
)
SHADOW = ShadowRules(min_recent=5, min_golden=3, min_instances=2, latency_ratio=50, unlabelled=10)
EVALUATE = EvaluateRules(min_labels=5)


class FakeBucket:
    def __init__(self):
        self.bucket, self.objects, self.reads = "b", {}, []

    def get(self, key, max_bytes):
        self.reads.append(key)
        if key not in self.objects:
            raise NotFound(key)
        return self.objects[key]

    def stat(self, key):
        data = self.objects.get(key)
        return None if data is None else SimpleNamespace(etag=hashlib.md5(data, usedforsecurity=False).hexdigest())

    def put(self, key, data, content_type):
        self.objects[key] = data

    def put_file(self, key, path, content_type):
        self.objects[key] = path.read_bytes()

    def get_file(self, key, path):
        path.write_bytes(self.get(key, 0))

    def uri(self, key):
        return f"s3://b/{key}"

    def key_of(self, uri):
        return uri.removeprefix("s3://b/")


class FakeMlflow:
    def __init__(self):
        self.evaluations = []

    def log_evaluation(self, name, version, evaluation, plots, tables):
        self.tables = {table.name for table in tables}
        self.evaluations.append((version, evaluation.dataset, [path.name for path in plots]))


class World:
    """One model with two judged windows of 60 images each; a label for all, five of them golden."""

    def __init__(self, folder):
        self.bucket, self.mlflow = FakeBucket(), FakeMlflow()
        url = f"sqlite:///{folder}/ledger.db"
        Ledger.upgrade(url)
        self.book = Ledger.open(url)
        self.tables = TableStore(self.bucket, folder / "tables")
        self.images = ImageCache(self.bucket, folder / "images")
        self.answers = AnswerCache(folder / "answers", 2**26)
        self.settings = SimpleNamespace(home=folder, cache=folder / "cache", device="cpu")
        self.book.models.ensure("m", Kind.CLASSIFY, RETRAIN.classes)
        self.rows = [self._image(i) for i in range(120)]
        self.windows = [Window(DAY + timedelta(days=d), DAY + timedelta(days=d + 1)) for d in (0, 1)]
        self.catalogs = [self._judge(d, window) for d, window in enumerate(self.windows)]

    def weights(self, ref):
        path = self.settings.cache / "weights" / f"{ref.sha256}.pt"
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            self.bucket.get_file(self.bucket.key_of(ref.uri), path)
        return path

    def _image(self, i):
        rng = np.random.default_rng(i)
        pixels = rng.integers(0, 90, (32, 32, 3), dtype=np.uint8)
        pixels[8:24, 8:24] = (0, 220, 0) if i % 2 else (220, 0, 0)
        data = cv2.imencode(".png", pixels)[1].tobytes()
        key = f"m/images/line-{i % 3}/{i}.png"
        self.bucket.objects[key] = data
        captured = DAY + timedelta(days=i // 60, minutes=20 * (i % 60))
        return {"image_id": f"i{i:03d}", "key": key, "captured_at": captured, "camera": f"line-{i % 3}",
                "size": len(data), "etag": "e", "sha256": hashlib.sha256(data).hexdigest(), "verdict": "accepted",
                "reason": "", "note": ""}  # fmt: skip

    def _judge(self, day, window, causes=(), rescore=False):
        table = pa.Table.from_pylist(self.rows[60 * day : 60 * day + 60], schema=CATALOG)
        ref = self.tables.write(table, "catalog", f"m/evergreen/catalog/{day}.parquet")
        claim = self.book.windows.claim("m", window, "test", rescore=rescore)
        verdict = Verdict(outcome=Outcome.OK, action=Action.NONE, sentence="fine", causes=causes)
        self.book.windows.commit(claim, verdict, WindowFacts(listed=60, accepted=60, catalog=ref))
        self.claim = claim
        return ref

    def break_camera(self, camera):
        cause = Cause(kind=CauseKind.CAMERA, summary="dirt", cameras=(camera,))
        self._judge(1, self.windows[1], (cause,), rescore=True)

    def labels(self, golden=(3, 14, 25, 36, 47), skip=()):
        empty = {"polygon": None, "corners": None, "keypoints": None, "box": None}
        rows = [
            {"image_id": row["image_id"], "key": None, "camera": None, "session": None, "captured_at": None,
             "kind": "classify", "objects": [{"class_id": i % 2, **empty}], "labelled_at": DAY, "annotator": "kim",
             "verdict": None, "golden": i in golden}
            for i, row in enumerate(self.rows) if i not in skip
        ]  # fmt: skip
        return self.tables.write(pa.Table.from_pylist(rows, schema=LABELS), "labels", "m/evergreen/labels.parquet")

    def read(self, ref):
        return self.tables.read(ref).to_pylist()

    def snapshot(self):
        empty = self.tables.write(PREDICTIONS.empty_table(), "predictions", "m/evergreen/p.parquet")
        return Snapshot(
            claim=self.claim, catalog=self.catalogs[1], predictions=empty, listed=60, accepted=60, quarantined=0
        )


def connect(monkeypatch, world):
    for module in (curate, present, evaluate, retrain, shadow, connections):
        for name, thing in (
            ("ledger", world.book), ("store", world.bucket), ("tables", world.tables), ("images", world.images),
            ("answers", world.answers),
            ("registry", world.mlflow), ("settings", world.settings),
        ):  # fmt: skip
            if hasattr(module, name):
                monkeypatch.setattr(module, name, lambda thing=thing: thing)
        if hasattr(module, "weights"):
            monkeypatch.setattr(module, "weights", world.weights)


@pytest.fixture
def world(tmp_path, monkeypatch):
    made = World(tmp_path)
    connect(monkeypatch, made)
    yield made
    made.book.close()


def test_the_three_sets_are_built_and_share_nothing(world):
    labels = world.labels()
    training = world.read(curate.training_dataset.fn("m", labels, CURATE))
    recent = world.read(curate.recent_dataset.fn("m", labels, CURATE))
    golden = world.read(curate.golden_dataset.fn("m", labels, CURATE))
    parts = [{row["image_id"] for row in part} for part in (training, recent, golden)]
    assert all(parts)
    assert not parts[0] & parts[1] | parts[0] & parts[2] | parts[1] & parts[2]
    assert {row["source"] for row in training} == {"replay", "recent"}
    assert {row["split"] for row in training} == {"train", "val"}
    assert len(parts[2]) == 5
    assert all(row["image_id"] >= "i060" for row in recent)
    (decision,) = [one for one in world.book.decisions.list("m") if one.kind == "curated"]
    assert decision.payload["left_out"]["tested"] > 0


def test_building_a_set_twice_gives_the_same_object_and_downloads_nothing_again(world):
    labels = world.labels()
    first = curate.training_dataset.fn("m", labels, CURATE)
    reads = len(world.bucket.reads)
    assert curate.training_dataset.fn("m", labels, CURATE) == first
    assert len(world.bucket.reads) == reads
    assert len([one for one in world.book.decisions.list("m") if one.kind == "curated"]) == 1


def test_a_broken_camera_is_neither_learnt_from_nor_tested_on(world):
    world.break_camera("line-1")
    labels = world.labels()
    rows = [
        *world.read(curate.training_dataset.fn("m", labels, CURATE)),
        *world.read(curate.recent_dataset.fn("m", labels, CURATE)),
    ]
    assert not [row for row in rows if row["camera"] == "line-1" and row["image_id"] >= "i060"]
    assert [row for row in rows if row["camera"] == "line-1"]


def test_an_image_that_is_gone_from_the_bucket_is_left_out(world):
    labels = world.labels()
    lost = world.read(curate.training_dataset.fn("m", labels, CURATE))[0]
    shutil.rmtree(world.settings.home / "images")
    del world.bucket.objects[lost["key"]]
    assert lost["image_id"] not in {
        row["image_id"] for row in world.read(curate.training_dataset.fn("m", labels, CURATE))
    }


def test_without_labels_every_set_is_empty(world):
    labels = world.labels(skip=range(120))
    for build in (curate.training_dataset, curate.recent_dataset, curate.golden_dataset):
        assert build.fn("m", labels, CURATE).rows == 0


def test_nothing_is_trained_without_enough_labels(world):
    dataset = curate.training_dataset.fn("m", world.labels(skip=range(115)), CURATE)
    assert "more labels needed" in retrain.check_retrain.fn("m", None, dataset, RETRAIN)


def test_the_loop_from_labels_to_a_compared_challenger(world):
    labels = world.labels()
    dataset = curate.training_dataset.fn("m", labels, CURATE)
    assert retrain.check_retrain.fn("m", None, dataset, RETRAIN) == ""
    waiting = retrain.fit_challenger.fn(None, dataset, "m", RETRAIN, "first version")
    assert waiting.version == 0
    assert not list((world.settings.home / "scratch").iterdir())
    wish = world.book.outbox.get(f"register/m/{waiting.sha256}")
    assert (wish.kind, wish.payload) == ("register_version", {"model": "m", "sha256": waiting.sha256})

    world.book.versions.number("m", waiting.sha256, 1)  # as reconciling does
    champion = retrain.fit_challenger.fn(None, dataset, "m", RETRAIN)
    assert (champion.sha256, champion.version) == (waiting.sha256, 1)
    assert len(world.book.versions.list("m")) == 1
    assert world.bucket.objects[f"m/evergreen/models/{champion.sha256}.pt"]
    card = card_from_json(world.book.versions.get("m", champion.sha256).card)
    assert card.dataset_digest == dataset.digest
    assert len(card.curves) == 1
    assert evaluate.baseline_of(champion).dataset == "val"

    recent = curate.recent_dataset.fn("m", labels, CURATE)
    golden = curate.golden_dataset.fn("m", labels, CURATE)
    found = evaluate.evaluate_version.fn(champion, recent, "recent", EVALUATE)
    assert found.n == recent.rows
    assert world.mlflow.evaluations == [(1, "recent", ["confusion.png"])]
    assert {"numbers", "parts", "confusion"} <= world.mlflow.tables
    assert evaluate.evaluate_version.fn(champion, recent, "recent", EVALUATE) == found
    assert len(world.mlflow.evaluations) == 1
    report = evaluate.judge_performance.fn(found, evaluate.baseline_of(champion), EVALUATE)
    assert len(report.findings) == 1

    challenger = retrain.fit_challenger.fn(champion, dataset, "m", RETRAIN, "drift")
    record = world.book.versions.get("m", challenger.sha256)
    assert (record.parent_sha256, record.source) == (champion.sha256, "retrain")
    comparison = shadow.compare.fn(champion, challenger, recent, golden, world.snapshot(), SHADOW)
    assert [gate.check for gate in comparison.gates] == [
        "superiority", "non_inferiority", "class", "class", "finite", "latency", "agreement",
    ]  # fmt: skip
    assert 0 <= comparison.agreement <= 1
    assert [one.dataset for one in comparison.evaluations] == ["recent", "recent", "golden", "golden"]
    assert evaluate.baseline_of(challenger).dataset == "baseline"
    assert comparison.evaluations[0].protocol == found.protocol
    other = replace(challenger, classes=("alpha", "zeta"))
    with pytest.raises(ContractError, match="do not compare"):
        shadow.compare.fn(champion, other, recent, golden, None, SHADOW)


def test_an_empty_set_gives_an_evaluation_without_a_score(world):
    labels = world.labels(skip=range(120))
    empty = curate.recent_dataset.fn("m", labels, CURATE)
    ref = SimpleNamespace(name="m", sha256="a" * 64, imgsz=32, kind=Kind.CLASSIFY, classes=("a", "b"), version=0)
    found = evaluate.evaluate_version.fn(ref, empty, "recent", EVALUATE)
    assert found.n == 0
    assert np.isnan(found.headline.value)
    assert evaluate.judge_performance.fn(found, None, EVALUATE).outcome is Outcome.INCONCLUSIVE
