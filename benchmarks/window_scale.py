"""What a window costs as it grows: processor time and peak memory of pull and profile, and of a second run.

Objects are made up while they are asked for (tiny pictures, each with bytes of its own, and a record with four boxes),
so that the figures are of this program and not of a server. Every size runs in a process of its own; memory is the
highest resident size less that before the window was opened. The model is a stand-in that answers at once.
"""

from __future__ import annotations

import argparse
import io
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from prefect.logging import disable_run_logger

from tasks.adapters.images import ImageCache
from tasks.adapters.ledger.records import WindowFacts
from tasks.adapters.objects import ObjectInfo
from tasks.adapters.tables import TableStore
from tasks.domain.errors import NotFound
from tasks.domain.model import Kind, ModelRef
from tasks.domain.snapshot import LISTED, Claim, Snapshot, table_note
from tasks.domain.snapshot import RECIPE as RECIPE_NAME
from tasks.domain.window import Window
from tasks.drift import task as drifting
from tasks.drift.rules import DriftRules
from tasks.ingest.again import standing
from tasks.ingest.bucket import Bucket
from tasks.ingest.pull import Asked, camera_folders, present_mark, pull_window
from tasks.ingest.rules import IngestRules

RECIPE = "r"
WINDOW = Window(datetime(2026, 11, 20, 6, tzinfo=UTC), datetime(2026, 11, 20, 7, tzinfo=UTC))
CLAIM = Claim(model="m", window=WINDOW, epoch=1, revision=1)
LANDED = WINDOW.end - timedelta(minutes=1)
CAMERAS, PART_ROWS, DIMENSIONS = 10, 5000, 256
CHAMPION = ModelRef(name="m", sha256="c" * 64, uri="s3://b/c", kind=Kind.DETECT, classes=("a",), imgsz=64, version=1)


class MadeUp:
    """A bucket with `count` images that exist only while they are read; what is written lies in a folder."""

    bucket = "made-up"

    def __init__(self, count: int, folder: Path) -> None:
        self.count, self.folder, self.downloaded = count, folder, 0
        buffer = io.BytesIO()
        Image.fromarray(np.random.default_rng(0).integers(0, 255, (16, 16, 3), dtype=np.uint8)).save(buffer, "JPEG")
        self._picture = buffer.getvalue()
        folder.mkdir(exist_ok=True)

    def folders(self, prefix: str) -> Iterator[str]:
        yield from (f"{prefix}cam-{camera}/" for camera in range(CAMERAS))

    def list(self, prefix: str, start_after: str = "") -> Iterator[ObjectInfo]:
        if prefix.startswith("m/images/"):
            for number in range(int(prefix.split("/")[2].removeprefix("cam-")), self.count, CAMERAS):
                yield ObjectInfo(key=f"{prefix}i{number:07d}.jpg", size=900, etag=f"e-{number}", modified=LANDED)
        elif prefix.startswith("m/predictions/"):
            for part in range(-(-self.count // PART_ROWS)):
                yield ObjectInfo(key=f"{prefix}{part:05d}.jsonl", size=2 << 20, etag=f"p{part}", modified=LANDED)
        else:
            for path in sorted(self.folder.glob("*")):
                key = path.name.replace("|", "/")
                if key.startswith(prefix):
                    yield ObjectInfo(key=key, size=1, etag="e", modified=LANDED)

    def get(self, key: str, max_bytes: int = 0) -> bytes:
        if not key.startswith(("m/images/", "m/predictions/")):
            try:
                return self._path(key).read_bytes()
            except FileNotFoundError as error:
                raise NotFound(key) from error
        data = self._image(key) if key.startswith("m/images/") else self._part(int(key[-11:-6]))
        self.downloaded += len(data)
        return data

    def get_many(self, keys: Iterable[str], workers: int = 1, max_bytes: int = 0) -> Iterator[tuple[str, bytes]]:
        return ((key, self.get(key)) for key in keys)

    def get_file(self, key: str, path: Path, max_bytes: int = 0) -> None:
        path.write_bytes(self.get(key))

    def put(self, key: str, data: bytes, content_type: str = "") -> None:
        self._path(key).write_bytes(data)

    def put_file(self, key: str, path: Path, content_type: str = "") -> None:
        self._path(key).write_bytes(path.read_bytes())

    def exists(self, key: str) -> bool:
        return self._path(key).is_file()

    def delete(self, key: str) -> None:
        self._path(key).unlink()

    def uri(self, key: str) -> str:
        return f"s3://{self.bucket}/{key}"

    def key_of(self, uri: str) -> str:
        return uri.removeprefix(f"s3://{self.bucket}/")

    def _path(self, key: str) -> Path:
        return self.folder / key.replace("/", "|")

    def _image(self, key: str) -> bytes:
        comment = key[-11:-4].encode()
        return self._picture[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + self._picture[2:]

    def _part(self, part: int) -> bytes:
        return b"\n".join(map(_record, range(part * PART_ROWS, min(self.count, (part + 1) * PART_ROWS))))


def _record(number: int) -> bytes:
    boxes = [{"class_id": number % 3 // 2, "confidence": 0.5 + 0.1 * k, "box": [k, 1, 9, 9]} for k in range(4)]
    camera, moment = f"cam-{number % CAMERAS}", WINDOW.start + timedelta(milliseconds=number)
    key = f"m/images/{camera}/{WINDOW.start:%Y/%m/%d/%H}/i{number:07d}.jpg"
    row = {"schema": 1, "image_id": f"i{number:07d}", "key": key, "captured_at": moment.isoformat(), "camera": camera,
           "model_version": "1", "kind": "detect", "width": 16, "height": 16, "detections": boxes}  # fmt: skip
    return json.dumps(row).encode()


class AtOnce:
    """A model that sees something in every image without looking."""

    def embed(self, paths: list[Path], imgsz: int, batch: int) -> np.ndarray[Any, Any]:
        return np.random.default_rng(0).random((len(paths), DIMENSIONS), np.float32)


def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


class Site:
    """Bucket, local copies and tables, wired into the stages."""

    def __init__(self, store: MadeUp, folder: Path, rules: IngestRules) -> None:
        self.store, self.rules = store, rules
        self.tables = TableStore(store, folder / "tables")  # type: ignore[arg-type]
        self.images = ImageCache(store, folder / "images")  # type: ignore[arg-type]
        for name, thing in (("store", store), ("tables", self.tables), ("images", self.images)):
            setattr(drifting, name, lambda thing=thing: thing)
        drifting._model = lambda champion: AtOnce()  # type: ignore[assignment,return-value]

    def look(self, facts: WindowFacts | None = None) -> tuple[Snapshot, dict[str, float]]:
        """Pull and profile, as monitor does; processor seconds of both, and bytes that were downloaded."""
        self.store.downloaded, start = 0, time.process_time()
        snapshot = standing(CLAIM, facts, RECIPE, self.store, self.mark) or self.pulled()  # type: ignore[arg-type]
        middle = time.process_time()
        with disable_run_logger():
            drifting.profile.fn(snapshot, CHAMPION, DriftRules())
        end = time.process_time()
        return snapshot, {"pull": middle - start, "profile": end - middle, "bytes": self.store.downloaded}

    def pulled(self) -> Snapshot:
        bucket = Bucket(store=self.store, cache=self.images, workers=8)  # type: ignore[arg-type]
        asked = Asked(model="m", window=WINDOW, rules=self.rules, place="w.parquet", classes=2)
        return pull_window(bucket, self.tables, asked).snapshot(CLAIM, RECIPE)

    def mark(self) -> str:
        folders = camera_folders(self.store, "m")  # type: ignore[arg-type]
        return present_mark(self.store, folders, "m", WINDOW)  # type: ignore[arg-type]


def facts_of(snapshot: Snapshot) -> WindowFacts:
    """What the ledger keeps of a judged window."""
    notes = {"predictions": table_note(snapshot.predictions), LISTED: snapshot.mark, RECIPE_NAME: RECIPE}
    return WindowFacts(listed=snapshot.listed, accepted=snapshot.accepted, catalog=snapshot.catalog, artifacts=notes)


def one(count: int, max_images: int) -> None:
    """One size in this process: the figures as JSON on standard output."""
    rules = IngestRules(max_images=max_images)
    with tempfile.TemporaryDirectory() as folder:
        Site(MadeUp(50, Path(folder) / "warm"), Path(folder) / "warming", rules).look()
        before = peak()
        site = Site(MadeUp(count, Path(folder) / "bucket"), Path(folder) / "cache", rules)
        snapshot, first = site.look()
        high = peak() - before
        _, second = site.look(facts_of(snapshot))
    print(json.dumps({"count": count, "left_out": snapshot.left_out, "peak": high, "first": first, "second": second}))


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--counts", type=int, nargs="+", default=[2_000, 20_000, 100_000])
    asked.add_argument("--max-images", type=int, default=5_000, help="the size of the sample")
    asked.add_argument("--one", type=int, help=argparse.SUPPRESS)
    given = asked.parse_args()
    if given.one is not None:
        one(given.one, given.max_images)
        return
    print(
        "| listed | looked at | pull, s | profile, s | µs a listed image | peak memory, MB "
        "| second run: bytes | pull | profile |"
    )
    print("|" + "---|" * 9)
    found = []
    for count in given.counts:
        command = [sys.executable, __file__, "--one", str(count), "--max-images", str(given.max_images)]
        found.append(json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout))  # noqa: S603
        first, second = found[-1]["first"], found[-1]["second"]
        each = (first["pull"] + first["profile"]) / count * 1e6
        cells = [f"{count:,}", f"{count - found[-1]['left_out']:,}", f"{first['pull']:.1f}", f"{first['profile']:.1f}"]
        cells += [f"{each:.0f}", f"{found[-1]['peak'] / 1e6:.0f}", f"{second['bytes'] / first['bytes']:.1%}"]
        cells += [f"{second[step] / first[step]:.1%}" for step in ("pull", "profile")]
        print(f"| {' | '.join(cells)} |", flush=True)
    low, high = found[-2], found[-1]
    growth = (high["peak"] - low["peak"]) / (high["count"] - low["count"])
    print(f"\nfrom {low['count']:,} to {high['count']:,}: {growth:.0f} bytes of memory more for each further image")


if __name__ == "__main__":
    main()
