"""The same guarantees on a CUDA device."""

import hashlib

import cv2
import numpy as np
import pytest

from tasks.adapters.yolo import Yolo, device_type
from tasks.adapters.yolo_data import FitImage, FitObject
from tasks.adapters.yolo_fit import FitPlan, fit
from tasks.domain.model import Kind

pytestmark = pytest.mark.gpu
CLASSES = ("bright", "dark")


@pytest.fixture(scope="module", autouse=True)
def cuda():
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device on this machine")


def image(folder, i):
    pixels = np.random.default_rng(i).integers(0, 60, (96, 96, 3), dtype=np.uint8) + (120 if i % 2 == 0 else 0)
    path = folder / f"{i}.png"
    cv2.imwrite(str(path), pixels.astype(np.uint8))
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return FitImage(path=path, sha256=sha256, objects=(FitObject(class_id=i % 2, box=(10.0, 10.0, 80.0, 80.0)),))


@pytest.mark.parametrize(("kind", "base"), [(Kind.DETECT, "yolo11n.yaml"), (Kind.CLASSIFY, "yolo11n-cls.yaml")])
def test_training_and_answering_work_on_the_gpu_and_agree_with_the_cpu(kind, base, tmp_path):
    rows = tuple(image(tmp_path, i) for i in range(24))
    plan = FitPlan(
        base=base,
        kind=kind,
        classes=CLASSES,
        train=rows[:16],
        val=rows[16:],
        out=tmp_path / "out",
        imgsz=96,
        epochs=3,
        batch=8,
        device="auto",
    )
    assert device_type("auto") == "cuda"
    result = fit(plan)
    paths = [row.path for row in rows]
    on_gpu = Yolo.load(result.weights, result.sha256, kind, "auto", CLASSES).embed(paths, 96)
    on_cpu = Yolo.load(result.weights, result.sha256, kind, "cpu", CLASSES).embed(paths, 96)
    assert on_gpu == pytest.approx(on_cpu, abs=2e-2)
