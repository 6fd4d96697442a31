"""A wrong clock from the bucket to the verdict: named on its camera, whatever ingestion refused because of it."""

from __future__ import annotations

import io
import json
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from tasks.adapters import expectations
from tasks.adapters.images import ImageCache
from tasks.adapters.tables import TableStore
from tasks.camera import task as stage
from tasks.camera.rules import CameraRules
from tasks.domain.finding import Outcome, Report, Stage
from tasks.domain.judge import judge
from tasks.domain.snapshot import Claim
from tasks.domain.verdict import Action
from tasks.domain.window import Window
from tasks.drift.cause import causes_of
from tasks.ingest.bucket import Bucket
from tasks.ingest.pull import Asked, pull_window
from tasks.ingest.rules import IngestRules
from tasks.quality.findings import of_answers
from tasks.quality.frames import frames
from tasks.quality.rules import QualityRules
from tasks.quality.suite import suite
from tasks.quality.untimely import COLUMNS, untimely
from tests.fakes.bad_parts import row
from tests.fakes.memory_store import MemoryStore

START = datetime(2026, 11, 20, 6, tzinfo=UTC)
WINDOW = Window(START, START + timedelta(hours=1))
CAMERAS = ("cam-1", "cam-2", "cam-3")
BY_CLAIM, BY_UPLOAD, JUMP = "by claim", "by upload", "jump"
"""Whose clock names the folder: the camera's, or that of the program that uploads; the camera's that jumps at six."""


def picture(seed):
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 255, (48, 64, 3), dtype=np.uint8)).save(buffer, "JPEG")
    return buffer.getvalue()


PICTURE = [picture(seed) for seed in range(90)]


def sent(store, wrong, folders, kept=True):
    """Images and records of an hour and of days around it, one in two minutes a camera; `wrong`: camera -> minutes."""
    records = defaultdict(list)
    for number, camera in enumerate(CAMERAS):
        off = timedelta(minutes=wrong.get(camera, 0))
        for index in range(30):
            base = START + timedelta(minutes=2 * index, seconds=7)
            # what lies in the window's folders: by claim it was taken `off` earlier than it says
            real, said = (base - off, base) if folders == BY_CLAIM else (base, base + off)
            if folders == JUMP:
                real, said = base, base + off
            if folders == JUMP and not WINDOW.contains(said):
                continue
            name, store.landed = f"{camera}-{index}", real + timedelta(seconds=3)
            key = f"parts/images/{camera}/2026/11/20/06/{name}.jpg"
            if kept:
                store.put(key, PICTURE[30 * number + index])
            about = row(name, key=key if kept else "", camera=camera, captured_at=said.isoformat())
            records[name] = json.dumps(about).encode()
            store.put(f"parts/predictions/date=2026-11-20/hour=06/{name}.jsonl", records[name])


def before():
    """The hour of a week of healthy days: how many images each camera sends."""
    days = [START - timedelta(days=day) + timedelta(minutes=2 * n) for day in range(1, 8) for n in range(30)]
    columns = {"captured_at": days * len(CAMERAS), "camera": [name for name in CAMERAS for _ in days]}
    return pa.table(columns, schema=pa.schema([("captured_at", pa.timestamp("us", "UTC")), ("camera", pa.string())]))


@pytest.fixture
def verdict(tmp_path, monkeypatch):
    def found(wrong, folders=BY_CLAIM, reference=True, kept=True):
        store = MemoryStore()
        sent(store, wrong, folders, kept)
        tables = TableStore(store, tmp_path / "tables")
        bucket = Bucket(store=store, cache=ImageCache(store, tmp_path / "images"), workers=2)
        asked = Asked(model="parts", window=WINDOW, rules=IngestRules(), place="one.parquet", classes=1)
        pulled = pull_window(bucket, tables, asked)
        pinned = SimpleNamespace(table=SimpleNamespace(digest="")) if reference else None
        shelf = SimpleNamespace(
            read=lambda ref, columns=None: before() if pinned and ref is pinned.table else tables.read(ref, columns),
            batches=tables.batches,
            recall=lambda claim, name, about, work: work(),
        )
        monkeypatch.setattr(stage, "tables", lambda: shelf)
        snapshot = pulled.snapshot(Claim(model="parts", window=WINDOW, epoch=1, revision=1), "")
        profiled = SimpleNamespace(digest="", rows=0) if reference else None
        cameras = stage.check_cameras.fn(snapshot, profiled, pinned, CameraRules())
        shown = frames(tables.read(pulled.catalog), tables.read(pulled.predictions), WINDOW)
        general = of_answers(expectations.ask(shown, suite(shown, 1, QualityRules())).answers, 3)
        late = untimely(tables.batches(pulled.catalog, COLUMNS), QualityRules().max_quarantined)
        reports = (Report(stage=Stage.QUALITY, findings=(*general, *late)), cameras)
        return judge(reports, causes_of(reports, {}), None)

    return found


def faults(verdict):
    return {(f.camera, f.subject) for r in verdict.reports if r.stage is Stage.CAMERA for f in r.breaches()}


@pytest.mark.parametrize("folders", [BY_CLAIM, BY_UPLOAD])
@pytest.mark.parametrize("minutes", [7, 20, 60, 120, 24 * 60, -120, -300, -24 * 60])
def test_a_clock_of_another_time_is_the_matter_of_its_camera_not_of_the_data(verdict, minutes, folders):
    """Minutes ahead, an hour, a time zone to the east or to the west, a day."""
    found = verdict({"cam-1": minutes}, folders)
    assert faults(found) == {("cam-1", "clock")}
    assert found.action is Action.FIX_CAMERA
    (cause,) = found.causes
    assert cause.cameras == ("cam-1",)
    assert ("land before they were taken" if minutes > 0 else "behind") in cause.summary


@pytest.mark.parametrize("minutes", [7, 20, 45])
def test_what_a_clock_that_jumps_leaves_out_is_no_pause_and_no_slowness(verdict, minutes):
    assert faults(verdict({"cam-1": minutes}, JUMP)) == {("cam-1", "clock")}


@pytest.mark.parametrize("folders", [BY_CLAIM, BY_UPLOAD])
def test_clocks_that_are_right_are_silent(verdict, folders):
    found = verdict({"cam-1": 2, "cam-3": -2} if folders == BY_CLAIM else {}, folders)
    assert faults(found) == set()
    assert found.outcome is not Outcome.BREACH
    assert not [each for each in found.findings() if each.check == "untimely_share"]


def test_a_clock_needs_no_reference_and_no_images(verdict):
    assert faults(verdict({"cam-1": 20}, reference=False)) == {("cam-1", "clock")}
    found = verdict({"cam-1": 20}, kept=False, reference=False)
    assert faults(found) == {("cam-1", "clock")}
    assert found.action is Action.FIX_CAMERA


def test_the_same_wrong_time_of_most_cameras_is_what_they_share_and_names_each(verdict):
    """The bucket's own clock, or a program that writes local time for all of them."""
    found = verdict(dict.fromkeys(CAMERAS, 120))
    assert faults(found) == set()
    assert found.action is Action.FIX_DATA
    assert {f.camera for f in found.findings() if f.check == "untimely_share"} == set(CAMERAS)
