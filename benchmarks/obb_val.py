"""Is our mAP of oriented boxes the one that `yolo val` shows? And what would it be by the exact overlap?

A network learns turned bars and plates (drawn here, 2 classes) for some epochs, few enough to leave errors. Then both
score the same network on the same fresh scenes under one protocol: `yolo val` (rect off, batch, confidence and IoU of
ours), and ours by ProbIoU and by the exact overlap of the corners.

    python benchmarks/obb_val.py --epochs 25 --images 300
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path
from unittest import mock

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.adapters.yolo import LOWEST_CONFIDENCE, NMS_IOU, Yolo
from tasks.adapters.yolo_load import sha256_of, ultralytics
from tasks.domain.model import Kind
from tasks.domain.scoring import overlaps
from tasks.domain.scoring.detection import score_detections
from tasks.domain.scoring.truth import Truth

CLASSES = ("bar", "plate")
SIDES = {0: (34, 9), 1: (24, 20)}
"""Length and width of a bar and of a plate, in pixels; each thing differs by up to a fifth."""


def scene(seed: int, side: int) -> tuple[NDArray[np.uint8], list[int], NDArray[np.float32]]:
    """An image, the class of each thing, and its corners (n, 4, 2)."""
    rng = np.random.default_rng(seed)
    image = rng.normal(90, 22, (side, side, 3)).clip(0, 255).astype(np.uint8)
    classes, corners = [], []
    for _ in range(int(rng.integers(1, 7))):
        label = int(rng.integers(0, 2))
        sides = tuple(float(s * rng.uniform(0.8, 1.2)) for s in SIDES[label])
        box = cv2.boxPoints((tuple(rng.uniform(20, side - 20, 2)), sides, float(rng.uniform(0, 180))))
        shade = tuple(float(v) for v in rng.uniform(110, 190, 3))
        cv2.fillPoly(image, [np.rint(box).astype(np.int32)], shade)
        classes.append(label)
        corners.append(box)
    return cv2.GaussianBlur(image, (3, 3), 0.8), classes, np.array(corners, np.float32).reshape(-1, 4, 2)


def build(folder: Path, train: int, test: int, side: int) -> tuple[Path, list[Path], list[Truth]]:
    """The data set in ultralytics' form, and the test part in ours."""
    paths, truths = [], []
    for part, seeds in (("train", range(train)), ("val", range(10_000, 10_000 + test))):
        for kind in ("images", "labels"):
            (folder / kind / part).mkdir(parents=True)
        for seed in seeds:
            image, classes, corners = scene(seed, side)
            path = folder / "images" / part / f"{seed}.png"
            cv2.imwrite(str(path), image)
            rows = (f"{c} " + " ".join(f"{v:.6f}" for v in box.ravel() / side)
                    for c, box in zip(classes, corners, strict=True))  # fmt: skip
            (folder / "labels" / part / f"{seed}.txt").write_text("\n".join(rows))
            if part == "val":
                boxes = np.concatenate([corners.min(1), corners.max(1)], 1)
                named = np.array(classes, np.int64)
                truths.append(Truth(image_id=str(seed), session=str(seed), classes=named, boxes=boxes, corners=corners))
                paths.append(path)
    data = folder / "data.yaml"
    data.write_text(f"path: {folder}\ntrain: images/train\nval: images/val\nnames: {dict(enumerate(CLASSES))}\n")
    return data, paths, truths


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=25)
    parser.add_argument("--train", type=int, default=240)
    parser.add_argument("--images", type=int, default=300)
    parser.add_argument("--imgsz", type=int, default=128)
    parser.add_argument("--weights", type=Path, help="a network that learnt these scenes before, instead of training")
    parser.add_argument("--keep", type=Path, help="where the trained network is kept")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="evergreen-bench-") as scratch:
        folder = Path(scratch)
        data, paths, truths = build(folder / "set", asked.train, asked.images, asked.imgsz)
        weights = asked.weights or trained(asked, data, folder)
        if asked.keep:
            asked.keep.write_bytes(weights.read_bytes())
        show(asked, weights, data, paths, truths)


def trained(asked: argparse.Namespace, data: Path, folder: Path) -> Path:
    network = ultralytics().YOLO("yolo11n-obb.yaml")
    network.train(
        data=str(data), imgsz=asked.imgsz, epochs=asked.epochs, batch=16, device="cpu", workers=0, seed=0, plots=False,
        verbose=False, project=str(folder), name="t", val=False, degrees=180, mosaic=0.5, lr0=0.002, optimizer="AdamW",
    )  # fmt: skip
    return folder / "t" / "weights" / "last.pt"


def show(asked: argparse.Namespace, weights: Path, data: Path, paths: list[Path], truths: list[Truth]) -> None:
    model = Yolo.load(weights, sha256_of(weights), Kind.OBB, "cpu")
    bare = Yolo.load(weights, sha256_of(weights), Kind.OBB, "cpu").model
    found = bare.val(
        data=str(data), imgsz=asked.imgsz, batch=16, rect=False, conf=LOWEST_CONFIDENCE, iou=NMS_IOU, device="cpu",
        workers=0, plots=False, verbose=False, project=str(data.parent), name="v",
    )  # fmt: skip
    answers = model.predict(paths, asked.imgsz)
    ours = score_detections(truths, answers, CLASSES, kind=Kind.OBB).metrics()
    with mock.patch.object(overlaps, "gaussian_iou", overlaps.turned_iou):
        exact = score_detections(truths, answers, CLASSES, kind=Kind.OBB).metrics()
    upright = score_detections([replace(each, corners=None) for each in truths], answers, CLASSES).metrics()
    objects = sum(len(each.classes) for each in truths)
    print(f"\n{len(truths)} images, {objects} objects\n")
    print("| scored by | mAP50 | mAP50-95 | difference to `yolo val` |\n|---|---:|---:|---:|")
    print(f"| `yolo val` | {found.box.map50:.4f} | {found.box.map:.4f} | |")
    for name, each in (("ours (ProbIoU)", ours), ("the exact overlap", exact), ("upright boxes", upright)):
        apart = (each["map50"] - found.box.map50, each["map50_95"] - found.box.map)
        print(f"| {name} | {each['map50']:.4f} | {each['map50_95']:.4f} | {apart[0]:+.4f}, {apart[1]:+.4f} |")


if __name__ == "__main__":
    main()
