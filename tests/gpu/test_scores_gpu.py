"""An evaluation on a GPU says what the same evaluation on a processor says: in 32 bits, in 16, and as an engine.

How fast it is beside `yolo val` is measured side by side: `benchmarks/evaluate_speed.py --device 0 --half`.
"""

import hashlib

import cv2
import numpy as np
import pyarrow as pa
import pytest

from tasks.adapters.answer_cache import AnswerCache
from tasks.adapters.answering import Answering
from tasks.adapters.yolo import Yolo
from tasks.adapters.yolo_data import FitImage, FitObject
from tasks.adapters.yolo_export import export_file
from tasks.adapters.yolo_fit import FitPlan, fit
from tasks.adapters.yolo_protocol import exported, halved, protocol
from tasks.domain.evaluation import CARD_USE
from tasks.domain.model import Kind, ModelRef
from tasks.domain.protocol import Format
from tasks.domain.scoring.scored import evaluation, score
from tasks.domain.scoring.truth import Truth
from tasks.scenarios.parts_scene import CAMERAS, CLASSES, SceneSpec, render

pytestmark = pytest.mark.gpu
SIDE, TRAIN, TEST = 160, 400, 120


class World:
    """Labelled scenes on disk, and a network that learnt some of them on the GPU."""

    def __init__(self, folder):
        self.folder, self.paths, self.truths = folder, {}, []
        images = [self._image(i) for i in range(TRAIN + TEST)]
        self.rows = images[TRAIN:]
        self.table = pa.table({"key": [r.sha256 for r in self.rows], "sha256": [r.sha256 for r in self.rows]})
        plan = FitPlan(
            base="yolo11n.yaml", kind=Kind.DETECT, classes=CLASSES, train=tuple(images[:TRAIN]),
            val=tuple(images[TRAIN : TRAIN + 8]), out=folder / "out", imgsz=SIDE, epochs=40, batch=32, device="auto",
        )  # fmt: skip
        self.made = fit(plan)
        self.ref = ModelRef(
            name="m", sha256=self.made.sha256, uri="", kind=Kind.DETECT, classes=CLASSES, imgsz=SIDE, version=1
        )

    def _image(self, i):
        scene = render(SceneSpec(seed=i, camera=list(CAMERAS)[i % len(CAMERAS)], hour=12.0))
        path = self.folder / f"{i}.jpg"
        cv2.imwrite(str(path), scene.image)
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        self.paths[sha256] = path
        boxes = np.array(scene.boxes, np.float32).reshape(-1, 4)
        classes = np.array(scene.classes, np.int64)
        if i >= TRAIN:
            self.truths.append(Truth(image_id=f"i{i}", session=f"s{i}", classes=classes, boxes=boxes))
        things = (FitObject(class_id=int(c), box=tuple(map(float, b))) for c, b in zip(classes, boxes, strict=True))
        return FitImage(path=path, sha256=sha256, objects=tuple(things))

    def fetch(self, key, sha256=""):
        return self.paths[sha256]

    def load(self, device):
        return Yolo.load(self.made.weights, self.made.sha256, Kind.DETECT, device, CLASSES)

    def evaluated(self, model, used, name):
        """The evaluation and the answers, which are inferred anew."""
        cache = AnswerCache(self.folder / f"cache-{name}", 2**28)
        asked = Answering(sha256=model.sha256, protocol=used, load=lambda: model, images=self, cache=cache)
        answers = asked.answers(self.table)
        return evaluation(self.ref, score(self.ref, self.truths, answers), "recent", "d", used), asked


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device on this machine")
    return World(tmp_path_factory.mktemp("scores"))


@pytest.fixture(scope="module")
def on_cpu(world):
    found, _ = world.evaluated(world.load("cpu"), protocol(SIDE, 0.001, 0.7, 16, "cpu"), "cpu")
    assert found.headline.value > 0.3, "a network that found nothing would agree with anything"
    return found


def apart(first, second):
    return max(abs(first.metrics[name] - second.metrics[name]) for name in ("map50", "map50_95", "f1"))


def test_the_scores_of_a_gpu_are_those_of_a_processor(world, on_cpu):
    found, asked = world.evaluated(world.load("auto"), protocol(SIDE, 0.001, 0.7, "auto", "auto"), "cuda")
    assert found.conditions["device"] == "cuda"
    assert apart(found, on_cpu) < 5e-3
    assert all(0 <= share <= 1 for share in asked.use)


def test_half_precision_moves_the_scores_by_less_than_a_point_and_is_another_protocol(world, on_cpu):
    used = halved(protocol(SIDE, 0.001, 0.7, 32, "auto"), True)
    found, _ = world.evaluated(world.load("auto"), used, "half")
    assert found.conditions["half"] is True
    assert found.protocol != on_cpu.protocol
    assert apart(found, on_cpu) < 1e-2


def test_an_engine_scores_like_the_weights_that_it_was_made_of(world, on_cpu):
    pytest.importorskip("tensorrt", reason="no TensorRT: pip install tensorrt")
    path = world.folder / "m.engine"
    sha256 = export_file(world.load("auto"), Format.ENGINE, SIDE, path)
    engine = Yolo.load(path, sha256, Kind.DETECT, "auto", CLASSES, Format.ENGINE)
    used = exported(protocol(SIDE, 0.001, 0.7, 16, "auto"), Format.ENGINE, "auto")
    found, _ = world.evaluated(engine, used, "engine")
    assert apart(found, on_cpu) < 1e-2


def test_how_busy_the_gpu_was_is_kept_with_the_evaluation(world):
    pytest.importorskip("pynvml", reason="no NVML: pip install nvidia-ml-py")
    used = protocol(SIDE, 0.001, 0.7, 8, "auto")
    _, asked = world.evaluated(world.load("auto"), used, "busy")
    assert 0 <= asked.numbers()[CARD_USE] <= 1
