"""Two tiny models, trained once per session on a dozen pictures of coloured squares."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

from tasks.adapters.yolo_data import FitImage, FitObject
from tasks.adapters.yolo_fit import FitPlan, FitResult, fit
from tasks.domain.model import Kind

CLASSES = ("zeta", "alpha")  # not in alphabetical order on purpose


@dataclass(frozen=True)
class Trained:
    result: FitResult
    plan: FitPlan
    seen: list


def square(folder, i, kind):
    rng = np.random.default_rng(i)
    image = rng.integers(0, 60, (64, 64, 3), dtype=np.uint8)
    x, y = (int(v) for v in rng.integers(4, 34, 2))
    image[y : y + 24, x : x + 24] = (0, 220, 0) if i % 2 else (220, 0, 0)
    path = folder / f"{kind.value}-{i}"  # cached images carry no suffix
    path.write_bytes(cv2.imencode(".png", image)[1].tobytes())
    box = (x, y, x + 24.0, y + 24.0) if kind is Kind.DETECT else None
    return FitImage(
        path=path,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        objects=(FitObject(class_id=i % 2, box=box),),
    )


def plan_for(folder: Path, kind: Kind) -> FitPlan:
    folder.mkdir(parents=True, exist_ok=True)
    rows = tuple(square(folder, i, kind) for i in range(12))
    return FitPlan(
        base="yolo11n.yaml" if kind is Kind.DETECT else "yolo11n-cls.yaml",
        kind=kind,
        classes=CLASSES,
        train=rows[:8],
        val=rows[8:],
        out=folder / "out",
        imgsz=32 if kind is Kind.CLASSIFY else 64,
        epochs=2,
        batch=4,
        device="cpu",
    )


def trained(folder: Path, kind: Kind) -> Trained:
    plan, seen = plan_for(folder, kind), []
    return Trained(result=fit(plan, lambda *step: seen.append(step)), plan=plan, seen=seen)


@pytest.fixture(scope="session")
def detector(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("detect"), Kind.DETECT)


@pytest.fixture(scope="session")
def classifier(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("classify"), Kind.CLASSIFY)
