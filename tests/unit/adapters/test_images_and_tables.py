"""Bytes are kept by what they are; tables by what they say; neither by the names that strangers gave."""

import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from tasks.adapters import foreign_tables
from tasks.adapters.foreign_tables import foreign_rows
from tasks.adapters.image_facts import ImageFacts, inspect
from tasks.adapters.images import ImageCache, read_pixels
from tasks.adapters.tables import TableStore
from tasks.domain.contract_reasons import Reason
from tasks.domain.errors import ContractError, ObjectRejected
from tasks.domain.snapshot import TableRef
from tasks.domain.tables import LABELS
from tests.fakes.memory_store import MemoryStore

COLUMNS = frozenset({"a"})


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def cache(store: MemoryStore, tmp_path: Path) -> ImageCache:
    return ImageCache(store, tmp_path / "images")  # type: ignore[arg-type]


@pytest.mark.parametrize("key", ["../../etc/passwd", "/abs", "a\\..\\b", "CON", "a\nb", "x" * 1024, "\u202e\U0001f331"])
def test_no_key_leads_out_of_the_folder(cache: ImageCache, store: MemoryStore, tmp_path: Path, key: str) -> None:
    store.put(key, b"bytes")
    assert cache.fetch(key).is_relative_to(tmp_path)
    cache.remember(key, "etag", cache.add(b"bytes"))
    assert all(path.is_relative_to(tmp_path / "images") for path in tmp_path.rglob("*") if path.is_file())


@pytest.mark.parametrize("sha256", ["", "../x", "A" * 64, "a" * 63, "a" * 64 + "\n"])
def test_only_a_hash_names_a_file(cache: ImageCache, sha256: str) -> None:
    with pytest.raises(ContractError):
        cache.path(sha256)


def test_a_version_of_an_object_is_known_until_it_changes_or_its_bytes_are_gone(cache: ImageCache) -> None:
    sha256 = cache.add(b"bytes")
    cache.remember("k", "e1", sha256)
    assert cache.known("k", "e1") == sha256
    assert cache.known("k", "e2") == ""
    cache.path(sha256).unlink()
    assert cache.known("k", "e1") == ""


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP"])
def test_pixels_are_turned_as_the_facts_say(tmp_path: Path, format_: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    upright = np.zeros((40, 60, 3), np.uint8)
    upright[:20] = (255, 0, 0)
    buffer = io.BytesIO()
    Image.fromarray(upright).save(buffer, format_, exif=exif)
    path = tmp_path / "picture"
    path.write_bytes(buffer.getvalue())
    facts, pixels = inspect(buffer.getvalue()), read_pixels(path)
    assert isinstance(facts, ImageFacts)
    assert pixels.shape == (facts.height, facts.width, 3) == (60, 40, 3)
    assert pixels[30, 35, 2] > 200 > 50 > pixels[30, 5, 2]  # rotated clockwise: the red top is now on the right


def test_bytes_that_are_no_picture_have_no_pixels(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"")
    (tmp_path / "b").write_bytes(b"nonsense")
    for name in "ab":
        with pytest.raises(ContractError):
            read_pixels(tmp_path / name)


@pytest.fixture
def tables(store: MemoryStore, tmp_path: Path) -> TableStore:
    return TableStore(store, tmp_path / "date=2026" / "tables")  # type: ignore[arg-type]


def test_a_table_of_another_schema_is_refused(tables: TableStore) -> None:
    ref = tables.write(LABELS.empty_table(), "labels", "k")
    with pytest.raises(ContractError, match="expected a 'catalog'"):
        tables.read(TableRef(uri=ref.uri, schema="catalog", rows=0, digest=ref.digest))
    assert tables.read(ref).schema.names == LABELS.names


def test_a_damaged_local_copy_is_fetched_again(tables: TableStore, tmp_path: Path) -> None:
    ref = tables.write(LABELS.empty_table(), "labels", "k")
    [local] = tmp_path.rglob("*.parquet")
    local.write_bytes(b"damaged")
    assert tables.read(ref).num_rows == 0


def test_the_cache_holds_nothing_but_tables(tables: TableStore, tmp_path: Path) -> None:
    tables.write(LABELS.empty_table(), "labels", "k")
    assert [path.suffix for path in (tmp_path / "date=2026" / "tables").iterdir()] == [".parquet"]


@pytest.mark.parametrize("damage", ["empty", "cut", "flip", "text"])
def test_a_strangers_damaged_parquet_is_one_corrupt_file(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "p"
    pq.write_table(pa.table({"a": list(range(5000))}), path, write_page_checksum=True, compression="none")
    data = path.read_bytes()
    middle = len(data) // 2
    damaged = {
        "empty": b"",
        "cut": data[:middle],
        "flip": data[: middle // 2] + bytes([data[middle // 2] ^ 0xFF]) + data[middle // 2 + 1 :],
        "text": b"hello",
    }
    path.write_bytes(damaged[damage])
    with pytest.raises(ObjectRejected) as caught:
        list(foreign_rows(path, COLUMNS))
    assert caught.value.reason is Reason.CORRUPT_FILE


def test_a_parquet_that_claims_too_much_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "p"
    pq.write_table(pa.table({"a": [0] * 100}), path)
    monkeypatch.setattr(foreign_tables, "MAX_ROWS", 99)
    with pytest.raises(ObjectRejected) as caught:
        list(foreign_rows(path, COLUMNS))
    assert caught.value.reason is Reason.TOO_LARGE
