"""The same guarantees on a CUDA device."""

import hashlib

import cv2
import numpy as np
import pytest

from tasks.adapters.yolo import Yolo, device_type
from tasks.adapters.yolo_data import FitImage, FitObject
from tasks.adapters.yolo_export import export_file
from tasks.adapters.yolo_fit import FitPlan, fit
from tasks.adapters.yolo_protocol import card_of, halved, protocol
from tasks.domain.model import Kind
from tasks.domain.protocol import Format

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


@pytest.fixture(scope="module")
def made(cuda, tmp_path_factory):
    folder = tmp_path_factory.mktemp("gpu")
    rows = tuple(image(folder, i) for i in range(24))
    plan = FitPlan(
        base="yolo11n.yaml",
        kind=Kind.DETECT,
        classes=CLASSES,
        train=rows[:16],
        val=rows[16:],
        out=folder / "out",
        imgsz=96,
        epochs=3,
        batch=8,
        device="auto",
    )
    result = fit(plan)
    return Yolo.load(result.weights, result.sha256, Kind.DETECT, "auto", CLASSES), [row.path for row in rows], plan


def test_half_precision_gives_nearly_the_same_boxes_and_has_a_protocol_of_its_own(made):
    model, paths, _ = made
    used = protocol(96, 0.05, 0.7, 8, "auto")
    half = halved(used, True)
    assert half.recipe != used.recipe
    for first, second in zip(model.follow(used, paths), model.follow(half, paths), strict=True):
        sure = first.confidences[first.confidences > 0.5]
        assert second.confidences[: len(sure)] == pytest.approx(sure, abs=0.05)


def test_auto_begins_large_and_answers_like_a_small_batch(made):
    model, paths, _ = made
    for first, second in zip(model.predict(paths, 96, batch="auto"), model.predict(paths, 96, batch=2), strict=True):
        assert second.confidences[:3] == pytest.approx(first.confidences[:3], abs=1e-2)


def test_an_engine_is_made_and_answers_like_the_weights(made, tmp_path):
    pytest.importorskip("tensorrt", reason="no TensorRT: pip install tensorrt")
    model, paths, _ = made
    sha256 = export_file(model, Format.ENGINE, 96, tmp_path / "m.engine")
    engine = Yolo.load(tmp_path / "m.engine", sha256, Kind.DETECT, "auto", CLASSES, Format.ENGINE)
    for first, second in zip(model.predict(paths, 96), engine.predict(paths, 96), strict=True):
        assert second.confidences[:1] == pytest.approx(first.confidences[:1], abs=0.02)


def test_several_workers_take_the_cards_in_turn():
    import torch

    count = torch.cuda.device_count()
    assert [card_of("auto", worker) for worker in range(count + 1)] == [*map(str, range(count)), "0"]
    assert card_of("cpu", 3) == "cpu"
