"""The drift stage with a bucket in memory, a real ledger and a model that is easy to understand."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from tasks.adapters.ledger.records import WindowFacts
from tasks.adapters.ledger.store import Ledger
from tasks.adapters.measure_cache import MeasureCache
from tasks.adapters.objects import ObjectInfo
from tasks.adapters.tables import TableStore
from tasks.domain import few
from tasks.domain.confirmation import doubted
from tasks.domain.errors import NotFound
from tasks.domain.finding import Finding, Outcome
from tasks.domain.model import Kind, ModelRef
from tasks.domain.prediction import Prediction
from tasks.domain.promotion import PromotionKind
from tasks.domain.snapshot import Snapshot, table_note
from tasks.domain.tables import CATALOG, PREDICTIONS
from tasks.domain.verdict import Action, CauseKind, Verdict
from tasks.domain.window import Window
from tasks.drift import measures, measuring, profiles, shelf
from tasks.drift import task as stage
from tasks.drift.properties import of_file
from tasks.drift.rules import DriftRules

DAY = timedelta(days=1)
FIRST = Window(datetime(2026, 11, 18, tzinfo=UTC), datetime(2026, 11, 19, tzinfo=UTC))
CHAMPION = ModelRef(
    name="solar", sha256="c" * 64, uri="s3://b/c.pt", kind=Kind.CLASSIFY, classes=("bad", "good"), imgsz=64, version=1
)
FEW = DriftRules(reference_scenes=50)
RULES = DriftRules()
CAMERAS = ("a", "b", "c")
PER_CAMERA = 30


class MemoryBucket:
    """A bucket as a dictionary."""

    def __init__(self):
        self.objects = {}

    def uri(self, key):
        return f"s3://b/{key}"

    def key_of(self, uri):
        return uri.removeprefix("s3://b/")

    def list(self, prefix, start_after=""):
        moment = datetime(2026, 1, 1, tzinfo=UTC)
        for key in sorted(k for k in self.objects if k.startswith(prefix) and k > start_after):
            yield ObjectInfo(key=key, size=len(self.objects[key]), etag="e", modified=moment)

    def exists(self, key):
        return key in self.objects

    def get(self, key, max_bytes=0):
        if key not in self.objects:
            raise NotFound(key)
        return self.objects[key]

    def get_file(self, key, path):
        path.write_bytes(self.objects[key])

    def delete(self, key):
        self.objects.pop(key, None)

    def put(self, key, data, content_type=""):
        self.objects[key] = data

    def put_file(self, key, path, content_type=""):
        self.objects[key] = path.read_bytes()


class Folder:
    """Images on disk by content hash."""

    def __init__(self, path):
        self.folder = path

    def fetch(self, key, sha256=""):
        return self.folder / f"{sha256}.png"


class MeanModel:
    """Sees the mean of four quarters of an image; finds every image good."""

    def __init__(self):
        self.embedded = []

    def embed(self, paths, imgsz, batch):
        self.embedded += paths
        quarters = [
            cv2.resize(cv2.imread(str(path), 0), (2, 2), interpolation=cv2.INTER_AREA).ravel() for path in paths
        ]
        return np.asarray(quarters, np.float32).reshape(len(paths), 4)

    def predict(self, paths, imgsz, conf, batch):
        return [Prediction(probabilities=np.array([0.1, 0.9], np.float32)) for _ in paths]


class World:
    """A plant with three cameras."""

    def __init__(self, path):
        self.bucket, self.model = MemoryBucket(), MeanModel()
        self.tables = TableStore(self.bucket, path / "tables")
        self.images = Folder(path / "images")
        self.images.folder.mkdir()
        self.measures = MeasureCache(path / "measures.db", 2**24)
        url = f"sqlite:///{path / 'ledger.db'}"
        Ledger.upgrade(url)
        self.ledger = Ledger.open(url)
        self.ledger.versions.add(CHAMPION, source="bootstrap")
        self.ledger.promotions.move("solar", PromotionKind.BOOTSTRAP, None, CHAMPION.sha256, "t", "first")

    def picture(self, sha256, seed, light):
        rng = np.random.default_rng(seed)
        coarse = rng.integers(60, 200, (9, 9)).astype(np.uint8)
        image = cv2.resize(coarse, (72, 72), interpolation=cv2.INTER_CUBIC) * light
        cv2.imwrite(str(self.images.folder / f"{sha256}.png"), np.clip(image, 0, 255).astype(np.uint8))

    def snapshot(self, window, seed, dark=(), per_camera=PER_CAMERA):
        claim = self.ledger.windows.claim("solar", window, "t")
        catalog, predictions = [], []
        for place, camera in enumerate(name for name in CAMERAS for _ in range(per_camera)):
            number = seed * 10_000 + place
            row = {"key": f"k{number}", "image_id": f"i{number}", "camera": camera, "sha256": f"{number:064x}"}
            row["captured_at"] = window.start + timedelta(minutes=place)
            self.picture(row["sha256"], number, 0.3 if camera in dark else 1.0)
            catalog.append(row | {"size": 1, "etag": "e", "verdict": "accepted", "reason": "", "note": ""})
            sure = 0.6 + 0.3 * np.random.default_rng(number).random()
            top = [{"class_id": 1, "confidence": sure}, {"class_id": 0, "confidence": 1 - sure}]
            row = row | {"model_version": "1", "kind": "classify", "width": 72, "height": 72, "detections": top}
            predictions.append(row)
        refs = [
            self.tables.write(pa.Table.from_pylist(rows, schema=fields), name, f"{name}/{window.start:%d}.parquet")
            for rows, fields, name in ((catalog, CATALOG, "catalog"), (predictions, PREDICTIONS, "predictions"))
        ]
        count = len(catalog)
        return Snapshot(claim=claim, catalog=refs[0], predictions=refs[1], listed=count, accepted=count, quarantined=0)

    def commit(self, snapshot, verdict=None):
        verdict = verdict or Verdict(outcome=Outcome.OK, action=Action.NONE, sentence="fine")
        artifacts = {"predictions": table_note(snapshot.predictions)}
        count = snapshot.accepted
        facts = WindowFacts(listed=count, accepted=count, catalog=snapshot.catalog, artifacts=artifacts)
        self.ledger.windows.commit(snapshot.claim, verdict, facts)


@pytest.fixture
def world(tmp_path, monkeypatch):
    found = World(tmp_path)
    monkeypatch.setattr(stage, "store", lambda: found.bucket)
    monkeypatch.setattr(stage, "tables", lambda: found.tables)
    monkeypatch.setattr(stage, "images", lambda: found.images)
    monkeypatch.setattr(stage, "measures", lambda: found.measures)
    monkeypatch.setattr(stage, "ledger", lambda: found.ledger)
    monkeypatch.setattr(stage, "_model", lambda champion: found.model)
    yield found
    found.ledger.close()


def window(number):
    return Window(FIRST.start + number * DAY, FIRST.end + number * DAY)


def pinned(world):
    snapshot = world.snapshot(FIRST, 1, per_camera=60)
    world.commit(snapshot)
    return stage.pin_reference.fn("solar", [FIRST], "ann", "commissioned")


def judged(world, number, reference, **how):
    snapshot = world.snapshot(window(number), number + 1, **how)
    profiles = stage.profile.fn(snapshot, CHAMPION, RULES)
    report = stage.check_drift.fn(snapshot, profiles, reference, RULES)
    causes = stage.find_causes.fn(snapshot.claim, [report], RULES)
    world.commit(
        snapshot,
        Verdict(outcome=report.outcome, action=Action.NONE, sentence="s", causes=causes, reports=(report,)),
    )
    return SimpleNamespace(snapshot=snapshot, profiles=profiles, report=report, causes=causes)


def test_a_second_run_measures_nothing(world):
    snapshot = world.snapshot(FIRST, 1)
    first = stage.profile.fn(snapshot, CHAMPION, RULES)
    seen, objects = len(world.model.embedded), dict(world.bucket.objects)
    assert stage.profile.fn(snapshot, CHAMPION, RULES) == first
    assert len(world.model.embedded) == seen == first.rows == 90
    assert world.bucket.objects == objects


def test_the_same_bytes_in_another_window_are_not_measured_again(world, monkeypatch):
    decoded = []
    monkeypatch.setattr(measuring, "of_file", lambda path: decoded.append(path) or of_file(path))
    first = world.tables.read(stage.profile.fn(world.snapshot(FIRST, 1), CHAMPION, RULES))
    again = world.tables.read(stage.profile.fn(world.snapshot(window(1), 1), CHAMPION, RULES))
    assert len(decoded) == len(world.model.embedded) == 90
    measures = [name for name in first.column_names if name not in ("captured_at",)]
    assert again.select(measures).equals(first.select(measures))


def test_another_champion_looks_at_images_whose_properties_are_known(world, monkeypatch):
    decoded = []
    monkeypatch.setattr(measuring, "of_file", lambda path: decoded.append(path) or of_file(path))
    snapshot = world.snapshot(FIRST, 1)
    first = world.tables.read(stage.profile.fn(snapshot, CHAMPION, RULES))
    again = world.tables.read(stage.profile.fn(snapshot, replace(CHAMPION, sha256="d" * 64), RULES))
    assert (len(decoded), len(world.model.embedded)) == (90, 180)
    assert again.equals(first)


def test_a_late_image_is_the_only_one_that_is_measured(world):
    snapshot = world.snapshot(FIRST, 1)
    rows = world.tables.read(snapshot.catalog)
    early = world.tables.write(rows.slice(0, 80), "catalog", "early.parquet")
    partial = Snapshot(
        claim=snapshot.claim, catalog=early, predictions=snapshot.predictions, listed=80, accepted=80, quarantined=0
    )
    stage.profile.fn(partial, CHAMPION, RULES)
    assert stage.profile.fn(snapshot, CHAMPION, RULES).rows == 90
    assert len(world.model.embedded) == 90


def test_without_a_reference_or_a_champion_nothing_is_said_to_be_healthy(world):
    snapshot = world.snapshot(FIRST, 1)
    profiles = stage.profile.fn(snapshot, CHAMPION, RULES)
    for report in (
        stage.check_drift.fn(snapshot, profiles, None, RULES),
        stage.check_drift.fn(snapshot, None, None, RULES),
    ):
        assert report.outcome is Outcome.INCONCLUSIVE
    assert stage.drift_page.fn(snapshot, profiles, None, RULES) == ""


def test_a_healthy_window_is_healthy_and_a_dark_camera_is_named_with_its_onset(world):
    reference = pinned(world)
    assert world.tables.read(reference.table)["model_version"].to_pylist() == ["1"] * 180
    healthy = judged(world, 1, reference)
    assert healthy.report.outcome is Outcome.OK
    assert healthy.causes == ()
    assert {f.subject for f in healthy.report.findings} >= {"brightness", "embedding", "confidence", "scenes"}
    first = judged(world, 2, reference, dark=("b",))
    again = judged(world, 3, reference, dark=("b",))
    for day in (first, again):
        (cause,) = day.causes
        assert (cause.kind, cause.cameras, cause.since) == (CauseKind.CAMERA, ("b",), window(2).start)
        assert "brightness fell" in cause.summary


def test_a_second_window_confirms_what_one_of_a_schedule_cannot(world, monkeypatch):
    reference, parts = pinned(world), []
    slight = Finding(
        check="ks", subject="noise", outcome=Outcome.BREACH, value=0.4, limit=0.25, effect=0.4, note="rose"
    )

    def compared(before, after, rules, month, whole):
        parts.append(month)
        return (slight if month == 1.0 else doubted(slight),)

    monkeypatch.setattr(stage, "compare", compared)
    assert judged(world, 1, reference).report.outcome is Outcome.INCONCLUSIVE
    again = judged(world, 2, reference)
    assert again.report.findings == (slight,)
    assert parts == [pytest.approx(1 / 30)] * 2
    assert judged(world, 4, reference).report.outcome is Outcome.INCONCLUSIVE  # the day before it was not judged
    asked = stage.check_drift.fn(again.snapshot, again.profiles, reference, RULES, asked=True)
    assert asked.findings == (slight,)
    assert parts[-1] == 1.0


def test_of_many_windows_only_the_rows_that_are_kept_are_read_whole(world, monkeypatch):
    for number in range(3):
        world.commit(world.snapshot(window(number), number + 1))
    read, at = [], TableStore.at
    monkeypatch.setattr(TableStore, "at", lambda self, ref, *about: read.append(at(self, ref, *about)) or read[-1])
    days = [window(number) for number in (2, 0, 1)]
    table = world.tables.read(stage.pin_reference.fn("solar", days, "ann", "all", FEW).table)
    assert sum(part.num_rows for part in read) == table.num_rows == 50 * len(CAMERAS)
    assert max(part.num_rows for part in read) <= 17 * len(CAMERAS)  # of 30 images of each camera
    assert table["camera"].to_pylist().count("a") == 50 and table["embedding"].null_count == 0
    assert {moment.day for moment in table["captured_at"].to_pylist()} == {day.start.day for day in days}


def test_a_camera_at_fault_is_left_out_of_a_reference(world):
    reference = pinned(world)
    judged(world, 1, reference, dark=("b",))
    fresh = stage.pin_reference.fn("solar", [FIRST, window(1)], "ann", "again")
    cameras = world.tables.read(fresh.table)["camera"].to_pylist()
    assert (cameras.count("a"), cameras.count("b")) == (90, 60)
    assert fresh.id > reference.id


def test_a_new_champion_sees_and_answers_the_pinned_images_itself(world):
    reference = pinned(world)
    second = replace(CHAMPION, sha256="d" * 64, version=2)
    table = world.tables.read(reference.table)
    fresh = stage._answered(table, second, RULES)
    assert set(fresh["model_version"].to_pylist()) == {"2"}
    assert fresh["detections"][0][0].as_py()["class_id"] == 1
    assert fresh["sha256"].to_pylist() == table["sha256"].to_pylist()


def test_the_same_reference_can_be_pinned_again(world):
    reference = pinned(world)
    assert stage.repin_reference.fn(reference, "ann", "same").table.rows == reference.table.rows


def test_what_another_profiler_measured_is_held_against_nothing_until_it_is_pinned_again(world):
    reference = pinned(world)
    older = replace(
        reference, table=replace(reference.table, uri=reference.table.uri.replace("references/", "references/0"))
    )
    day = judged(world, 1, older)
    assert [(f.check, f.outcome) for f in day.report.findings] == [("reference", Outcome.INCONCLUSIVE)]
    assert stage.drift_page.fn(day.snapshot, day.profiles, older, RULES) == ""
    again = stage.repin_reference.fn(reference, "ann", "new profiler")
    assert judged(world, 2, again).report.outcome is not Outcome.INCONCLUSIVE


def test_a_window_that_was_never_judged_is_no_reference(world):
    with pytest.raises(NotFound, match="never judged"):
        stage.pin_reference.fn("solar", [FIRST], "ann", "too early")


def test_the_page_lies_beside_the_window(world, monkeypatch):
    reference = pinned(world)
    day = judged(world, 1, reference)
    page = SimpleNamespace(html=b"<html></html>")
    monkeypatch.setattr(stage.drift_report, "draw", lambda before, after, title: page)
    uri = stage.drift_page.fn(day.snapshot, day.profiles, reference, RULES)
    assert uri.startswith("s3://b/solar/evergreen/windows/20261119T000000Z/drift-")
    assert world.bucket.objects[world.bucket.key_of(uri)] == b"<html></html>"


def test_a_profile_is_the_same_in_pieces_and_whole(world, monkeypatch):
    """Repeats of the same bytes and a part of earlier rows included, whatever the order in which pieces are made."""
    snapshot = world.snapshot(FIRST, 1)
    whole = world.tables.read(stage.profile.fn(snapshot, CHAMPION, RULES))
    rows = world.tables.read(snapshot.catalog).to_pylist()
    again = [{**row, "key": f"again/{row['key']}", "image_id": f"again-{row['image_id']}"} for row in rows[:30]]
    catalog = world.tables.write(pa.Table.from_pylist([*rows, *again], schema=CATALOG), "catalog", "again.parquet")
    monkeypatch.setattr(measures, "PIECE", 7)
    monkeypatch.setattr(measuring, "PIECE", 11)
    seen = len(world.model.embedded)
    table = world.tables.read(stage.profile.fn(replace(snapshot, catalog=catalog), CHAMPION, RULES))
    assert table.num_rows == 120
    assert len(world.model.embedded) == seen, "nothing is measured twice"
    assert table.filter(pc.invert(pc.starts_with(table["image_id"], "again"))).equals(whole)
    twice = table.filter(pc.starts_with(table["image_id"], "again"))
    assert twice["embedding"].to_pylist() == whole["embedding"].to_pylist()[:30]


def test_a_window_is_profiled_in_blocks_and_a_very_large_one_compared_by_a_fixed_sample(world, monkeypatch):
    """The same bytes are measured once, whatever block they are in; what is compared lies beside the whole."""
    snapshot = world.snapshot(FIRST, 1)
    rows = world.tables.read(snapshot.catalog).to_pylist()
    again = [{**row, "key": f"again/{row['key']}", "image_id": f"again-{row['image_id']}"} for row in rows]
    catalog = world.tables.write(pa.Table.from_pylist([*rows, *again], schema=CATALOG), "catalog", "again.parquet")
    snapshot = replace(snapshot, catalog=catalog, accepted=180)
    monkeypatch.setattr(measures, "BLOCK", 25)
    whole = world.tables.read(stage.profile.fn(snapshot, CHAMPION, RULES))
    assert sorted(whole["image_id"].to_pylist()) == sorted(row["image_id"] for row in (*rows, *again))
    assert len(world.model.embedded) == 90
    monkeypatch.setattr(few, "MOST", 90)
    monkeypatch.setattr(few, "LEAST", 10)
    ref = stage.profile.fn(snapshot, CHAMPION, RULES)
    assert len(world.model.embedded) == 90, "the whole is still there"
    assert ref == stage.profile.fn(snapshot, CHAMPION, RULES)
    some = world.tables.read(ref)
    assert 60 <= some.num_rows <= 120
    assert set(some["camera"].to_pylist()) == set(CAMERAS)
    assert set(some["image_id"].to_pylist()) < set(whole["image_id"].to_pylist())


def test_what_a_sample_has_too_many_of_is_not_compared():
    """Nine in ten images of a common kind drawn with 1 %, one in ten of a rare kind drawn always."""
    chances = [0.01] * 900 + [1.0] * 5000 + [None] * 5000
    kept = profiles.even([f"k{n}" for n in range(len(chances))], chances)
    assert all(kept[:900])
    assert 60 <= sum(kept[900:]) <= 145
    assert all(profiles.even(["a", "b"], [None, None]))
    assert profiles.even([], []) == []


def test_a_profile_that_was_killed_half_way_goes_on_where_it_was(world, monkeypatch):
    """The third piece of ten images never comes back; the next run measures what is left, and tidies up."""
    monkeypatch.setattr(measures, "PIECE", 10)
    snapshot = world.snapshot(FIRST, 1)
    embed, asked = world.model.embed, []

    def mortal(paths, imgsz, batch):
        asked.append(len(paths))
        if len(asked) == 3:
            raise KeyboardInterrupt
        return embed(paths, imgsz, batch)

    world.model.embed = mortal
    with pytest.raises(KeyboardInterrupt):
        stage.profile.fn(snapshot, CHAMPION, RULES)
    assert stage.profile.fn(snapshot, CHAMPION, RULES).rows == 90
    assert sum(asked) == 90 + 10, "only the piece that was lost is measured again"
    assert not [key for key in world.bucket.objects if f"/{shelf.PART}" in key]
