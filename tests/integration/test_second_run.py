"""A window that is looked at again costs lists, not downloads; one that was killed goes on where it was."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest

from tasks.adapters.images import ImageCache
from tasks.adapters.measure_cache import MeasureCache
from tasks.adapters.objects import ObjectStore
from tasks.adapters.tables import TableStore
from tasks.domain.model import Kind, ModelRef
from tasks.domain.snapshot import Claim, Snapshot, TableRef
from tasks.domain.window import Window
from tasks.drift import task as drifting
from tasks.drift.rules import DriftRules
from tasks.ingest.bucket import Bucket
from tasks.ingest.pull import Asked, Pulled, pull_window
from tasks.ingest.rules import IngestRules

pytestmark = pytest.mark.integration

WINDOW = Window(datetime(2026, 11, 20, 6, tzinfo=UTC), datetime(2026, 11, 20, 7, tzinfo=UTC))
COUNT = 60
CHAMPION = ModelRef(name="m", sha256="c" * 64, uri="s3://b/c.pt", kind=Kind.DETECT, classes=("a",), imgsz=64, version=1)


class CountingStore(ObjectStore):
    """A real bucket that remembers which objects' bytes it was asked for."""

    def __init__(self, store: ObjectStore) -> None:
        endpoint, region, access_key, secret_key = store._address
        super().__init__(
            bucket=store.bucket, endpoint=endpoint, region=region, access_key=access_key, secret_key=secret_key
        )
        self.keys: list[str] = []

    def _read(self, key: str, max_bytes: int, take: Callable[[bytes], object], restart: Callable[[], None]) -> None:
        self.keys.append(key)
        super()._read(key, max_bytes, take, restart)

    @property
    def images(self) -> list[str]:
        return [key for key in self.keys if "/images/" in key]


def produce(store: ObjectStore) -> None:
    """What production wrote in one hour: images, one that is damaged, and a record of each."""
    noise = np.random.default_rng(7)
    rows = []
    for number in range(COUNT):
        key = f"m/images/cam-{number % 2}/2026/11/20/06/i{number:02d}.jpg"
        data = cv2.imencode(".jpg", noise.integers(0, 255, (48, 64, 3), dtype=np.uint8))[1].tobytes()
        store.put(key, data if number else data[:400])
        rows.append({
            "schema": 1, "image_id": f"i{number:02d}", "key": key, "captured_at": "2026-11-20T06:30:00Z",
            "camera": f"cam-{number % 2}", "model_version": "1", "kind": "detect", "width": 64, "height": 48,
            "detections": [],
        })  # fmt: skip
    part = "\n".join(map(json.dumps, rows)).encode()
    store.put("m/predictions/date=2026-11-20/hour=06/p.jsonl", part)


def pull(store: ObjectStore, folder: Path, before: TableRef | None = None, place: str = "1") -> Pulled:
    bucket = Bucket(store=store, cache=ImageCache(store, folder / "images"), workers=4)
    asked = Asked(
        model="m", window=WINDOW, rules=IngestRules(), place=f"{place}.parquet", classes=1, before=before
    )  # fmt: skip
    return pull_window(bucket, TableStore(store, folder / "tables"), asked)


def test_a_second_run_downloads_nothing_and_says_the_same(object_store: ObjectStore, tmp_path: Path) -> None:
    produce(object_store)
    store = CountingStore(object_store)
    first = pull(store, tmp_path)
    assert len(store.images) == COUNT
    assert (first.accepted, dict(first.quarantined)) == (COUNT - 1, {"truncated": 1})
    store.keys.clear()
    second = pull(store, tmp_path, place="2")
    assert store.keys == []
    assert (second.catalog.digest, second.predictions.digest) == (first.catalog.digest, first.predictions.digest)


def test_on_another_machine_the_earlier_catalog_is_enough(object_store: ObjectStore, tmp_path: Path) -> None:
    """No image is downloaded, the damaged one neither; what landed meanwhile is the only one that is."""
    produce(object_store)
    first = pull(object_store, tmp_path / "one")
    store = CountingStore(object_store)
    second = pull(store, tmp_path / "two", first.catalog, "2")
    assert store.images == []
    assert (second.catalog.digest, second.predictions.digest) == (first.catalog.digest, first.predictions.digest)
    late = "m/images/cam-1/2026/11/20/06/late.jpg"
    store.put(late, store.get("m/images/cam-1/2026/11/20/06/i01.jpg"))
    store.keys.clear()
    third = pull(store, tmp_path / "three", second.catalog, "3")
    assert store.images == [late]
    assert third.accepted == COUNT


class FlatModel:
    """Sees the same in every image; counts how often it is asked."""

    def __init__(self) -> None:
        self.seen = 0

    def embed(self, paths: list[Path], imgsz: int, batch: int) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
        self.seen += len(paths)
        return np.ones((len(paths), 4), np.float32)


def test_on_another_machine_profiles_are_not_made_again(
    object_store: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    produce(object_store)
    model, profiles, before = FlatModel(), [], None
    monkeypatch.setattr(drifting, "_model", lambda champion: model)
    for machine in ("one", "two"):
        store, folder = CountingStore(object_store), tmp_path / machine
        tables, images = TableStore(store, folder / "tables"), ImageCache(store, folder / "images")
        measures = MeasureCache(folder / "measures.db", 2**24)
        for name, thing in (("store", store), ("tables", tables), ("images", images), ("measures", measures)):
            monkeypatch.setattr(drifting, name, lambda thing=thing: thing)
        pulled = pull(store, folder, before, machine)
        before = pulled.catalog
        snapshot = Snapshot(
            claim=Claim(model="m", window=WINDOW, epoch=1, revision=1), catalog=pulled.catalog,
            predictions=pulled.predictions, listed=COUNT, accepted=COUNT - 1, quarantined=1,
        )  # fmt: skip
        profiles.append(drifting.profile.fn(snapshot, CHAMPION, DriftRules()))
    assert profiles[0] == profiles[1]
    assert model.seen == profiles[0].rows == COUNT - 1
    assert store.images == []


KILLED = """
import os, signal, sys
from pathlib import Path
from tasks.adapters.objects import ObjectStore
from tests.integration.test_second_run import CountingStore, pull

class Doomed(CountingStore):
    def _read(self, key, *rest):
        super()._read(key, *rest)
        if len(self.images) >= 30:  # several threads read: none may see the 30th alone
            os.kill(os.getpid(), signal.SIGKILL)

bucket, endpoint, access, secret, folder = sys.argv[1:]
store = ObjectStore(bucket=bucket, endpoint=endpoint, region="us-east-1", access_key=access, secret_key=secret)
pull(Doomed(store), Path(folder))
"""


def test_a_run_that_was_killed_half_way_fetches_only_the_rest(object_store: ObjectStore, tmp_path: Path) -> None:
    """SIGKILL while the 30th of 60 images is read: what was kept by then is not asked for again."""
    produce(object_store)
    endpoint, _, access_key, secret_key = object_store._address
    words = [object_store.bucket, str(endpoint), str(access_key), str(secret_key), str(tmp_path)]
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", KILLED, *words], cwd=root, check=False)
    assert done.returncode == -signal.SIGKILL
    store = CountingStore(object_store)
    pulled = pull(store, tmp_path)
    assert pulled.accepted == COUNT - 1
    assert 30 - 4 <= len(store.images) <= 30 + 2 * 4, "at most those in flight are read again"
    assert not any("/predictions/" in key for key in store.keys)
