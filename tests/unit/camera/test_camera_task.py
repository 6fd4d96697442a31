"""The stage reads what others wrote, also what older versions wrote."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pyarrow as pa
import pytest

from tasks.camera import task as stage
from tasks.camera.rules import CameraRules
from tasks.domain.finding import Outcome
from tasks.domain.snapshot import Claim, TableRef
from tasks.domain.tables import CATALOG, PREDICTIONS
from tasks.domain.window import Window

DAY = Window(datetime(2026, 11, 20, tzinfo=UTC), datetime(2026, 11, 21, tzinfo=UTC))
NEW = ["luma_map", "detail_map", "orientation", "octaves"]


class Shelf:
    """Tables by name."""

    def __init__(self, **tables):
        self.tables = tables

    def read(self, ref, columns=None):
        table = self.tables[ref.uri]
        return table.select(columns) if columns else table

    def batches(self, ref, columns, rows):
        table = self.tables[ref.uri]
        for name in set(columns) - set(table.column_names):
            table = table.append_column(CATALOG.field(name), pa.nulls(table.num_rows, CATALOG.field(name).type))
        return table.select(columns).to_batches(max_chunksize=rows)

    def recall(self, claim, stage, about, work):
        return work()


def ref(name, rows=0):
    return TableRef(uri=name, schema=name, rows=rows, digest="")


def catalog(rows, late=timedelta(minutes=1)):
    content = [
        {"key": row["key"], "image_id": row["image_id"], "captured_at": row["captured_at"], "camera": row["camera"],
         "size": 1, "etag": "e", "sha256": row["sha256"], "verdict": "accepted", "reason": "", "note": "",
         "claimed": row["captured_at"],
         "landed": row["captured_at"] + (late if row["camera"] == "cam-4" else timedelta(minutes=1))}
        for row in rows.select(["key", "image_id", "captured_at", "camera", "sha256"]).to_pylist()
    ]  # fmt: skip
    return pa.Table.from_pylist(content, schema=CATALOG)


@pytest.fixture
def check(belts, monkeypatch):
    def check(before=None, after=None, listed=None, listing=0):
        before = belts.table(belts.reference) if before is None else before
        after = belts.table(belts.current) if after is None else after
        shelf = Shelf(
            before=before, after=after, predictions=PREDICTIONS.empty_table(), catalog=listed or catalog(after)
        )
        monkeypatch.setattr(stage, "tables", lambda: shelf)
        claim = Claim(model="parts", window=DAY, epoch=1, revision=1)
        snapshot = SimpleNamespace(
            claim=claim, catalog=ref("catalog"), predictions=ref("predictions"), accepted=listing
        )
        reference = SimpleNamespace(table=ref("before"))
        return stage.check_cameras.fn(snapshot, ref("after", after.num_rows), reference, CameraRules())

    return check


def test_a_healthy_window_is_ok_of_every_camera(check):
    report = check()
    assert report.outcome is Outcome.OK
    assert {each.camera for each in report.findings} == {"cam-1", "cam-2", "cam-4"}
    assert {"clock", "offline", "moved"} <= {each.subject for each in report.findings}


def test_a_reference_of_an_older_version_is_read_and_said_to_be_old(check, belts):
    old = belts.table(belts.reference).drop_columns(NEW)
    report = check(before=old)
    assert report.outcome is Outcome.INCONCLUSIVE
    (open_one,) = [each for each in report.findings if each.outcome is Outcome.INCONCLUSIVE]
    assert "pin it again" in open_one.note
    assert {"clock", "offline"} <= {each.subject for each in report.findings}


def test_a_catalog_of_an_older_version_tells_no_landing(check, belts):
    listed = catalog(belts.table(belts.current)).drop_columns(["landed"])
    assert "clock" not in {each.subject for each in check(listed=listed).findings}


def test_a_clock_three_hours_behind_and_a_silent_camera_are_named(check, belts):
    after = belts.table({camera: rows for camera, rows in belts.current.items() if camera != "cam-1"})
    report = check(after=after, listed=catalog(after, late=timedelta(hours=3)))
    assert {(each.camera, each.subject) for each in report.breaches()} == {("cam-1", "offline"), ("cam-4", "clock")}


def test_what_is_told_from_a_sample_of_very_many_images_says_so(check):
    notes = {each.subject: each.note for each in check(listing=1_000_000).findings}
    assert "of 1,000,000 images" in notes["moved"]
    assert notes["offline"] == "", "that is counted, image by image"


def test_without_champion_or_reference_nothing_is_said_to_be_healthy(monkeypatch):
    snapshot = SimpleNamespace(catalog=ref("catalog"), predictions=ref("predictions"))
    shelf = Shelf(catalog=CATALOG.empty_table(), predictions=PREDICTIONS.empty_table())
    monkeypatch.setattr(stage, "tables", lambda: shelf)
    for profiled, reference in ((None, SimpleNamespace()), ("after", None)):
        assert stage.check_cameras.fn(snapshot, profiled, reference, CameraRules()).outcome is Outcome.INCONCLUSIVE


def test_a_sample_stands_for_as_many_images_as_were_left_out():
    """One kept in four, one kept always, one without an answer drawn with a chance of a half, one of no camera."""
    listed = pa.table({"camera": ["a", "a", "b", None], "image_id": ["1", "2", "3", "4"],
                       "sampling_probability": [None, None, 0.5, None]})  # fmt: skip
    answers = pa.table({"image_id": ["1", "2"], "sampling_probability": [0.25, None]})
    assert stage.counted(listed.to_batches(), answers.to_batches()) == {"a": 5.0, "b": 2.0}
    assert stage.counted(listed.to_batches(max_chunksize=1), answers.to_batches(max_chunksize=1)) == {"a": 5, "b": 2}
    older = listed.set_column(2, "sampling_probability", pa.nulls(4, pa.float64()))
    assert stage.counted(older.to_batches(), []) == {"a": 2.0, "b": 1.0}
