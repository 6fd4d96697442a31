"""Objects, tables and images on a real S3 server."""

import hashlib
from pathlib import Path

import pyarrow as pa
import pytest

from tasks.adapters import objects as objects_module
from tasks.adapters.images import ImageCache
from tasks.adapters.objects import ObjectStore
from tasks.adapters.tables import TableStore
from tasks.domain.errors import ConfigError, ContractError, NotFound, ObjectRejected
from tasks.domain.tables import CATALOG
from tasks.ingest.bucket import Bucket

pytestmark = pytest.mark.integration

ODD_KEYS = [
    "a",
    "a/b",
    "a b+c&d=e%20#?.jpg",
    "<img src=x onerror=alert(1)>.jpg",
    "{{7*7}}.jpg",
    "CON",
    "cafe\u0301.jpg",
    "caf\u00e9.jpg",
    "\U0001f331/\u202e.png",
    "[1]*.jpg",
    "x" * 240,
]


def test_bytes_come_back_as_they_were_put(object_store: ObjectStore) -> None:
    object_store.put("m/x.bin", b"\0\1\2" * 1000, "application/octet-stream")
    assert object_store.get("m/x.bin") == b"\0\1\2" * 1000
    assert object_store.exists("m/x.bin")
    assert not object_store.exists("m/x")
    info = object_store.stat("m/x.bin")
    assert info is not None
    assert (info.size, info.etag) == (3000, hashlib.md5(b"\0\1\2" * 1000).hexdigest())  # noqa: S324


def test_keys_are_opaque(object_store: ObjectStore) -> None:
    for key in ODD_KEYS:
        object_store.put(key, key.encode())
    assert {info.key for info in object_store.list("")} == set(ODD_KEYS)
    assert dict(object_store.get_many(ODD_KEYS)) == {key: key.encode() for key in ODD_KEYS}


def test_listing_goes_past_a_thousand_and_starts_where_asked(object_store: ObjectStore) -> None:
    keys = [f"p/{index:05d}" for index in range(1003)]
    for _ in objects_module.ThreadPoolExecutor(8).map(lambda key: object_store.put(key, b"x"), keys):
        pass
    assert [info.key for info in object_store.list("p/")] == keys
    assert [info.key for info in object_store.list("p/", start_after="p/01000")] == keys[1001:]
    assert list(object_store.list("q/")) == []


def test_folders_are_one_level_of_prefixes(object_store: ObjectStore) -> None:
    for key in ("m/images/cam-1/2026/a.jpg", "m/images/cam 2/2026/b.jpg", "m/images/loose.jpg"):
        object_store.put(key, b"x")
    assert set(object_store.folders("m/images/")) == {"m/images/cam-1/", "m/images/cam 2/"}
    assert [each.key for each in object_store.loose("m/images/")] == ["m/images/loose.jpg"]


def test_what_is_missing_is_not_found_and_what_is_too_large_is_not_read(object_store: ObjectStore) -> None:
    with pytest.raises(NotFound):
        object_store.get("nothing")
    object_store.put("large", b"x" * 2000)
    with pytest.raises(ObjectRejected, match="limit is 1000"):
        object_store.get("large", max_bytes=1000)
    answers = dict(object_store.get_many(["large", "nothing"], max_bytes=1000))
    assert isinstance(answers["large"], ObjectRejected)
    assert isinstance(answers["nothing"], NotFound)


def test_wrong_keys_and_missing_buckets_are_a_matter_of_configuration(object_store: ObjectStore) -> None:
    endpoint, region, access_key, _ = object_store._address
    stranger = ObjectStore(
        bucket=object_store.bucket, endpoint=endpoint, region=region, access_key=access_key, secret_key="x" * 32
    )
    with pytest.raises(ConfigError, match="refused"):
        stranger.probe()
    nowhere = ObjectStore(
        bucket="no-such-bucket",
        endpoint=endpoint,
        region=region,
        access_key=access_key,
        secret_key=object_store._address[3],
    )
    with pytest.raises(ConfigError):
        nowhere.get("x")


def test_files_travel_whole_even_in_parts(
    object_store: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "source"
    source.write_bytes(bytes(range(256)) * 50_000)
    object_store.put_file("one", source)
    monkeypatch.setattr(objects_module, "PART_BYTES", 1000)
    object_store.put_file("parts", source)
    parts = object_store.stat("parts")
    assert parts is not None
    assert "-" in parts.etag
    for key in ("one", "parts"):
        object_store.get_file(key, tmp_path / "into" / key)
        assert (tmp_path / "into" / key).read_bytes() == source.read_bytes()
    assert sorted(path.name for path in (tmp_path / "into").iterdir()) == ["one", "parts"]


def catalog(rows: int) -> pa.Table:
    row = {"key": "k", "size": 1, "etag": "e", "verdict": "accepted", "reason": "", "note": ""}
    return pa.Table.from_pylist([row] * rows, schema=CATALOG)


def test_a_table_is_read_back_and_a_changed_one_is_refused(object_store: ObjectStore, tmp_path: Path) -> None:
    tables = TableStore(object_store, tmp_path / "one")
    ref = tables.write(catalog(3), "catalog", "m/evergreen/catalog/a.parquet")
    elsewhere = TableStore(object_store, tmp_path / "two")
    assert elsewhere.read(ref).num_rows == 3
    assert elsewhere.read(ref, columns=["key"]).column_names == ["key"]
    again = elsewhere.write(catalog(3), "catalog", "m/evergreen/catalog/b.parquet")
    assert again.digest == ref.digest
    tables.write(catalog(4), "catalog", "m/evergreen/catalog/a.parquet")
    with pytest.raises(ContractError, match="was changed"):
        TableStore(object_store, tmp_path / "three").read(ref)


def test_an_image_is_downloaded_once_and_verified(object_store: ObjectStore, tmp_path: Path) -> None:
    cache = ImageCache(object_store, tmp_path)
    object_store.put("C:/etc/passwd", b"picture")
    sha256 = hashlib.sha256(b"picture").hexdigest()
    path = cache.fetch("C:/etc/passwd", sha256)
    assert path == cache.path(sha256)
    assert path.is_relative_to(tmp_path)
    object_store.delete("C:/etc/passwd")
    assert cache.fetch("C:/etc/passwd", sha256).read_bytes() == b"picture"
    object_store.put("k", b"other")
    with pytest.raises(ObjectRejected):
        cache.fetch("k", hashlib.sha256(b"expected").hexdigest())


def test_an_object_in_parts_that_was_overwritten_after_the_list_is_of_its_new_version(
    object_store: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects_module, "PART_BYTES", 1000)
    source = tmp_path / "source"
    source.write_bytes(b"a" * (9 << 20))
    object_store.put_file("parts", source)
    [listed] = object_store.list("parts")
    assert "-" in listed.etag
    source.write_bytes(b"b" * (9 << 20))
    object_store.put_file("parts", source)
    cache = ImageCache(object_store, tmp_path / "images")
    [(read, data)] = Bucket(store=object_store, cache=cache, workers=1).contents([listed], 16 << 20)
    assert data == source.read_bytes()
    assert read.etag != listed.etag
    assert not cache.known("parts", listed.etag)
    assert cache.known("parts", read.etag)
