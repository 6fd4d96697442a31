"""From what production wrote to what the quality stage says of it: failed requests, tiny windows, writers' markers."""

from __future__ import annotations

import io
import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tasks.adapters.expectations import ask
from tasks.adapters.images import ImageCache
from tasks.adapters.tables import TableStore
from tasks.capture.capture import Capture
from tasks.domain.finding import Finding, Outcome, Report, Stage
from tasks.domain.judge import judge
from tasks.domain.verdict import Action
from tasks.domain.window import Window
from tasks.ingest.bucket import Bucket
from tasks.ingest.pull import Asked, pull_window
from tasks.ingest.rules import IngestRules
from tasks.quality.anomalies import Accepted, schema_findings, schema_suite
from tasks.quality.findings import of_answers
from tasks.quality.frames import Frames, frames
from tasks.quality.rules import QualityRules
from tasks.quality.schema import Bounds, CameraSchema, DataSchema
from tasks.quality.suite import suite
from tests.fakes.bad_parts import IMAGES, row
from tests.fakes.memory_store import MemoryStore

WINDOW = Window.parse("2026-11-20T06:00:00Z/2026-11-20T07:00:00Z")
PARTS = "parts/predictions/date=2026-11-20/hour=06/"
OTHER = "parts/images/cam-2/2026/11/20/06/"
NOON = datetime(2026, 11, 20, 6, 30, tzinfo=UTC)


def picture(seed: int) -> bytes:
    buffer = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 255, (48, 64, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(buffer, "JPEG")
    return buffer.getvalue()


def lines(*rows: dict[str, Any]) -> bytes:
    return b"\n".join(json.dumps(each).encode() for each in rows)


def good(images: int) -> MemoryStore:
    """A bucket with so many sound images, each with its record."""
    store = MemoryStore()
    for index in range(images):
        store.put(f"{IMAGES}i{index}.jpg", picture(index))
    store.put(f"{PARTS}1.jsonl", lines(*(row(f"i{index}") for index in range(images))))
    return store


def shown(store: MemoryStore, folder: Path) -> Frames:
    tables = TableStore(store, folder / "tables")  # type: ignore[arg-type]
    bucket = Bucket(store=store, cache=ImageCache(store, folder / "images"), workers=2)  # type: ignore[arg-type]
    asked = Asked(model="parts", window=WINDOW, rules=IngestRules(), place="a.parquet", classes=1)
    pulled = pull_window(bucket, tables, asked)
    assert pulled.accepted + pulled.refused == pulled.catalog.rows
    return frames(tables.read(pulled.catalog), tables.read(pulled.predictions), WINDOW)


def found(store: MemoryStore, folder: Path) -> dict[str, Finding]:
    """What is not ok, by check."""
    tables = shown(store, folder)
    answered = of_answers(ask(tables, suite(tables, 1, QualityRules())).answers, 3)
    return {f.check: f for f in answered if f.outcome is not Outcome.OK}


def captured(images: int, failed: int) -> MemoryStore:
    store = MemoryStore()
    with Capture(model="parts", model_version="3", camera="cam-1", store=store) as capture:  # type: ignore[arg-type]
        for index in range(images):
            answer = {
                "size": (64, 48),
                "boxes": np.array([[1.0, 2.0, 30.0, 40.0]]),
                "confidences": np.array([0.9]),
                "class_ids": np.array([0]),
            }
            moment = NOON + timedelta(seconds=index)
            capture.record_arrays(None, answer, captured_at=moment, encoded=picture(index))
        for index in range(failed):
            capture.record_error("CUDA out of memory", captured_at=NOON - timedelta(seconds=index + 1))
    return store


def test_a_failed_request_counts_in_the_error_rate_and_nowhere_else(tmp_path: Path) -> None:
    assert found(captured(40, 1), tmp_path) == {}


def test_more_failed_requests_than_allowed_break_that_rule_alone(tmp_path: Path) -> None:
    broken = found(captured(40, 20), tmp_path)
    assert {name: each.outcome for name, each in broken.items()} == {"failed_share": Outcome.BREACH}


def test_a_data_schema_asks_nothing_of_failed_requests_but_that_they_are_few(tmp_path: Path) -> None:
    tables = shown(captured(20, 10), tmp_path)
    schema = DataSchema(
        model="parts",
        cameras={"cam-1": CameraSchema(sizes=("64x48",))},
        numbers={"images.width": Bounds(low=64, high=64), "images.objects": Bounds(low=1)},
        presence={"images.sha256": 0.95, "images.key": 0.95},
    )
    asked = of_answers(ask(tables, tuple(schema_suite(schema, tables))).answers, 3)
    rest = schema_findings(Accepted(schema=schema, version=1, digest="d"), tables, WINDOW, ("x",))
    assert [f.check for f in (*asked, *rest) if f.outcome is not Outcome.OK] == []


def cut(images: int) -> MemoryStore:
    """The same with the first image cut off."""
    store = good(images)
    store.put(f"{IMAGES}i0.jpg", picture(0)[:-2])
    return store


@pytest.mark.parametrize("images", [2, 15])
def test_one_bad_image_of_a_tiny_window_is_no_breach_and_no_health_either(images: int, tmp_path: Path) -> None:
    missed = found(cut(images), tmp_path)
    assert {name: each.outcome for name, each in missed.items()} == {"quarantined_share": Outcome.INCONCLUSIVE}
    assert f"(1 of {images})" in missed["quarantined_share"].note
    report = Report(stage=Stage.QUALITY, findings=tuple(missed.values()))
    verdict = judge([report], (), None)
    assert (verdict.outcome, verdict.action) == (Outcome.INCONCLUSIVE, Action.WAIT)


def test_a_tiny_window_without_fault_is_sound(tmp_path: Path) -> None:
    assert found(good(2), tmp_path) == {}


def test_one_failed_request_of_sixteen_is_no_breach(tmp_path: Path) -> None:
    missed = found(captured(15, 1), tmp_path)
    assert {name: each.outcome for name, each in missed.items()} == {"failed_share": Outcome.INCONCLUSIVE}


def test_many_bad_images_are_a_breach_in_a_small_window_too(tmp_path: Path) -> None:
    store = good(15)
    for index in range(5):
        store.put(f"{IMAGES}i{index}.jpg", picture(index)[:-2])
    assert found(store, tmp_path)["quarantined_share"].outcome is Outcome.BREACH


MARKERS = (
    "_SUCCESS", "_committed_7361", "_started_7361", "_metadata", "_common_metadata", ".part-0.jsonl.crc", ".DS_Store",
    "Thumbs.db", "desktop.ini", "_temporary/0/part-0.jsonl", "_delta_log/00000000000000000000.json", "folder/",
)  # fmt: skip


def test_what_writers_leave_beside_data_is_counted_and_is_no_bad_data(tmp_path: Path) -> None:
    store = good(15)
    for name in MARKERS:
        store.put(f"{PARTS}{name}", b"crc\0abc")
        store.put(f"{IMAGES}{name}", b"")
    objects = shown(store, tmp_path)["objects"]
    reasons = Counter(objects["reason"].to_pylist())
    assert reasons == {"": 15, "marker_file": 2 * (len(MARKERS) - 1), "directory_marker": 2}
    assert found(store, tmp_path / "again") == {}


def test_markers_do_not_hide_bad_data(tmp_path: Path) -> None:
    store = cut(15)
    for index in range(200):
        store.put(f"{PARTS}.part-{index}.jsonl.crc", b"crc")
    assert found(store, tmp_path)["quarantined_share"].n == 15


def test_a_camera_without_answers_is_not_given_those_of_its_namesake(tmp_path: Path) -> None:
    store = good(30)
    for index in range(30):
        store.put(f"{OTHER}i{index}.jpg", picture(100 + index))
    share = found(store, tmp_path)["quarantined_share"]
    assert (share.outcome, share.value) == (Outcome.BREACH, pytest.approx(0.5))


def test_two_accepted_images_of_one_id_are_a_breach(tmp_path: Path) -> None:
    """Whatever ingestion lets through: here an ending that says nothing of a picture."""
    store = good(30)
    store.put(f"{IMAGES}twin.jpg", picture(100))
    store.put(f"{IMAGES}twin.bin", picture(101))
    twins = found(store, tmp_path)["duplicates"]
    assert (twins.outcome, twins.subject) == (Outcome.BREACH, "objects.id")
    assert "twin.bin" in twins.note and "twin.jpg" in twins.note
