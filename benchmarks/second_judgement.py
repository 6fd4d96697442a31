"""What judging a window a second time costs: every stage of monitor, real pictures, a real YOLO, a real S3 server.

Scenes of the `parts` demonstration as 640 x 480 JPEGs, answered by the model itself, lie in a bucket of the embedded
stack's own server. One window is judged and pinned, so that all libraries are loaded; the next one is judged, and then
again with `rescore`, as when a person asks. Counted is the processor time of this process (all threads), stage by
stage; Prefect's own work is left out, the stages run as plain functions.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import cv2
from local_s3 import bucket
from prefect.logging import disable_run_logger
from prefect.tasks import Task

from flows import monitor as monitoring
from flows import steps
from tasks import connections
from tasks.adapters.objects import ObjectStore
from tasks.adapters.yolo import Yolo, read_image
from tasks.adapters.yolo_load import sha256_of
from tasks.domain.model import Kind, ModelRef
from tasks.domain.promotion import PromotionKind
from tasks.domain.scoring.truth import Truth
from tasks.domain.window import Window
from tasks.drift import task as drifting
from tasks.estimate import kept
from tasks.estimate.eyes import eyes
from tasks.estimate.fitting import Labelled, calibrate
from tasks.ingest.rules import IngestRules
from tasks.report import task as reporting
from tasks.scenarios.parts_scene import CAMERAS, CLASSES, SceneSpec, render

HOUR = timedelta(hours=1)
FIRST = Window(datetime(2026, 11, 19, 9, tzinfo=UTC), datetime(2026, 11, 19, 10, tzinfo=UTC))
SECOND = Window(FIRST.end, FIRST.end + HOUR)
SIZE = (640, 480)
LABELLED, DAMAGED = 100, 50


class Line:
    """Four cameras over belts, one model, and how much processor time every stage took so far."""

    def __init__(self, store: ObjectStore, folder: Path, weights: Path, imgsz: int) -> None:
        endpoint, _, access, secret = store._address
        place = {"BUCKET": store.bucket, "LEDGER_URL": f"sqlite:///{folder / 'ledger.db'}", "HOME": str(folder)}
        place |= {"S3_ENDPOINT": str(endpoint), "S3_ACCESS_KEY": str(access), "S3_SECRET_KEY": str(secret)}
        place |= {"MLFLOW_URL": "http://127.0.0.1:9", "PREFECT_URL": "http://127.0.0.1:9/api", "DEVICE": "cpu"}
        os.environ |= {f"EVERGREEN_{name}": value for name, value in place.items()}
        self.store, self.folder, self.cost = store, folder, defaultdict[str, float](float)
        store.put_file("m/evergreen/models/w.pt", weights)
        self.champion = ModelRef(
            name="m", sha256=sha256_of(weights), uri=store.uri("m/evergreen/models/w.pt"), kind=Kind.DETECT,
            classes=CLASSES, imgsz=imgsz, version=1,
        )  # fmt: skip
        self.model = Yolo.load(weights, self.champion.sha256, Kind.DETECT, "cpu", CLASSES)
        connections.Ledger.upgrade(place["LEDGER_URL"])
        connections.ledger().versions.add(self.champion, source="benchmark")
        connections.ledger().promotions.move("m", PromotionKind.BOOTSTRAP, None, self.champion.sha256, "b", "first")
        reporting.create_markdown_artifact = lambda *_, **__: None  # type: ignore[assignment]
        steps.announce = lambda *_: None
        for module in (monitoring, steps):
            for name, thing in list(vars(module).items()):
                if isinstance(thing, Task):
                    setattr(module, name, self._timed(name, thing.fn))

    def _timed(self, name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*given: Any, **named: Any) -> Any:
            start = time.process_time()
            try:
                return work(*given, **named)
            finally:
                self.cost[name] += time.process_time() - start

        return timed

    def shoot(self, window: Window, count: int) -> list[Truth]:
        """So many pictures with the model's answers; what is really on them."""
        rows, truths, places = [], [], []
        for number in range(count):
            camera = sorted(CAMERAS)[number % len(CAMERAS)]
            moment = window.start + number * (HOUR / count)
            name = f"{window.start:%d%H}-{number:05d}"
            hour = moment.hour + moment.minute / 60
            scene = render(SceneSpec(seed=number + 100_000 * window.start.hour, camera=camera, hour=hour))
            places.append(self.folder / f"{name}.jpg")
            cv2.imwrite(str(places[-1]), cv2.resize(scene.image, SIZE, interpolation=cv2.INTER_CUBIC))
            key = f"m/images/{camera}/{moment:%Y/%m/%d/%H}/{name}.jpg"
            self.store.put(key, places[-1].read_bytes())
            rows.append({"schema": 1, "image_id": name, "key": key, "captured_at": moment.isoformat(), "kind": "detect",
                         "camera": camera, "model_version": "1", "width": SIZE[0], "height": SIZE[1]})  # fmt: skip
            scale = [SIZE[0] / scene.image.shape[1], SIZE[1] / scene.image.shape[0]] * 2
            truths.append(Truth(image_id=name, session=name, classes=scene.classes, boxes=scene.boxes * scale))
        for row, found in zip(rows, self.model.predict(places, self.champion.imgsz, 0.1), strict=True):
            three = zip(found.classes.tolist(), found.confidences.tolist(), found.boxes.tolist(), strict=True)
            row["detections"] = [{"class_id": c, "confidence": s, "box": b} for c, s, b in three]
        part = f"m/predictions/date={window.start:%Y-%m-%d}/hour={window.start:%H}/p.jsonl"
        self.store.put(part, "\n".join(map(json.dumps, rows)).encode())
        return truths

    def calibrated(self, truths: list[Truth]) -> None:
        """Labels of the first window teach what confidences are worth, so that estimates are made."""
        some = truths[:LABELLED]
        paths = [self.folder / f"{each.image_id}.jpg" for each in some]
        labelled = Labelled(truths=some, open=lambda at: read_image(paths[at]), classes=CLASSES)
        found = calibrate(labelled, eyes(self.champion, None, 16), (self.champion.sha256, ""), DAMAGED)
        if found is not None:
            kept.keep_calibration(self.champion, found)

    def judged(self, window: Window, count: int) -> dict[str, float]:
        """Processor seconds of each stage, and of all with what lies between them."""
        self.cost.clear()
        start = time.process_time()
        rules = monitoring.MonitorRules(ingest=IngestRules(max_images=max(count, 20_000)))
        monitoring.judge_window("m", window, True, rules)
        return {**self.cost, "whole": time.process_time() - start}


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--weights", type=Path, required=True, help="a YOLO that detects washers, nuts and bolts")
    asked.add_argument("--images", type=int, default=400)
    asked.add_argument("--imgsz", type=int, default=640, help="side that the model sees")
    asked.add_argument("--no-estimate", action="store_true", help="no calibration, so that nothing is estimated")
    given = asked.parse_args()
    with tempfile.TemporaryDirectory() as place, bucket(Path(place)) as store, disable_run_logger():
        folder = Path(place) / "home"
        folder.mkdir()
        line = Line(store, folder, given.weights, given.imgsz)
        truths = line.shoot(FIRST, 120)
        line.judged(FIRST, 120)
        drifting.pin_reference.fn("m", [FIRST], "benchmark", "healthy")
        if not given.no_estimate:
            line.calibrated(truths)
        line.judged(FIRST, 120)  # against itself: what is loaded once is loaded now
        line.shoot(SECOND, given.images)
        first, second = (line.judged(SECOND, given.images) for _ in range(2))
    print("| stage | first, CPU s | second, CPU s | share |\n|---|---|---|---|")
    for name, cost in first.items():
        share = f"{second.get(name, 0.0) / first['whole']:.2%}"
        print(f"| {name} | {cost:.2f} | {second.get(name, 0.0):.3f} | {share} |")
    print("\nshare: of the whole first judgement")


if __name__ == "__main__":
    main()
