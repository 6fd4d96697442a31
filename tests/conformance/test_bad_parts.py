"""Whatever lies in the bucket, every listed object and every row ends in one state, and memory stays bounded."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tasks.adapters.images import ImageCache
from tasks.adapters.tables import TableStore
from tasks.domain.model import Kind, ModelRef
from tasks.domain.window import Window
from tasks.ingest.bucket import Bucket
from tasks.ingest.label_files import label_files, read_labels
from tasks.ingest.pull import Asked, pull_window
from tasks.ingest.rules import IngestRules
from tests.fakes.bad_images import encoded, everything
from tests.fakes.bad_parts import IMAGES, LABELS, OK, PARTS, line
from tests.fakes.memory_store import MemoryStore

WINDOW = Window.parse("2026-11-20T06:00:00Z/2026-11-20T07:00:00Z")
FOLDER = "parts/predictions/date=2026-11-20/hour=06/"
RULES = IngestRules(max_part_mb=48)


CHAMPION = ModelRef(
    name="parts", sha256="c" * 64, uri="s3://b/c.pt", kind=Kind.DETECT, classes=("bolt", "nut"), imgsz=640
)


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def bucket(store: MemoryStore, tmp_path: Path) -> Bucket:
    return Bucket(store=store, cache=ImageCache(store, tmp_path / "images"), workers=2)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What became of a window: rows of its catalog, how many are accepted or refused and why, and its predictions."""

    rows: list[dict[str, Any]]
    accepted: int
    quarantined: dict[str, int]
    predictions: int


def pulled(bucket: Bucket) -> Read:
    with tempfile.TemporaryDirectory() as folder:
        return _pulled(bucket, TableStore(bucket.store, Path(folder)))


def _pulled(bucket: Bucket, tables: TableStore) -> Read:
    asked = Asked(model="parts", window=WINDOW, rules=RULES, place="test.parquet", classes=1)
    found = pull_window(bucket, tables, asked)
    table = tables.read(found.catalog)
    table.validate(full=True)
    assert found.accepted + found.refused == table.num_rows
    return Read(
        rows=table.to_pylist(),
        accepted=found.accepted,
        quarantined=dict(found.quarantined),
        predictions=found.predictions.rows,
    )


@pytest.mark.parametrize("name", PARTS)
def test_every_row_of_every_part_is_a_prediction_or_has_its_reason(
    bucket: Bucket, store: MemoryStore, name: str
) -> None:
    file, make, expected = PARTS[name]
    for number in range(4):
        store.put(f"{IMAGES}i{number}.jpg", encoded("JPEG"))
    store.put(f"{FOLDER}{file}", make())
    catalog = pulled(bucket)
    refused = sorted(row["reason"] for row in catalog.rows if row["reason"])
    assert refused == sorted(each for each in expected if each != OK)
    assert catalog.predictions == expected.count(OK)
    assert catalog.accepted == 4


@pytest.mark.parametrize("name", LABELS)
def test_every_label_is_good_or_has_its_reason(bucket: Bucket, store: MemoryStore, name: str) -> None:
    file, make, expected = LABELS[name]
    store.put(f"parts/labels/{file}", make())
    good, refused = read_labels(bucket, label_files(store, "parts"), RULES, CHAMPION)  # type: ignore[arg-type]
    assert [row["reason"] for row in refused] == [each for each in expected if each != OK]
    assert len(good) == expected.count(OK)


KEYS = [
    "../../etc/passwd.jpg",
    "..",
    "./x.jpg",
    "a/../../x.jpg",
    "/abs.jpg",
    "a//b.jpg",
    "a\\..\\b.jpg",
    "C:\\x.jpg",
    "CON",
    "caf\u00e9.jpg",
    "cafe\u0301.jpg",
    "CAFE.jpg",
    "cafe.jpg",
    "cafe.JPG",
    "\U0001f331.jpg",
    "\u202egpj.exe",
    "a b.jpg",
    " lead.jpg",
    "trail ",
    "a\nb.jpg",
    "a\tb.jpg",
    "a\x01b.jpg",
    "a\x00b.jpg",
    "%2e%2e%2f.jpg",
    "100%.jpg",
    "%",
    "a+b.jpg",
    "a#b?c&d=e.jpg",
    "<img src=x onerror=alert(1)>.jpg",
    "{{7*7}}.jpg",
    "${jndi:ldap://x}.jpg",
    "=cmd().jpg",
    "[1]*.jpg",
    "-rf.jpg",
    ".hidden",
    "..jpg",
    "no-suffix",
    "list.txt",
    "x.jpg/y.jpg",
    "x.jpg.gz",
    "\u2028.jpg",
    "\ufeff.jpg",
    "~",
    "'",
    '"',
    "x" * (1024 - len(IMAGES)),
    "s" * 300 + "/t.jpg",
    "\u00df" * 400,
]


def test_keys_are_opaque_whatever_they_look_like(bucket: Bucket, store: MemoryStore, tmp_path: Path) -> None:
    for number, key in enumerate(KEYS):
        store.put(IMAGES + key, encoded("JPEG", quality=50 + number))
    catalog = pulled(bucket)
    assert {row["key"] for row in catalog.rows} == {IMAGES + key for key in KEYS}
    alike = {row["key"].removeprefix(IMAGES) for row in catalog.rows if row["reason"] == "duplicate_id"}
    assert alike == {"..", "..jpg", "cafe.jpg", "cafe.JPG"}  # one name without its ending
    assert catalog.accepted == len(KEYS) - len(alike) == len({row["sha256"] for row in catalog.rows} - {None})
    assert all(path.is_relative_to(tmp_path / "images") for path in tmp_path.rglob("*") if path.is_file())


@pytest.mark.parametrize("key", KEYS)
def test_a_record_finds_its_image_under_any_key(bucket: Bucket, store: MemoryStore, key: str) -> None:
    store.put(IMAGES + key, encoded("JPEG"))
    store.put(f"{FOLDER}p.jsonl", line("odd", key=IMAGES + key))
    catalog = pulled(bucket)
    assert [(row["verdict"], row["image_id"]) for row in catalog.rows] == [("accepted", "odd")]


def test_folders_and_markers_are_counted(bucket: Bucket, store: MemoryStore) -> None:
    for key in ("", "sub/", "sub/sub/", "a.jpg/"):
        store.put(IMAGES + key, b"" if key != "sub/" else b"body")
    store.put(f"{IMAGES}empty.jpg", b"")
    assert pulled(bucket).quarantined == {"directory_marker": 4, "empty": 1}


def test_the_whole_corpus_in_one_window_adds_up(bucket: Bucket, store: MemoryStore) -> None:
    expected = {}
    for number, (_, data, verdict) in enumerate(everything()):
        store.put(f"{IMAGES}{number:03}.jpg", data)
        expected[f"{IMAGES}{number:03}.jpg"] = verdict
    catalog = pulled(bucket)
    assert {row["key"]: row["reason"] or row["verdict"] for row in catalog.rows} == expected
    assert all(row["note"] for row in catalog.rows if row["verdict"] == "quarantined")


CHILD = """
import resource, tempfile
from pathlib import Path
from tasks.adapters.images import ImageCache
from tasks.adapters.tables import TableStore
from tasks.ingest.bucket import Bucket
from tasks.ingest.pull import Asked, pull_window
from tests.conformance.test_bad_parts import BOMBS, FOLDER, RULES, WINDOW
from tests.fakes.bad_parts import PARTS
from tests.fakes.memory_store import MemoryStore

def pull(name, data, folder):
    store = MemoryStore()
    store.put(FOLDER + name, data)
    bucket = Bucket(store=store, cache=ImageCache(store, Path(folder)), workers=2)
    asked = Asked(model="parts", window=WINDOW, rules=RULES, place="test.parquet", classes=1)
    pull_window(bucket, TableStore(store, Path(folder) / "tables"), asked)

with tempfile.TemporaryDirectory() as folder:
    pull("p.parquet", PARTS["Parquet"][1](), folder)
    made = [(PARTS[name][0], PARTS[name][1]()) for name in BOMBS]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for name, data in made:
        pull(name, data, folder)
    print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""
BOMBS = [
    "a bomb",
    "a million times packed nothing",
    "nothing but line breaks",
    "too many lines",
    "nested 10,000 deep",
    "a file of 10 megabytes without an end",
    "a line of 10 megabytes",
    "Parquet that repeats a text of a megabyte",
    "Parquet that repeats one zero",
]


def test_bombs_are_refused_in_bounded_memory() -> None:
    """Peak beyond what was in use before, in a process of its own; the limit of a part is 48 megabytes here."""
    root = str(Path(__file__).parents[2])
    done = subprocess.run([sys.executable, "-c", CHILD], capture_output=True, text=True, check=True, cwd=root)
    assert int(done.stdout.split()[-1]) < 200
