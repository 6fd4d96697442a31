"""What an evaluation costs beside `yolo val` on the same images, and what a second one costs.

Rounds are interleaved (`yolo val`, first evaluation with an empty cache, second evaluation, and so on), so that what
slows the machine down meets all of them; medians are compared. The evaluation does more than `yolo val`: it draws
1,000 bootstrap samples for the interval. Run with one thread (OMP_NUM_THREADS=1) on a shared machine.

    python benchmarks/evaluate_speed.py --weights champion.pt --images 150 --imgsz 320 --rounds 3
    python benchmarks/evaluate_speed.py --weights champion.pt --images 2000 --batch 64 --device 0 --half --workers 8
"""

from __future__ import annotations

import argparse
import hashlib
import resource
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import cv2
import numpy as np
import pyarrow as pa

from tasks.adapters.answer_cache import AnswerCache
from tasks.adapters.answering import Answering
from tasks.adapters.yolo import LOWEST_CONFIDENCE, NMS_IOU, Yolo, protocol
from tasks.adapters.yolo_data import FitImage, FitObject, build_folder
from tasks.adapters.yolo_load import sha256_of
from tasks.adapters.yolo_protocol import halved
from tasks.domain.model import Kind, ModelRef
from tasks.domain.prediction import Floats
from tasks.domain.scoring.scored import evaluation, score
from tasks.domain.scoring.truth import Truth
from tasks.scenarios.parts_scene import CAMERAS, CLASSES, SceneSpec, render


@dataclass(frozen=True)
class World:
    """Labelled scenes on disk in the two forms that are needed."""

    data: Path
    table: pa.Table
    truths: list[Truth]
    paths: dict[str, Path]

    def fetch(self, key: str, sha256: str = "") -> Path:
        """The local file of a key."""
        return self.paths[key]


@dataclass(frozen=True)
class Cost:
    """Seconds of one run: on the clock, and of the processor."""

    wall: float
    cpu: float


def build(folder: Path, n: int) -> World:
    cameras = list(CAMERAS)
    truths, rows, fit, paths = [], [], [], {}
    for i in range(n):
        scene = render(SceneSpec(seed=900_000 + i, camera=cameras[i % len(cameras)], hour=12.0))
        path = folder / f"{i}.jpg"
        cv2.imwrite(str(path), scene.image)
        sha256, key = hashlib.sha256(path.read_bytes()).hexdigest(), f"k{i}"
        boxes = np.array(scene.boxes, np.float32).reshape(-1, 4)
        classes = np.array(scene.classes, np.int64)
        truths.append(Truth(image_id=f"i{i}", session=f"s{i // 2}", classes=classes, boxes=boxes))
        rows.append({"key": key, "sha256": sha256})
        things = (FitObject(class_id=int(c), box=tuple(map(float, b))) for c, b in zip(classes, boxes, strict=True))
        fit.append(FitImage(path=path, sha256=sha256, objects=tuple(things)))
        paths[key] = path
    data = build_folder(folder / "yolo", Kind.DETECT, CLASSES, fit[:1], fit)
    return World(data=data, table=pa.Table.from_pylist(rows), truths=truths, paths=paths)


def timed(run: Callable[[], object]) -> tuple[Cost, object]:
    """Seconds with those of the processes that it started, and what the run gave."""

    def used() -> float:
        spent = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        return sum(each.ru_utime + each.ru_stime for each in spent)

    wall, cpu = time.perf_counter(), used()
    result = run()
    return Cost(time.perf_counter() - wall, used() - cpu), result


def contestants(asked: argparse.Namespace, world: World, folder: Path) -> dict[str, Callable[[], object]]:
    sha256 = sha256_of(asked.weights)
    model = Yolo.load(asked.weights, sha256, device=asked.device)
    bare = Yolo.load(asked.weights, sha256, device=asked.device).model
    ref = ModelRef(name="b", sha256=sha256, uri="", kind=model.kind, classes=model.classes, imgsz=asked.imgsz)
    used = halved(protocol(asked.imgsz, LOWEST_CONFIDENCE, NMS_IOU, asked.batch, asked.device), asked.half)
    half = len(world.truths) * 9 // 10

    def answering(cache: Path) -> Answering:
        return Answering(
            sha256=sha256, protocol=used, load=lambda: model, images=world, cache=AnswerCache(cache, 2**30)
        )

    def val() -> object:
        return bare.val(
            data=str(world.data), imgsz=asked.imgsz, batch=asked.batch, rect=False, conf=LOWEST_CONFIDENCE,
            iou=NMS_IOU, device=asked.device, quantize=16 if asked.half else None, workers=asked.workers, plots=False,
            verbose=False, project=str(folder), name="v", exist_ok=True,
        )  # fmt: skip

    def scored(cache: Path) -> object:
        return score(ref, world.truths, answering(cache).answers(world.table))

    def first() -> object:
        shutil.rmtree(folder / "cache", ignore_errors=True)
        return scored(folder / "cache")

    def grown() -> object:
        """A tenth of the images is new."""
        shutil.rmtree(folder / "grown", ignore_errors=True)
        answering(folder / "grown").answers(world.table[:half])
        return timed(lambda: scored(folder / "grown"))[0]

    def whole(cache: Path) -> object:
        """With the interval: 1,000 draws, or those of before."""
        asks = answering(cache)
        found = score(ref, world.truths, asks.answers(world.table))
        return evaluation(ref, found, "b", "", used, asks.summary(found, 0))

    def first_whole() -> object:
        shutil.rmtree(folder / "whole", ignore_errors=True)
        return whole(folder / "whole")

    return {
        "`yolo val`": val,
        "first evaluation": first,
        "second evaluation": lambda: scored(folder / "cache"),
        "a tenth is new": grown,
        "first, with its interval": first_whole,
        "second, with its interval": lambda: whole(folder / "whole"),
    }


def batches(asked: argparse.Namespace, world: World) -> None:
    """How far answers and score move when only the batch changes."""
    model = Yolo.load(asked.weights, sha256_of(asked.weights), device="cpu")
    ref = ModelRef(name="b", sha256=model.sha256, uri="", kind=model.kind, classes=model.classes, imgsz=asked.imgsz)
    paths = [world.paths[key] for key in world.table["key"].to_pylist()]
    found = {batch: model.predict(paths, asked.imgsz, batch=batch) for batch in (1, 4, 16)}
    print(
        "\n| batch | images with another number of boxes | largest change of a confidence | of a box, px | mAP50-95 |"
    )
    print("|---:|---:|---:|---:|---:|")
    for batch, answers in found.items():
        pairs = [(a, b) for a, b in zip(found[16], answers, strict=True) if len(a.boxes) == len(b.boxes)]
        confidence = max((float(np.abs(a.confidences - b.confidences).max(initial=0)) for a, b in pairs), default=0.0)
        boxes = max((box_change(a.boxes, b.boxes) for a, b in pairs), default=0.0)
        value = float(score(ref, world.truths, answers).headline()[0])
        print(f"| {batch} | {len(answers) - len(pairs)} | {confidence:.1e} | {boxes:.1e} | {value:.6f} |")


def box_change(first: Floats, second: Floats) -> float:
    """How far each box lies from the nearest one of the other answer, at most; equal confidences may swap places."""
    if not len(first):
        return 0.0
    apart = np.abs(first[:, None] - second[None]).max(-1)
    return float(apart.min(1).max())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, required=True, help="a detect model of the scenario `parts`")
    parser.add_argument("--images", type=int, default=150)
    parser.add_argument("--imgsz", type=int, default=320)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--device", default="cpu", help="`cpu`, or the number of a CUDA device")
    parser.add_argument("--half", action="store_true", help="16-bit arithmetic on both sides; CUDA devices only")
    parser.add_argument("--workers", type=int, default=0, help="loader processes of `yolo val`")
    parser.add_argument("--batches", action="store_true", help="measure what another batch changes instead")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="evergreen-bench-") as scratch:
        folder = Path(scratch)
        world = build(folder, asked.images)
        if asked.batches:
            return batches(asked, world)
        runs = contestants(asked, world, folder)
        costs: dict[str, list[Cost]] = {name: [] for name in runs}
        for number in range(asked.rounds + 1):  # the first round warms everything up
            for name, run in runs.items():
                whole, spent = timed(run)
                if number:
                    costs[name].append(spent if isinstance(spent, Cost) else whole)
    show(costs)
    return None


def show(costs: dict[str, list[Cost]]) -> None:
    base = costs["`yolo val`"]
    print("\n| run | s of processor | s on the clock | processor against `yolo val` | clock against `yolo val` |")
    print("|---|---:|---:|---:|---:|")
    for name, mine in costs.items():
        cpu, wall = median(c.cpu for c in mine), median(c.wall for c in mine)
        ratio = median(m.cpu / b.cpu for m, b in zip(mine, base, strict=True))
        clock = median(m.wall / b.wall for m, b in zip(mine, base, strict=True))
        print(f"| {name} | {cpu:.2f} | {wall:.2f} | {ratio:.3f} | {clock:.3f} |")


if __name__ == "__main__":
    main()
