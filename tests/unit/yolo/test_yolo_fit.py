"""A training is a function of its plan."""

import hashlib
import math
from dataclasses import replace

import numpy as np
import pytest
import yaml

from tasks.adapters.yolo import Yolo
from tasks.adapters.yolo_data import FitImage, FitObject, build_folder, yolo_lines
from tasks.adapters.yolo_fit import checked_hyper, fit, package_yaml
from tasks.domain.errors import ConfigError, ContractError, UnsafeModel
from tasks.domain.model import Kind

CLASSES = ("zeta", "alpha")


@pytest.mark.parametrize("name", ["detector", "classifier"])
def test_training_gives_weights_named_by_their_hash_and_one_point_per_epoch(name, request):
    made = request.getfixturevalue(name)
    result = made.result
    assert hashlib.sha256(result.weights.read_bytes()).hexdigest() == result.sha256 == result.weights.stem
    assert [point["epoch"] for point in result.curves] == [1, 2]
    assert [(epoch, epochs) for epoch, epochs, _ in made.seen] == [(1, 2), (2, 2)]
    assert all(math.isfinite(value) for point in result.curves for value in point.values())
    assert any(key.startswith("train/") for key in result.curves[0])
    assert result.plots[0].read_bytes().startswith(b"\x89PNG")
    assert sorted(path.suffix for path in made.plan.out.iterdir()) == [".png", ".pt", ".yaml"]


def test_the_same_plan_gives_the_same_bytes_and_another_seed_gives_others(classifier, tmp_path):
    again = fit(replace(classifier.plan, out=tmp_path / "again"))
    other = fit(replace(classifier.plan, out=tmp_path / "other", seed=7))
    assert again.sha256 == classifier.result.sha256 != other.sha256


def test_weights_carry_no_path_of_the_machine_that_made_them(detector):
    data = detector.result.weights.read_bytes()
    assert str(detector.plan.out).encode() not in data
    assert b"/tmp" not in data


def test_a_challenger_is_fine_tuned_from_verified_weights(classifier, tmp_path):
    result = classifier.result
    plan = replace(
        classifier.plan, base=result.weights, base_sha256=result.sha256, out=tmp_path, epochs=1, lr0=1e-3, freeze=2
    )
    tuned = fit(plan)
    assert tuned.sha256 != result.sha256
    assert Yolo.load(tuned.weights, tuned.sha256, Kind.CLASSIFY, "cpu", CLASSES).imgsz == 32
    with pytest.raises(UnsafeModel, match="hash_mismatch"):
        fit(replace(plan, base_sha256="0" * 64))


def test_a_training_that_diverges_is_an_error_and_leaves_no_weights(detector, tmp_path):
    with pytest.raises(ConfigError, match="diverged in epoch 1"):
        fit(replace(detector.plan, out=tmp_path, hyper={"box": 1e39}, epochs=1))
    assert not list(tmp_path.glob("*.pt"))


def test_a_number_out_of_range_is_refused_before_training(detector, tmp_path):
    with pytest.raises(ConfigError, match="mosaic"):
        fit(replace(detector.plan, out=tmp_path / "x", hyper={"mosaic": 2}))
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    "name", ["yolo99n.yaml", "../yolo11n.yaml", "/etc/yolo11.yaml", "yolo11n.pt", "data.yaml", "", "yolo11n.yaml\n"]
)
def test_only_architectures_of_ultralytics_itself_are_bases(name):
    with pytest.raises(ConfigError, match="no architecture"):
        package_yaml(name)


def test_a_file_of_the_same_name_in_the_working_folder_is_not_read(tmp_path, monkeypatch):
    (tmp_path / "yolo11n.yaml").write_text("activation: __import__('os').system('true')")
    monkeypatch.chdir(tmp_path)
    assert tmp_path not in package_yaml("yolo11n.yaml").parents


@pytest.mark.parametrize(
    "hyper",
    [{"data": "x"}, {"project": "/x"}, {"mosaic": "1"}, {"mosaic": math.nan}, {"cos_lr": 1}, {"patience": True},
     {"optimizer": "A; rm"}],
)  # fmt: skip
def test_only_known_arguments_of_the_right_type_may_be_set(hyper):
    with pytest.raises(ConfigError):
        checked_hyper(hyper)


def test_known_arguments_pass():
    assert checked_hyper({"mosaic": 0, "optimizer": "SGD", "cos_lr": True}) == {
        "mosaic": 0,
        "optimizer": "SGD",
        "cos_lr": True,
    }


def test_the_generated_yaml_holds_no_more_than_paths_and_names(detector, tmp_path):
    path = build_folder(tmp_path / "d", Kind.DETECT, CLASSES, detector.plan.train, detector.plan.val)
    assert set(yaml.safe_load(path.read_text())) == {"path", "train", "val", "names"}
    assert len(list((tmp_path / "d" / "labels" / "train").iterdir())) == 8


def test_class_folders_are_numbers_so_that_names_cannot_leave_them(classifier, tmp_path):
    names = ("../evil", "alpha")
    build_folder(tmp_path / "c", Kind.CLASSIFY, names, classifier.plan.train, classifier.plan.val)
    assert sorted(path.name for path in (tmp_path / "c" / "train").iterdir()) == ["0", "1"]
    assert yaml.safe_load((tmp_path / "c" / ".ndjson.yaml").read_text())["names"] == dict(enumerate(names))


@pytest.mark.parametrize("kind", [Kind.DETECT, Kind.CLASSIFY])
def test_manifests_that_cannot_be_trained_on_are_refused(kind, detector, tmp_path):
    row = detector.plan.train[0]
    with pytest.raises(ContractError, match="both are needed"):
        build_folder(tmp_path, kind, CLASSES, (row,), ())
    strange = replace(row, objects=(FitObject(class_id=9, box=(0, 0, 1, 1)),))
    with pytest.raises(ContractError, match="class id 9"):
        build_folder(tmp_path, kind, CLASSES, (strange,), (row,))
    with pytest.raises(ContractError, match="twice"):
        build_folder(tmp_path, kind, CLASSES, (row, row), (row,))
    text = tmp_path / "text"
    text.write_text("no image")
    with pytest.raises(ContractError, match="cannot be trained on"):
        build_folder(tmp_path / "f", kind, CLASSES, (replace(row, path=text),), (row,))


def test_a_classify_image_needs_exactly_one_class(classifier, tmp_path):
    empty = replace(classifier.plan.train[0], objects=())
    with pytest.raises(ContractError, match="exactly one"):
        build_folder(tmp_path, Kind.CLASSIFY, CLASSES, (empty,), classifier.plan.val)


def test_boxes_are_clipped_to_the_image_and_vanish_outside_it():
    objects = (FitObject(class_id=0, box=(-10, -10, 50, 50)), FitObject(class_id=1, box=(200, 0, 300, 10)))
    assert yolo_lines(objects, 100, 100) == ["0 0.250000 0.250000 0.500000 0.500000"]


def test_a_turned_photograph_is_measured_as_it_is_shown(tmp_path):
    from PIL import Image

    image = Image.fromarray(np.zeros((20, 40, 3), np.uint8))
    exif = image.getexif()
    exif[0x0112] = 6
    path = tmp_path / "turned"
    image.save(path, "JPEG", exif=exif)
    row = FitImage(path=path, sha256="a", objects=(FitObject(class_id=0, box=(0, 0, 20, 40)),))
    build_folder(tmp_path / "f", Kind.DETECT, CLASSES, (row,), (row,))
    assert (tmp_path / "f/labels/train/a.txt").read_text() == "0 0.500000 0.500000 1.000000 1.000000"
