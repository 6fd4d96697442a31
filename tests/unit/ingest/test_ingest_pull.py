"""A window from the bucket to its tables: everything counted, nothing downloaded twice, outages are not bad data."""

import gzip
import hashlib
import io
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from prefect.logging import disable_run_logger

from tasks.adapters.images import ImageCache
from tasks.adapters.ledger.store import Ledger
from tasks.adapters.objects import ObjectInfo
from tasks.adapters.tables import TableStore
from tasks.domain.errors import ConfigError, NotFound, StoreUnavailable
from tasks.domain.finding import Outcome
from tasks.domain.snapshot import Claim, Snapshot, TableRef
from tasks.domain.verdict import Action, Verdict
from tasks.domain.window import Window
from tasks.ingest import task as ingest
from tasks.ingest.bucket import Bucket
from tasks.ingest.pull import Asked, Pulled, pull_window
from tasks.ingest.rules import IngestRules
from tasks.report import records, yardstick
from tests.fakes.bad_parts import IMAGES, row
from tests.fakes.memory_store import MemoryStore

WINDOW = Window.parse("2026-11-20T06:00:00Z/2026-11-20T07:00:00Z")
PARTS = "parts/predictions/date=2026-11-20/hour=06/"
RULES = IngestRules()


def picture(seed: int) -> bytes:
    buffer = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 255, (48, 64, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(buffer, "JPEG")
    return buffer.getvalue()


def lines(*rows: dict[str, Any]) -> bytes:
    return b"\n".join(json.dumps(each).encode() for each in rows)


@pytest.fixture
def store() -> MemoryStore:
    store = MemoryStore()
    for index in range(4):
        store.put(f"{IMAGES}i{index}.jpg", picture(index))
    store.put(f"{IMAGES}folder/", b"")
    store.put(f"{IMAGES}cut.jpg", picture(9)[:500])
    store.put("parts/images/cam-1/2026/11/20/07/later.jpg", picture(7))
    store.put(f"{PARTS}one.jsonl", lines(row("i0"), row("i1")) + b'\n{"schema": 1, "image')
    store.put(f"{PARTS}two.jsonl.gz", gzip.compress(lines(row("i2"), row("cut"))))
    store.put(f"{PARTS}_SUCCESS", b"")
    return store


class Room:
    """A bucket with its local copy and its tables."""

    def __init__(self, store: MemoryStore, folder: Path) -> None:
        self.store = store
        self.tables = TableStore(store, folder / "tables")  # type: ignore[arg-type]
        self.bucket = Bucket(store=store, cache=ImageCache(store, folder / "images"), workers=2)  # type: ignore[arg-type]

    def pull(self, rules: IngestRules = RULES, before: TableRef | None = None) -> Pulled:
        place = f"{len(self.store.objects)}.parquet"
        asked = Asked(model="parts", window=WINDOW, rules=rules, place=place, classes=1, before=before)
        pulled = pull_window(self.bucket, self.tables, asked)
        assert pulled.accepted + pulled.refused == pulled.catalog.rows
        return pulled

    def catalog(self, rules: IngestRules = RULES) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.tables.read(self.pull(rules).catalog).to_pylist()
        return rows

    def verdicts(self, rules: IngestRules = RULES) -> dict[str, str]:
        rows = self.catalog(rules)
        return {each["key"].removeprefix(IMAGES).removeprefix(PARTS): each["reason"] or "accepted" for each in rows}

    def downloads(self) -> list[str]:
        """What was asked for of what production wrote."""
        return [key for key in self.store.reads if "/evergreen/" not in key]


@pytest.fixture
def room(store: MemoryStore, tmp_path: Path) -> Room:
    return Room(store, tmp_path)


EXPECTED = {
    "cut.jpg": "truncated",
    "folder/": "directory_marker",
    "i0.jpg": "accepted",
    "i1.jpg": "accepted",
    "i2.jpg": "accepted",
    "i3.jpg": "accepted",
    "one.jsonl#3": "bad_json",
    "_SUCCESS": "marker_file",
}


@pytest.mark.parametrize(
    ("camera", "kept"), [("<script>", False), ("   ", False), ("c" * 65, False), ("Tür 4.b", True)]
)
def test_an_image_below_a_folder_that_is_no_name_of_a_camera_is_kept_out(
    room: Room, store: MemoryStore, camera: str, kept: bool
) -> None:
    key = f"parts/images/{camera}/2026/11/20/06/x.jpg"
    store.put(key, picture(1))
    [row] = [each for each in room.tables.read(room.pull().catalog).to_pylist() if each["key"] == key]
    assert (row["reason"], row["camera"]) == (("", camera) if kept else ("bad_name", None))


def test_every_object_and_every_bad_line_is_in_one_state(room: Room) -> None:
    assert room.verdicts() == EXPECTED


def test_nothing_is_downloaded_twice(room: Room, store: MemoryStore) -> None:
    first = room.verdicts()
    store.reads.clear()
    assert room.verdicts() == first
    assert room.downloads() == []


def test_what_an_earlier_catalog_knows_is_not_downloaded_but_held_against_the_limits_of_now(
    store: MemoryStore, tmp_path: Path
) -> None:
    store.put(f"{IMAGES}large.jpg", picture(5) + b"x" * (1 << 20))
    here = Room(store, tmp_path / "here")
    first = here.pull(IngestRules(max_image_mb=1))
    assert first.quarantined["too_large"] == 1
    store.reads.clear()
    there = Room(store, tmp_path / "there")
    wide = there.pull(IngestRules(max_image_mb=2), first.catalog)
    assert [key for key in there.downloads() if key.startswith(IMAGES)] == [f"{IMAGES}large.jpg"]
    assert wide.accepted == first.accepted + 1
    assert Room(store, tmp_path / "else").pull(IngestRules(max_image_mb=1), wide.catalog).accepted == first.accepted


def test_an_object_that_was_deleted_after_it_was_listed_has_vanished(room: Room, store: MemoryStore) -> None:
    original = store.list

    def stale(prefix: str, start_after: str = "") -> Any:
        ghost = ObjectInfo(key=f"{IMAGES}ghost.jpg", size=5, etag="0" * 32, modified=store.landed)
        return [*original(prefix), *([ghost] if prefix == IMAGES else [])]

    store.list = stale  # type: ignore[method-assign]
    assert room.verdicts()["ghost.jpg"] == "vanished"


def test_an_object_that_was_overwritten_once_is_read_anew(room: Room, store: MemoryStore) -> None:
    original = store.list

    def stale(prefix: str, start_after: str = "") -> Any:
        return [
            ObjectInfo(
                key=each.key,
                size=each.size,
                etag="1" * 32 if each.key.endswith("i0.jpg") else each.etag,
                modified=each.modified,
            )
            for each in original(prefix)
        ]

    store.list = stale  # type: ignore[method-assign]
    [changed] = [each for each in room.catalog() if each["key"].endswith("i0.jpg")]
    assert changed["verdict"] == "accepted"
    assert changed["sha256"] == hashlib.sha256(picture(0)).hexdigest()
    assert changed["etag"] != "1" * 32


def test_an_object_sent_in_parts_that_was_overwritten_meanwhile_has_the_etag_of_its_bytes(
    room: Room, store: MemoryStore
) -> None:
    """Such an ETag proves nothing about bytes: the store is asked which version they are of."""
    original, told = store.get, store._info
    store._info = lambda key: replace(told(key), etag=f"{told(key).etag}-2")  # type: ignore[method-assign]
    listed = store._info(f"{IMAGES}i0.jpg").etag

    def overwritten(key: str, max_bytes: int = 1 << 30) -> bytes:
        if key.endswith("i0.jpg"):
            store.objects[key] = picture(77)
        return original(key, max_bytes)

    store.get = overwritten  # type: ignore[method-assign]
    rows = {each["key"]: each for each in room.catalog()}
    changed = rows[f"{IMAGES}i0.jpg"]
    assert changed["sha256"] == hashlib.sha256(picture(77)).hexdigest()
    assert changed["etag"] == store._info(f"{IMAGES}i0.jpg").etag != listed
    assert not room.bucket.cache.known(f"{IMAGES}i0.jpg", listed)
    assert rows[f"{IMAGES}i1.jpg"]["verdict"] == "accepted"


def test_an_object_that_never_stops_changing_is_given_up(room: Room, store: MemoryStore) -> None:
    original = store.get

    def restless(key: str, max_bytes: int = 1 << 30) -> bytes:
        data = original(key, max_bytes)
        if key.endswith("i0.jpg"):
            store.objects[key] = picture(100 + len(store.reads))
            data = picture(50)
        return data

    store.get = restless  # type: ignore[method-assign]
    assert room.verdicts()["i0.jpg"] == "changed_during_read"


def test_an_outage_is_raised_and_quarantines_nothing(room: Room, store: MemoryStore) -> None:
    store.away = True
    with pytest.raises(StoreUnavailable):
        room.verdicts()


def test_large_images_are_not_downloaded(room: Room, store: MemoryStore) -> None:
    store.put(f"{IMAGES}huge.jpg", b"x" * ((1 << 20) + 1))
    assert room.verdicts(IngestRules(max_image_mb=1))["huge.jpg"] == "too_large"
    assert f"{IMAGES}huge.jpg" not in store.reads


def parquet(rows: list[dict[str, Any]], path: Path) -> bytes:
    pq.write_table(pa.Table.from_pylist(rows), path, write_page_checksum=True)
    return path.read_bytes()


def test_parquet_parts_follow_the_same_contract(room: Room, store: MemoryStore, tmp_path: Path) -> None:
    moment = datetime(2026, 11, 20, 6, 30, tzinfo=UTC)
    good, bad = row("i3", captured_at=moment, error=" "), row("x", captured_at=moment, width=0)
    store.put(f"{PARTS}three.parquet", parquet([good, bad], tmp_path / "p"))
    store.put(f"{PARTS}four.parquet", parquet([good], tmp_path / "q")[:-30])
    found = room.verdicts()
    assert found["three.parquet#2"] == "bad_record"
    assert found["four.parquet"] == "corrupt_file"
    answers = room.tables.read(room.pull().predictions)
    assert answers["image_id"].to_pylist() == ["i0", "i1", "i2", "i3"]
    assert answers["error"].to_pylist() == [None] * 4


@pytest.fixture
def opened(store: MemoryStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    Ledger.upgrade(url)
    ledger = Ledger.open(url)
    adapters: dict[str, Callable[[], Any]] = {
        "store": lambda: store,
        "ledger": lambda: ledger,
        "images": lambda: cache,
        "tables": lambda: tables,
    }
    cache = ImageCache(store, tmp_path / "images")  # type: ignore[arg-type]
    tables = TableStore(store, tmp_path / "tables")  # type: ignore[arg-type]
    for name, adapter in adapters.items():
        monkeypatch.setattr(ingest, name, adapter)
    return ledger


def claimed(rescore: bool = False) -> Claim:
    claim = ingest.open_window.fn("parts", WINDOW, rescore)
    assert claim is not None
    return claim


def pulled() -> Snapshot:
    with disable_run_logger():
        return ingest.pull.fn(claimed(), RULES)


def test_a_snapshot_counts_and_its_tables_read_back(opened: Ledger) -> None:
    snapshot = pulled()
    assert (snapshot.listed, snapshot.accepted, snapshot.quarantined) == (8, 4, 4)
    catalog = ingest.tables().read(snapshot.catalog)
    predictions = ingest.tables().read(snapshot.predictions)
    assert catalog.num_rows == snapshot.listed
    assert predictions["image_id"].to_pylist() == ["i0", "i1", "i2"]
    assert predictions["session"].null_count == 0
    hashes = predictions["sha256"].to_pylist()
    assert all(ingest.images().path(each).is_file() for each in hashes)


def test_pulling_again_gives_the_same_bytes(opened: Ledger, store: MemoryStore) -> None:
    first = pulled()
    opened.windows.release(first.claim)
    second = pulled()
    assert (second.catalog.digest, second.predictions.digest) == (first.catalog.digest, first.predictions.digest)
    assert second.catalog.uri != first.catalog.uri


def judged(opened: Ledger, snapshot: Snapshot) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for module in (records, yardstick):
            for name in ("store", "tables", "ledger"):
                if hasattr(module, name):
                    patch.setattr(module, name, getattr(ingest, name))
        facts = records.facts_of(snapshot, "", (RULES,))
    verdict = Verdict(outcome=Outcome.OK, action=Action.NONE, sentence="fine")
    opened.windows.commit(snapshot.claim, verdict, facts)


def again(rules: IngestRules = RULES) -> Snapshot:
    with disable_run_logger():
        return ingest.pull.fn(claimed(rescore=True), rules)


def test_a_window_in_which_nothing_changed_keeps_its_tables(opened: Ledger, store: MemoryStore) -> None:
    first = pulled()
    judged(opened, first)
    store.reads.clear()
    second = again()
    assert store.reads == []
    assert second == replace(first, claim=second.claim)
    assert second.claim.revision == 2


def test_a_window_in_which_something_landed_is_pulled_anew(opened: Ledger, store: MemoryStore) -> None:
    judged(opened, pulled())
    store.put(f"{IMAGES}i9.jpg", picture(9))
    assert again().accepted == 5


def test_under_other_rules_a_window_is_pulled_anew(opened: Ledger) -> None:
    judged(opened, pulled())
    assert again(IngestRules(max_images=2)).left_out == 4


def test_tables_that_were_tidied_away_are_made_again(opened: Ledger, store: MemoryStore) -> None:
    first = pulled()
    judged(opened, first)
    store.delete(store.key_of(first.catalog.uri))
    second = again()
    assert second.catalog.digest == first.catalog.digest
    assert ingest.tables().read(second.catalog).num_rows == first.listed


def test_what_could_not_be_read_is_tried_again(opened: Ledger, store: MemoryStore) -> None:
    """An object that vanished between listing and reading is back when the window is judged again."""
    data, original = picture(0), store.get

    def gone(key: str, max_bytes: int = 1 << 30) -> bytes:
        if key.endswith("i0.jpg"):
            raise NotFound(key)
        return original(key, max_bytes)

    store.get = gone  # type: ignore[method-assign]
    first = pulled()
    judged(opened, first)
    store.get = original  # type: ignore[method-assign]
    assert store.objects[f"{IMAGES}i0.jpg"] == data
    assert (first.accepted, again().accepted) == (3, 4)


def test_after_a_failure_that_needs_a_person_the_window_can_be_claimed_at_once(
    opened: Ledger, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(prefix: str) -> Any:
        raise ConfigError("403")

    claim = claimed()
    monkeypatch.setattr(store, "folders", refuse)
    with disable_run_logger(), pytest.raises(ConfigError):
        ingest.pull.fn(claim, RULES)
    assert claimed().epoch == claim.epoch + 1


def test_a_passing_failure_keeps_the_claim_for_the_next_try(opened: Ledger, store: MemoryStore) -> None:
    claim = claimed()
    store.away = True
    with disable_run_logger(), pytest.raises(StoreUnavailable):
        ingest.pull.fn(claim, RULES)
    assert ingest.open_window.fn("parts", WINDOW) is None


def test_a_window_that_has_not_ended_is_not_opened(opened: Ledger) -> None:
    with pytest.raises(ConfigError, match="has not ended"):
        ingest.open_window.fn("parts", Window.parse("2999-01-01T00:00:00Z/2999-01-01T01:00:00Z"))


def test_windows_are_due_until_the_newest_closed_one(opened: Ledger) -> None:
    [due] = ingest.due_windows.fn("parts", None, RULES)
    assert due.length == RULES.length
    assert due.end <= datetime.now(UTC) - RULES.lateness
    assert ingest.due_windows.fn("parts", str(WINDOW), RULES) == [WINDOW]


def label(image_id: str, **changes: Any) -> bytes:
    return json.dumps(
        {
            "schema": 1,
            "image_id": image_id,
            "kind": "detect",
            "objects": [],
            "labelled_at": "2026-11-20T07:00:00Z",
            "annotator": "ada",
            **changes,
        }
    ).encode()


def test_labels_are_read_from_files_and_parts_and_the_newest_counts(opened: Ledger, store: MemoryStore) -> None:
    store.put("parts/labels/i0.json", json.dumps(json.loads(label("i0")), indent=2).encode())
    later = label("i0", labelled_at="2026-11-20T07:10:00Z", annotator="bob")
    store.put("parts/labels/date=2026-11-20/x.jsonl", later + b"\n" + label("i1") + b"\nnonsense")
    with disable_run_logger():
        ref = ingest.labels.fn("parts", RULES)
    table = ingest.tables().read(ref)
    assert list(zip(table["image_id"].to_pylist(), table["annotator"].to_pylist(), strict=True)) == [
        ("i0", "bob"),
        ("i1", "ada"),
    ]
    [refused] = [key for key in store.objects if key.endswith("-refused.parquet")]
    assert refused.startswith("parts/evergreen/labels/")


def test_no_labels_give_an_empty_table(opened: Ledger) -> None:
    with disable_run_logger():
        assert ingest.labels.fn("parts", RULES).rows == 0
