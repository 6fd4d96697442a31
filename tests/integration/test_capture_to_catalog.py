"""From a serving process over a real bucket to the tables of a window."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest

from tasks.adapters.images import ImageCache
from tasks.adapters.objects import ObjectStore
from tasks.adapters.tables import TableStore
from tasks.capture.capture import Capture
from tasks.domain.window import Window
from tasks.ingest.bucket import Bucket
from tasks.ingest.pull import Asked, pull_window
from tasks.ingest.rules import IngestRules

pytestmark = pytest.mark.integration

START = datetime(2026, 11, 20, 6, tzinfo=UTC)


def test_what_was_captured_is_what_is_pulled(object_store: ObjectStore, tmp_path: Path) -> None:
    """60 pictures of two cameras over two hours; half of them lie in the window, and every one is accepted."""
    random = np.random.default_rng(5)
    with Capture(model="parts", model_version="3", store=object_store, spool=tmp_path / "spool") as capture:
        for index in range(60):
            pixels = random.integers(0, 255, (48, 64, 3), dtype=np.uint8)
            capture.record_arrays(
                None,
                {"size": (64, 48), "boxes": [[1, 2, 30, 40]], "confidences": [0.5], "class_ids": [0]},
                image_id=f"i{index:02d}",
                camera=f"cam-{index % 2}",
                captured_at=START + timedelta(minutes=2 * index),
                encoded=cv2.imencode(".png", pixels)[1].tobytes(),
            )
    assert capture.stats()["recorded"] == capture.stats()["kept"] == 60
    bucket = Bucket(store=object_store, cache=ImageCache(object_store, tmp_path / "images"), workers=4)
    tables = TableStore(object_store, tmp_path / "tables")
    window = Window(START, START + timedelta(hours=1))
    asked = Asked(model="parts", window=window, rules=IngestRules(), place="1.parquet", classes=1)
    pulled = pull_window(bucket, tables, asked)
    assert (pulled.accepted, pulled.refused, pulled.left_out) == (30, 0, 0)
    answers = tables.read(pulled.predictions)
    assert answers["image_id"].to_pylist() == [f"i{i:02d}" for i in [*range(0, 30, 2), *range(1, 30, 2)]]
    assert set(tables.read(pulled.catalog)["note"].to_pylist()) == {""}
