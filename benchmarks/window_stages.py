"""What every stage of monitor costs on a window of up to a million images: processor time and highest memory.

Catalog and answers are written by the real writers, as many rows at a time as ingestion writes; the pictures behind
them are a few thousand different ones under many keys. Every size runs in a process of its own, in which each stage has
seen a small window before, so that what is counted is the window and not the libraries. Memory is the highest resident
size of the stage less that at its beginning. The model is a stand-in that answers at once. Afterwards the same window
is judged again, and it is said how large its pages are.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from heapq import nsmallest
from pathlib import Path
from typing import Any

import pyarrow as pa
from metering import MB, measured
from prefect.logging import disable_run_logger
from window_scale import CHAMPION, WINDOW, AtOnce, MadeUp

from tasks import connections
from tasks.camera.rules import CameraRules
from tasks.camera.task import check_cameras
from tasks.domain.finding import Outcome
from tasks.domain.judge import judge
from tasks.domain.promotion import PromotionKind
from tasks.domain.snapshot import Snapshot, TableRef
from tasks.domain.tables import CATALOG, PREDICTIONS
from tasks.domain.verdict import Action, Verdict
from tasks.domain.window import Window
from tasks.drift import task as drifting
from tasks.drift.rules import DriftRules
from tasks.estimate.audit import order
from tasks.estimate.fitting import looking_at
from tasks.estimate.reading import answers_of, images_of
from tasks.flicker.rules import FlickerRules
from tasks.flicker.task import check_flicker
from tasks.ingest.pull import BATCH
from tasks.ingest.rules import IngestRules
from tasks.outliers.rules import OutlierRules
from tasks.outliers.task import check_outliers
from tasks.quality.rules import QualityRules
from tasks.quality.task import check_quality
from tasks.report import task as reporting
from tasks.report.records import facts_of
from tasks.serving.rules import ServingRules
from tasks.serving.task import check_serving
from tasks.watch.rules import WatchRules
from tasks.watch.task import check_schedule

DAY = timedelta(days=1)
CAMERAS, FRAMES, DIFFERENT = 10, 100, 4_000
SAME = {
    "key": "", "image_id": "", "captured_at": WINDOW.start, "camera": "", "etag": "", "size": 900,
    "verdict": "accepted", "reason": "", "note": "", "format": "jpeg", "width": 16, "height": 16,
    "model_version": "1", "kind": "detect",
    "detections": [
        {"class_id": k % 3 // 2, "confidence": 0.5 + 0.1 * k, "box": [k, 1, 9, 9]} for k in range(4)
    ],
}  # fmt: skip
"""What is alike in all rows of both tables."""


class Pictures(MadeUp):
    """A bucket with a few thousand different pictures under any number of keys."""

    def _image(self, key: str) -> bytes:
        return self.picture(int(key[-11:-4]) % DIFFERENT)

    def put_file(self, key: str, path: Path, content_type: str = "") -> None:
        shutil.copyfile(path, self._path(key))  # never in memory

    def picture(self, which: int) -> bytes:
        return super()._image(f"{which:07d}.jpg")


def hours(day: int) -> Window:
    start = WINDOW.start.replace(hour=0) + day * DAY
    return Window(start, start + DAY)


class Plant:
    """One model with ten cameras, its ledger, and a bucket that is a folder."""

    def __init__(self, folder: Path) -> None:
        place = {"BUCKET": "made-up", "LEDGER_URL": f"sqlite:///{folder / 'ledger.db'}", "HOME": str(folder)}
        unused = {"MLFLOW_URL": "http://127.0.0.1:9", "PREFECT_URL": "http://127.0.0.1:9/api"}
        os.environ |= {f"EVERGREEN_{name}": value for name, value in {**place, **unused}.items()}
        self.bucket = Pictures(0, folder / "bucket")
        self.hashes = [hashlib.sha256(self.bucket.picture(which)).hexdigest() for which in range(DIFFERENT)]
        connections.ObjectStore = lambda **_: self.bucket  # type: ignore[assignment,misc]
        drifting._model = lambda champion: AtOnce()  # type: ignore[assignment,return-value]
        reporting.create_markdown_artifact = lambda *_, **__: None  # type: ignore[assignment]
        connections.Ledger.upgrade(place["LEDGER_URL"])
        connections.ledger().versions.add(CHAMPION, source="benchmark")
        connections.ledger().promotions.move("m", PromotionKind.BOOTSTRAP, None, CHAMPION.sha256, "benchmark", "first")

    def columns(self, start: int, end: int, count: int, window: Window) -> dict[str, list[Any]]:
        """What differs from row to row; sessions of a hundred frames go round the cameras all day long."""
        step = (window.length - timedelta(minutes=2)) / count * FRAMES
        places = [divmod(number, FRAMES) for number in range(start, end)]
        moments = [window.start + session * step + timedelta(seconds=0.5 * frame) for session, frame in places]
        cameras = [f"cam-{session % CAMERAS}" for session, _ in places]
        names = [f"i{number:07d}" for number in range(start, end)]
        keys = [
            f"m/images/{each}/{at:%Y/%m/%d/%H}/{name}.jpg"
            for each, at, name in zip(cameras, moments, names, strict=True)
        ]
        return {
            "key": keys, "image_id": names, "captured_at": moments, "camera": cameras, "etag": names,
            "sha256": [self.hashes[number % DIFFERENT] for number in range(start, end)],
            "landed": [at + timedelta(seconds=20) for at in moments],
            "session": [f"s{session}" for session, _ in places],
        }  # fmt: skip

    def window(self, day: int, count: int) -> Snapshot:
        """A window of so many images, as ingestion leaves it."""
        claim = connections.ledger().windows.claim("m", hours(day), "benchmark")
        assert claim is not None  # noqa: S101
        kinds = (("catalog", CATALOG), ("predictions", PREDICTIONS))
        refs = [self.written(name, fields, day, count) for name, fields in kinds]
        return Snapshot(
            claim=claim, catalog=refs[0], predictions=refs[1], listed=count, accepted=count, quarantined=0, recipe="r"
        )

    def written(self, name: str, fields: pa.Schema, day: int, count: int) -> TableRef:
        with connections.tables().writer(name, f"m/{name}-{day}-{count}.parquet") as writer:
            alike = pa.Table.from_pylist([SAME] * BATCH, schema=fields)
            for start in range(0, count, BATCH):
                end = min(start + BATCH, count)
                varying = self.columns(start, end, count, hours(day))
                rows = alike.slice(0, end - start)
                for place, field in enumerate(fields):
                    if field.name in varying:
                        rows = rows.set_column(place, field, pa.array(varying[field.name], field.type))
                writer.write(rows)
        return writer.ref

    def again(self, snapshot: Snapshot) -> Snapshot:
        """The same window to be judged once more: nothing in it has changed."""
        claim = connections.ledger().windows.claim("m", snapshot.claim.window, "benchmark", rescore=True)
        assert claim is not None  # noqa: S101
        return replace(snapshot, claim=claim)

    def judged(
        self, snapshot: Snapshot, reference: Any, seen: dict[str, Any]
    ) -> Iterator[tuple[str, Callable[[], object]]]:
        """Every stage in the order of `flows/monitor.py`, each with what runs it; what they give is in `seen`."""

        def step(name: str, run: Callable[[], object]) -> tuple[str, Callable[[], object]]:
            return name, lambda: seen.__setitem__(name, run())

        yield step("quality", lambda: check_quality.fn(snapshot, QualityRules()))
        yield step("profile", lambda: drifting.profile.fn(snapshot, CHAMPION, DriftRules()))
        profiled = seen["profile"]
        yield step("camera", lambda: check_cameras.fn(snapshot, profiled, reference, CameraRules()))
        yield step("drift", lambda: drifting.check_drift.fn(snapshot, profiled, reference, DriftRules()))
        yield step("watch", lambda: check_schedule.fn(snapshot, profiled, reference, WatchRules()))
        yield step("flicker", lambda: check_flicker.fn(snapshot, CHAMPION, reference, FlickerRules()))
        yield step("serving", lambda: check_serving.fn(snapshot, ServingRules()))
        yield step("outliers", lambda: check_outliers.fn(snapshot, profiled, reference, OutlierRules()))
        yield step("drift page", lambda: drifting.drift_page.fn(snapshot, profiled, reference, DriftRules()))
        yield step("estimate: what it reads", lambda: read_for_estimates(snapshot))
        yield step("facts", lambda: facts_of(snapshot, seen["drift page"], [IngestRules()], seen["outliers"].artifacts))
        watched, facts = seen["watch"], seen["facts"]
        reports = (seen["quality"].report, seen["camera"], seen["drift"], watched.report, seen["flicker"].report)
        yield step("verdict", lambda: judge((*reports, seen["serving"].report, seen["outliers"].report), (), None))
        yield step("window page", lambda: reporting.publish_window.fn(snapshot.claim, seen["verdict"], facts))
        connections.ledger().windows.commit(snapshot.claim, seen["verdict"], seen["window page"], [])

    def reference(self) -> Any:
        """Day 0, found healthy and pinned."""
        snapshot = self.window(0, 10_000)
        facts = facts_of(snapshot, "", [IngestRules()])
        fine = Verdict(outcome=Outcome.OK, action=Action.NONE, sentence="fine")
        connections.ledger().windows.commit(snapshot.claim, fine, facts, [])
        return drifting.pin_reference.fn("m", [hours(0)], "benchmark", "healthy")


def read_for_estimates(snapshot: Snapshot) -> None:
    """What an estimate reads of a window before it asks a model about 200 of its pictures."""
    found = answers_of(connections.tables(), snapshot.predictions, "1")
    looking_at(found.answers, found.sizes, 0.25)
    nsmallest(200, images_of(connections.tables(), snapshot.catalog), key=order)


def one(count: int) -> None:
    """One size in this process: stage by stage as JSON on standard output."""
    with tempfile.TemporaryDirectory() as folder, disable_run_logger():
        plant = Plant(Path(folder))
        reference = plant.reference()
        for _, run in plant.judged(plant.window(1, 3_000), reference, {}):
            run()
        seen: dict[str, Any] = {}
        found = {"tables written": measured(lambda: seen.__setitem__("snapshot", plant.window(2, count)))}
        for name, run in plant.judged(seen["snapshot"], reference, seen):
            found[name] = measured(run)
            print(f"{count:,} {name}: {found[name]}", file=sys.stderr, flush=True)
        for name, run in plant.judged(plant.again(seen["snapshot"]), reference, seen):
            found[name]["again"] = measured(run)["cpu"]
            print(f"{count:,} {name}, again: {found[name]['again']}", file=sys.stderr, flush=True)
        weights = {name: len(plant.bucket.get(plant.bucket.key_of(uri))) / MB for name, uri in pages(seen).items()}
        print(f"{count:,} pages, MB: {weights}", file=sys.stderr, flush=True)
    print(json.dumps({"count": count, "pages": weights, "stages": found}))


def pages(seen: dict[str, Any]) -> dict[str, str]:
    """Addresses of the window's own page and of Evidently's."""
    return {"window page": seen["window page"].artifacts["page"], "drift page": seen["drift page"]}


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--counts", type=int, nargs="+", default=[100_000, 300_000, 1_000_000])
    asked.add_argument("--one", type=int, help=argparse.SUPPRESS)
    given = asked.parse_args()
    if given.one is not None:
        one(given.one)
        return
    found = []
    for count in given.counts:
        command = [sys.executable, __file__, "--one", str(count)]
        found.append(json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout))  # noqa: S603
    heads = [f"{each['count']:,}: CPU s | MB | again, CPU s" for each in found]
    print("| stage | " + " | ".join(heads) + " |\n|" + "---|" * (1 + 3 * len(found)))
    for name in found[0]["stages"]:
        costs = [each["stages"][name] for each in found]
        cells = [f"{each['cpu']:.1f} | {each['mb']:.0f} | {each.get('again', 0.0):.2f}" for each in costs]
        print(f"| {name} | " + " | ".join(cells) + " |")
    for each in found:
        print(f"{each['count']:,}: " + ", ".join(f"{name} {mb:.2f} MB" for name, mb in each["pages"].items()))


if __name__ == "__main__":
    main()
