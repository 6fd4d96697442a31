"""Two images of one name: nobody gets the other's answers or labels, and what cannot be told apart is kept out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tasks.adapters.images import ImageCache
from tasks.adapters.tables import TableStore
from tasks.domain.snapshot import TableRef
from tasks.domain.window import Window
from tasks.ingest.bucket import Bucket
from tasks.ingest.pull import Asked, pull_window
from tasks.ingest.rules import IngestRules
from tests.fakes.bad_images import encoded
from tests.fakes.bad_parts import IMAGES, row
from tests.fakes.memory_store import MemoryStore

WINDOW = Window.parse("2026-11-20T06:00:00Z/2026-11-20T07:00:00Z")
PART = "parts/predictions/date=2026-11-20/hour=06/1.jsonl"
OTHER = "parts/images/cam-2/2026/11/20/06/"


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


def put(store: MemoryStore, *keys: str) -> None:
    for key in keys:
        store.put(key, encoded("PNG" if key.endswith(".png") else "JPEG"))


def said(store: MemoryStore, *rows: dict[str, Any]) -> None:
    store.put(PART, b"\n".join(json.dumps(each).encode() for each in rows))


def pulled(store: MemoryStore, folder: Path, before: TableRef | None = None) -> tuple[TableRef, dict[str, Any]]:
    """The catalog, and of every object its id or why it was refused."""
    tables = TableStore(store, folder / "t")  # type: ignore[arg-type]
    bucket = Bucket(store=store, cache=ImageCache(store, folder / "i"), workers=2)  # type: ignore[arg-type]
    place = f"{len(store.objects)}.parquet"
    asked = Asked(model="parts", window=WINDOW, rules=IngestRules(), place=place, classes=1, before=before)
    found = pull_window(bucket, tables, asked)
    rows = tables.read(found.catalog).to_pylist()
    assert found.accepted + found.refused == len(rows)
    named = [each["image_id"] for each in rows if each["verdict"] == "accepted"]
    assert len(named) == len(set(named))
    return found.catalog, {each["key"]: each["reason"] or each["image_id"] for each in rows}


def test_of_two_cameras_one_name_belongs_to_the_image_that_a_record_names(store: MemoryStore, tmp_path: Path) -> None:
    put(store, f"{IMAGES}frame0.jpg", f"{OTHER}frame0.jpg", f"{OTHER}alone.jpg")
    said(store, row("frame0"))
    assert pulled(store, tmp_path)[1] == {
        f"{IMAGES}frame0.jpg": "frame0", f"{OTHER}frame0.jpg": "duplicate_id", f"{OTHER}alone.jpg": "alone",
    }  # fmt: skip


def test_names_that_no_record_tells_apart_are_all_kept_out(store: MemoryStore, tmp_path: Path) -> None:
    put(store, f"{IMAGES}a.jpg", f"{IMAGES}a.png", f"{OTHER}a", f"{OTHER}b.jpg")
    found = pulled(store, tmp_path)[1]
    assert [found.pop(f"{OTHER}b.jpg"), set(found.values())] == ["b", {"duplicate_id"}]


def test_an_image_that_is_kept_out_is_called_by_its_key_so_that_no_label_of_it_goes_elsewhere(
    store: MemoryStore, tmp_path: Path
) -> None:
    put(store, f"{IMAGES}a.jpg", f"{OTHER}a.jpg")
    said(store, row("a"))
    catalog, _ = pulled(store, tmp_path)
    rows = TableStore(store, tmp_path / "t").read(catalog).to_pylist()  # type: ignore[arg-type]
    assert {each["key"]: each["image_id"] for each in rows} == {
        f"{IMAGES}a.jpg": "a", f"{OTHER}a.jpg": f"{OTHER}a.jpg",
    }  # fmt: skip


def test_two_records_that_give_one_id_to_two_images_name_neither(store: MemoryStore, tmp_path: Path) -> None:
    put(store, f"{IMAGES}a.jpg", f"{OTHER}a.jpg")
    said(store, row("a"), row("a", key=f"{OTHER}a.jpg", camera="cam-2"))
    assert sorted(pulled(store, tmp_path)[1].values()) == ["conflicting_records"] * 2 + ["duplicate_id"] * 2


def test_records_that_name_keys_decide_whatever_the_files_are_called(store: MemoryStore, tmp_path: Path) -> None:
    put(store, f"{IMAGES}a.jpg", f"{OTHER}a.jpg")
    said(store, row("x", key=f"{IMAGES}a.jpg"), row("y", key=f"{OTHER}a.jpg", camera="cam-2"))
    assert sorted(pulled(store, tmp_path)[1].values()) == ["x", "y"]


@pytest.mark.parametrize(
    ("beside", "reason"),
    [("a.json", "not_an_image"), ("a.txt", "not_an_image"), ("a.jpg.crc", "marker_file"), ("a/", "directory_marker")],
)
def test_what_lies_beside_an_image_does_not_take_its_name(
    store: MemoryStore, tmp_path: Path, beside: str, reason: str
) -> None:
    put(store, f"{IMAGES}a.jpg")
    store.put(f"{IMAGES}{beside}", b'{"x": 1}')
    found = pulled(store, tmp_path)[1]
    assert found[f"{IMAGES}a.jpg"] == "a"
    assert found[f"{IMAGES}{beside}"] == reason


def test_an_interrupted_upload_of_the_same_name_takes_nothing(store: MemoryStore, tmp_path: Path) -> None:
    put(store, f"{IMAGES}a.jpg")
    store.put(f"{IMAGES}a.png", b"")
    assert sorted(pulled(store, tmp_path)[1].values()) == ["a", "empty"]


def test_a_record_without_a_key_is_about_the_image_of_its_camera(store: MemoryStore, tmp_path: Path) -> None:
    put(store, f"{IMAGES}a.jpg", f"{OTHER}a.jpg", f"{OTHER}b.jpg", f"{IMAGES}c.jpg")
    said(store, row("a", key=""), row("b", key=""), row("c", key="", camera="a name without a folder"))
    assert pulled(store, tmp_path)[1] == {
        f"{IMAGES}a.jpg": "a", f"{OTHER}a.jpg": "duplicate_id", f"{OTHER}b.jpg": "duplicate_id",
        f"{IMAGES}c.jpg": "c",
    }  # fmt: skip


def test_a_record_that_lands_later_settles_it(store: MemoryStore, tmp_path: Path) -> None:
    """What was kept out for its name is looked at again: its bytes were never at fault."""
    put(store, f"{IMAGES}a.jpg", f"{OTHER}a.jpg")
    before, found = pulled(store, tmp_path)
    assert set(found.values()) == {"duplicate_id"}
    said(store, row("a"), row("z", key=f"{OTHER}a.jpg", camera="cam-2"))
    assert sorted(pulled(store, tmp_path, before)[1].values()) == ["a", "z"]
