"""One answer per image, in order, whatever the batch."""

import cv2
import numpy as np
import pytest

from tasks.adapters.yolo import Yolo, device_type, pick_device, protocol, versions
from tasks.domain.errors import ContractError
from tasks.domain.model import Kind

CLASSES = ("zeta", "alpha")


@pytest.fixture(scope="module")
def models(detector, classifier):
    return {
        one.plan.kind: (Yolo.load(one.result.weights, one.result.sha256, one.plan.kind, "cpu", CLASSES), one)
        for one in (detector, classifier)
    }


@pytest.mark.parametrize("kind", [Kind.DETECT, Kind.CLASSIFY])
def test_as_many_answers_come_out_as_images_went_in(models, kind):
    model, made = models[kind]
    paths = [row.path for row in (*made.plan.train, *made.plan.val)]
    assert len(model.predict(paths, made.plan.imgsz, batch=5)) == 12
    assert model.predict([], made.plan.imgsz) == []


def test_a_detector_answers_with_boxes_in_pixels(models):
    model, made = models[Kind.DETECT]
    answers = model.predict([row.path for row in made.plan.train], 64, conf=0.0)
    assert any(len(answer.boxes) for answer in answers)
    for answer in answers:
        assert answer.boxes.dtype == np.float32
        assert answer.boxes.shape == (len(answer.classes), 4)
        assert answer.probabilities is None
        assert (np.diff(answer.confidences) <= 0).all()
        assert answer.boxes.min(initial=0) >= 0
        assert answer.boxes.max(initial=0) <= 64
        assert answer.finite


def test_a_classifier_answers_with_probabilities_that_sum_to_one(models):
    model, made = models[Kind.CLASSIFY]
    for answer in model.predict([row.path for row in made.plan.val], 32):
        assert answer.probabilities.shape == (2,)
        assert answer.probabilities.sum() == pytest.approx(1, abs=1e-3)
        assert answer.speed.inference > 0


@pytest.mark.parametrize("kind", [Kind.DETECT, Kind.CLASSIFY])
def test_the_batch_changes_no_answer_even_between_images_of_different_sizes(models, kind, tmp_path):
    model, made = models[kind]
    wide = tmp_path / "wide.png"
    cv2.imwrite(str(wide), np.random.default_rng(0).integers(0, 255, (40, 90, 3), dtype=np.uint8))
    paths = [made.plan.val[0].path, wide, made.plan.val[1].path]
    together = model.embed(paths, made.plan.imgsz, batch=3)
    alone = np.concatenate([model.embed([path], made.plan.imgsz, batch=1) for path in paths])
    assert together.shape == (3, 256)
    assert together.dtype == np.float32
    assert together == pytest.approx(alone, abs=1e-4)


def test_embeddings_tell_the_two_colours_apart(models):
    model, made = models[Kind.CLASSIFY]
    rows = (*made.plan.train, *made.plan.val)
    vectors = model.embed([row.path for row in rows], 32)
    label = np.array([row.objects[0].class_id for row in rows])
    apart = np.linalg.norm(vectors[label == 0].mean(0) - vectors[label == 1].mean(0))
    assert apart > np.linalg.norm(vectors[label == 0].std(0))


def test_no_image_has_no_embedding(models):
    assert models[Kind.DETECT][0].embed([], 64).shape == (0, 0)


@pytest.mark.parametrize("kind", [Kind.DETECT, Kind.CLASSIFY])
def test_serving_gives_one_result_per_image(models, kind):
    model, made = models[kind]
    images = [np.zeros((50, 70, 3), np.uint8), np.full((64, 64, 3), 200, np.uint8)]
    results = model.serve(images, made.plan.imgsz)
    assert [result.orig_shape for result in results] == [(50, 70), (64, 64)]
    assert model.serve([], made.plan.imgsz) == []


def test_a_file_that_is_no_image_is_named_instead_of_dropped(models, tmp_path):
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"no image")
    model, made = models[Kind.DETECT]
    with pytest.raises(ContractError, match=r"bad\.jpg"):
        model.predict([made.plan.val[0].path, bad], 64)


def test_a_model_knows_its_size_and_its_classes_in_the_order_of_ids(models):
    model, _ = models[Kind.CLASSIFY]
    assert (model.classes, model.imgsz, model.kind) == (CLASSES, 32, Kind.CLASSIFY)


def test_the_protocol_names_what_computes():
    assert {name.split("==")[0] for name in versions()} >= {"ultralytics", "torch", "numpy"}
    assert protocol(64, 0.1, 0.7, 4, "cpu").device == "cpu"
    assert pick_device("1") == "1"
    assert device_type("1") == "cuda"
