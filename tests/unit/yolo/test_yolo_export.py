"""An exported file is hashed and read before it is run, and one that reaches outside itself is refused."""

import ast

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from tasks.adapters.yolo import Yolo, protocol
from tasks.adapters.yolo_export import export_file
from tasks.adapters.yolo_load import sha256_of
from tasks.adapters.yolo_protocol import exported, halved
from tasks.domain.errors import ConfigError, ContractError, NotFound, UnsafeModel
from tasks.domain.model import Kind
from tasks.domain.protocol import Format

CLASSES = ("zeta", "alpha")


@pytest.fixture(scope="module")
def trained(detector):
    return Yolo.load(detector.result.weights, detector.result.sha256, Kind.DETECT, "cpu", CLASSES)


@pytest.fixture(scope="module")
def file(trained, tmp_path_factory):
    path = tmp_path_factory.mktemp("export") / "file"  # files in the cache may have any name
    export_file(trained, Format.ONNX, 64, path)
    return path


def load(path, classes=CLASSES, sha256=None):
    return Yolo.load(path, sha256 or sha256_of(path), Kind.DETECT, "cpu", classes, Format.ONNX)


def changed(file, tmp_path, change):
    model = onnx.load(file)
    change(model)
    path = tmp_path / "changed.onnx"
    path.write_bytes(model.SerializeToString())
    return path


def refused(path, words, **asked):
    with pytest.raises(UnsafeModel, match=words):
        load(path, **asked)


def test_the_exported_file_answers_as_the_weights_whatever_the_batch(trained, file, detector):
    paths = [row.path for row in (*detector.plan.train, *detector.plan.val)]
    before, after = trained.predict(paths, 64), load(file).predict(paths, 64, batch=5)
    for first, second in zip(before, after, strict=True):
        assert len(first.boxes) == len(second.boxes)
        assert second.confidences == pytest.approx(first.confidences, abs=1e-3)
    assert load(file).predict([], 64) == []


def test_a_classifier_is_exported_too(classifier, tmp_path):
    model = Yolo.load(classifier.result.weights, classifier.result.sha256, Kind.CLASSIFY, "cpu", CLASSES)
    sha256 = export_file(model, Format.ONNX, 32, tmp_path / "c.onnx")
    again = Yolo.load(tmp_path / "c.onnx", sha256, Kind.CLASSIFY, "cpu", CLASSES, Format.ONNX)
    paths = [row.path for row in classifier.plan.val]
    for first, second in zip(model.predict(paths, 32), again.predict(paths, 32), strict=True):
        assert second.probabilities == pytest.approx(first.probabilities, abs=1e-3)


def test_a_replaced_file_is_refused_before_it_is_read(file, tmp_path):
    path = tmp_path / "other.onnx"
    path.write_bytes(file.read_bytes() + b"x")
    refused(path, "hash_mismatch", sha256=sha256_of(file))
    with pytest.raises(NotFound):
        load(tmp_path / "none.onnx", sha256="0" * 64)


@pytest.mark.parametrize("classes", [("alpha", "zeta"), ("zeta",), ("zeta", "alpha", "beta")])
def test_a_file_with_other_classes_than_recorded_is_refused(file, classes):
    refused(file, "contract_mismatch", classes=classes)


def test_a_file_that_does_not_say_its_classes_or_says_code_is_refused(file, tmp_path):
    def forget(model):
        del model.metadata_props[:]

    def say_code(model):
        next(entry for entry in model.metadata_props if entry.key == "names").value = "__import__('os').getcwd()"

    for change in (forget, say_code):
        refused(changed(file, tmp_path, change), "contract_mismatch")


def test_data_in_another_file_is_refused(file, tmp_path):
    def point_outside(model):
        tensor = model.graph.initializer[0]
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        entry = tensor.external_data.add()
        entry.key, entry.value = "location", "../../etc/passwd"

    refused(changed(file, tmp_path, point_outside), "in another file")


def test_operators_of_other_libraries_are_refused_also_inside_a_branch(file, tmp_path):
    def strange(name):
        return helper.make_node("Run", ["x"], ["y"], domain=name)

    def plain(model):
        model.graph.node.append(strange("com.evil"))

    def branch(model):
        body = helper.make_graph([strange("ai.hidden")], "body", [], [helper.make_tensor_value_info("y", 1, [1])])
        model.graph.node.append(helper.make_node("If", ["c"], ["z"], then_branch=body, else_branch=body))

    def function(model):
        opset = helper.make_opsetid("", 17)
        model.functions.append(helper.make_function("my.own", "F", ["x"], ["y"], [strange("")], [opset]))

    for change, name in ((plain, "com.evil"), (branch, "ai.hidden"), (function, "my.own")):
        refused(changed(file, tmp_path, change), name)


def test_numbers_that_are_not_finite_are_refused(file, tmp_path):
    def poison(model):
        tensor = next(each for each in model.graph.initializer if each.data_type == TensorProto.FLOAT and each.dims)
        values = numpy_helper.to_array(tensor).copy()
        values.flat[0] = np.nan
        tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))

    refused(changed(file, tmp_path, poison), "non_finite_weights")


@pytest.mark.parametrize("data", [b"", b"no onnx", b"PK\x03\x04" + bytes(40)])
def test_what_is_no_onnx_is_refused(tmp_path, data):
    path = tmp_path / "x.onnx"
    path.write_bytes(data)
    refused(path, "unsafe_model")


def test_a_file_for_one_size_is_not_asked_for_another(file, tmp_path, detector):
    def fix(model):
        for position, size in ((0, 1), (2, 64), (3, 64)):
            model.graph.input[0].type.tensor_type.shape.dim[position].dim_value = size

    model = load(changed(file, tmp_path, fix))
    assert (model.only_imgsz, model.only_batch) == (64, 1)
    with pytest.raises(ConfigError, match="for 64 px only, asked is 96"):
        model.predict([detector.plan.val[0].path], 96)


def test_an_unreadable_image_is_named(file, tmp_path):
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"no image")
    with pytest.raises(ContractError, match=r"bad\.png"):
        load(file).predict([bad], 64)


def test_the_protocol_of_an_exported_file_names_what_runs_it():
    used = protocol(64, 0.001, 0.7, 4, "cpu")
    other = exported(used, Format.ONNX, "cpu")
    assert (other.format, other.device, other.imgsz) == ("onnx", "cpu", 64)
    assert any(each.startswith("onnxruntime==") for each in other.versions)
    assert other.recipe != used.recipe


def test_the_metadata_holds_what_the_record_is_checked_against(file):
    said = {entry.key: entry.value for entry in onnx.load(file).metadata_props}
    assert tuple(ast.literal_eval(said["names"]).values()) == CLASSES
    assert ast.literal_eval(said["imgsz"]) == [64, 64]


def test_half_precision_is_refused_where_it_would_not_be_computed():
    with pytest.raises(ConfigError, match="CUDA"):
        halved(protocol(64, 0.001, 0.7, 4, "cpu"), True)
    assert not halved(protocol(64, 0.001, 0.7, 4, "cpu"), False).half


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a CUDA device")
def test_without_a_cuda_device_an_engine_is_a_sentence_and_no_file(trained, tmp_path):
    with pytest.raises(ConfigError, match="CUDA device only"):
        export_file(trained, Format.ENGINE, 64, tmp_path / "x.engine")
    with pytest.raises(ConfigError, match=r"already|onnx"):
        export_file(trained, Format.PT, 64, tmp_path / "x.pt")
    assert not list(tmp_path.iterdir())
