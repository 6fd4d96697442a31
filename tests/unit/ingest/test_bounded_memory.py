"""Memory does not follow the size of a window: what is not drawn leaves a few bytes, not a record."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from tasks.adapters.images import ImageCache
from tasks.adapters.objects import ObjectInfo
from tasks.adapters.tables import TableStore
from tasks.domain.errors import ContractError
from tasks.domain.tables import CATALOG
from tasks.domain.window import Window
from tasks.ingest import bucket as buckets
from tasks.ingest.bucket import Bucket, batches
from tasks.ingest.catalog import arrow
from tasks.ingest.pull import Asked, Pulled, pull_window
from tasks.ingest.rules import IngestRules
from tests.fakes.memory_store import MemoryStore

WINDOW = Window.parse("2026-11-20T06:00:00Z/2026-11-20T07:00:00Z")
FOLDER = "m/images/cam/2026/11/20/06/"


def crowd(count: int) -> MemoryStore:
    """So many objects that are no images (nothing is decoded), each with a record of six boxes."""
    store, lines = MemoryStore(), []
    boxes = [{"class_id": k % 3, "confidence": 0.5, "box": [k, 1, 9, 9]} for k in range(6)]
    for number in range(count):
        key = f"{FOLDER}{number:05d}.jpg"
        store.put(key, b"no image")
        lines.append(json.dumps({
            "schema": 1, "image_id": f"{number:05d}", "key": key, "captured_at": "2026-11-20T06:30:00Z",
            "camera": "cam", "model_version": "1", "kind": "detect", "width": 16, "height": 16, "detections": boxes,
        }))  # fmt: skip
    for part in range(0, count, 100):
        key = f"m/predictions/date=2026-11-20/hour=06/{part:05d}.jsonl"
        store.put(key, "\n".join(lines[part : part + 100]).encode())
    return store


def pull(store: MemoryStore, folder: Path) -> tuple[int, Pulled]:
    """Bytes at the highest point, and what was pulled."""
    cache, tables = ImageCache(store, folder / "images"), TableStore(store, folder / "tables")  # type: ignore[arg-type]
    asked = Asked(model="m", window=WINDOW, rules=IngestRules(max_images=50), place="p.parquet", classes=3)
    tracemalloc.start()
    pulled = pull_window(Bucket(store=store, cache=cache, workers=2), tables, asked)  # type: ignore[arg-type]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak, pulled


def test_each_further_image_costs_a_few_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buckets, "BATCH_OBJECTS", 2)
    pull(crowd(60), tmp_path / "warm")
    small, _ = pull(crowd(200), tmp_path / "small")
    large, pulled = pull(crowd(800), tmp_path / "large")
    assert (pulled.left_out, pulled.refused) == (750, 50)
    assert (large - small) / 600 < 500, "a record with its boxes takes several thousand"


class Lister(MemoryStore):
    """Says how many files of records were listed and not read yet, at most."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting, self.most = 0, 0

    def list(self, prefix: str, start_after: str = "") -> Iterator[ObjectInfo]:
        for each in super().list(prefix, start_after):
            self.waiting += "/predictions/" in each.key
            self.most = max(self.most, self.waiting)
            yield each

    def get(self, key: str, max_bytes: int = 1 << 30) -> bytes:
        self.waiting -= "/predictions/" in key
        return super().get(key, max_bytes)


def test_files_of_records_are_listed_as_they_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Production may write one for each image: a window of a million has a million of them."""
    monkeypatch.setattr(buckets, "BATCH_OBJECTS", 2)
    store = Lister()
    for number in range(40):
        row = {"schema": 1, "image_id": str(number), "key": "", "captured_at": "2026-11-20T06:30:00Z", "camera": "cam",
               "model_version": "1", "kind": "detect", "width": 16, "height": 16, "detections": []}  # fmt: skip
        store.put(f"m/predictions/date=2026-11-20/hour=06/{number:05d}.jsonl", json.dumps(row).encode())
    _, pulled = pull(store, tmp_path)
    assert pulled.predictions.rows == 40 and pulled.mark.startswith("40 ")
    assert store.most <= 4


def info(size: int) -> ObjectInfo:
    return ObjectInfo(key="k", size=size, etag="e", modified=WINDOW.start)


def test_objects_that_wait_together_are_bounded_in_bytes_and_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buckets, "BATCH_BYTES", 100)
    monkeypatch.setattr(buckets, "BATCH_OBJECTS", 3)
    sizes = [[each.size for each in group] for group in batches(map(info, [60, 30, 20, 500, 1, 1, 1, 1]))]
    assert sizes == [[60, 30], [20], [500], [1, 1, 1], [1]]
    assert list(batches([])) == []


def test_a_table_in_pieces_reads_back_whole_and_is_not_there_before(tmp_path: Path) -> None:
    store = MemoryStore()
    tables = TableStore(store, tmp_path)  # type: ignore[arg-type]
    row = {"size": 1, "etag": "e", "verdict": "accepted", "reason": "", "note": ""}
    with tables.writer("catalog", "c.parquet") as writer:
        for number in range(5):
            writer.write(arrow([{**row, "key": str(number)}]))
        writer.write(CATALOG.empty_table())
        with pytest.raises(ContractError, match="not complete"):
            _ = writer.ref
        assert not store.exists("c.parquet")
    assert tables.read(writer.ref)["key"].to_pylist() == list("01234")
    found = [batch["key"].to_pylist() for batch in tables.batches(writer.ref, ["key", "width"], rows=2)]
    assert [key for batch in found for key in batch] == list("01234")
    assert max(map(len, found)) <= 2


def test_some_rows_of_a_table_are_read_without_the_others(tmp_path: Path) -> None:
    tables = TableStore(MemoryStore(), tmp_path)  # type: ignore[arg-type]
    row = {"size": 1, "etag": "e", "verdict": "accepted", "reason": "", "note": ""}
    rows = [{**row, "key": f"k{n}", "image_id": f"i{n}"} for n in range(20)]
    ref = tables.write(arrow(rows), "catalog", "c.parquet")
    assert tables.at(ref, [7, 3, 19], ["key"])["key"].to_pylist() == ["k3", "k7", "k19"]
    wanted = pa.array(["i9", "i2", "unknown"])
    assert tables.about(ref, wanted, ["key", "width"]).to_pylist() == [{"key": f"k{n}", "width": None} for n in (2, 9)]
    assert tables.about(ref, wanted.slice(0, 0), ["key"]).num_rows == tables.at(ref, [], ["key"]).num_rows == 0
    pieces = list(tables.pieces(ref, 8))
    assert [piece.num_rows for piece in pieces] == [8, 8, 4]
    assert pa.concat_tables(pieces)["key"].to_pylist() == [row["key"] for row in rows]


def test_a_table_whose_making_broke_off_is_nowhere(tmp_path: Path) -> None:
    store = MemoryStore()
    tables = TableStore(store, tmp_path)  # type: ignore[arg-type]
    with pytest.raises(KeyError), tables.writer("catalog", "c.parquet"):
        raise KeyError
    assert store.objects == {}
    assert list(tmp_path.iterdir()) == []
