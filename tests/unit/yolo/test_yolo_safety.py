"""Weights are hashed before they are looked at, and nothing inside them runs."""

import hashlib
import io
import os
import pickle
import subprocess
import zipfile

import pytest
import torch

from tasks.adapters.yolo import Yolo
from tasks.adapters.yolo_load import sha256_of, ultralytics
from tasks.domain.errors import NotFound, UnsafeModel
from tasks.domain.model import Kind


class Evil:
    def __init__(self, command):
        self.command = command

    def __reduce__(self):
        return (os.system, (self.command,))


@pytest.fixture
def marker(tmp_path):
    return tmp_path / "executed"


@pytest.fixture
def no_processes(monkeypatch):
    started = []

    def refuse(*arguments, **_keywords):
        started.append(arguments)
        raise AssertionError(f"a process was started: {arguments}")

    for name in ("run", "Popen", "check_output", "check_call", "call"):
        monkeypatch.setattr(subprocess, name, refuse)
    return started


def saved(path, thing):
    buffer = io.BytesIO()
    torch.save(thing, buffer)
    path.write_bytes(buffer.getvalue())
    return path


def refused(path, match, **expected):
    with pytest.raises(UnsafeModel, match=match):
        Yolo.load(path, sha256_of(path), device="cpu", **expected)


def test_a_pickle_that_runs_a_command_is_refused_and_does_not_run(tmp_path, marker, no_processes):
    for name, thing in (("a", Evil(f"touch {marker}")), ("b", {"model": Evil(f"touch {marker}"), "epoch": 1})):
        refused(saved(tmp_path / f"{name}.pt", thing), "unsafe_model")
    assert not marker.exists()
    assert not no_processes


def test_a_bare_pickle_is_refused_and_does_not_run(tmp_path, marker):
    path = tmp_path / "raw.pt"
    path.write_bytes(pickle.dumps(Evil(f"touch {marker}")))
    refused(path, "unsafe_model")
    assert not marker.exists()


def test_a_checkpoint_that_names_an_unknown_package_installs_nothing(tmp_path, no_processes):
    source = saved(tmp_path / "a.pt", {"model": torch.nn.Linear(1, 1)})
    path = tmp_path / "b.pt"
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(path, "w") as new:
        for item in old.infolist():
            data = old.read(item)
            if item.filename.endswith("data.pkl"):
                data = data.replace(b"ctorch.nn.modules.linear\nLinear\n", b"cno_such_package_xyz\nLinear\n")
            new.writestr(item, data)
    refused(path, "unsafe_model")
    assert not no_processes


@pytest.mark.parametrize(
    "data", [b"", b"not a checkpoint", b"\x89PNG\r\n\x1a\n" + bytes(64), b"PK\x03\x04" + bytes(40)]
)
def test_a_file_that_is_no_checkpoint_is_refused(tmp_path, data):
    path = tmp_path / "x.pt"
    path.write_bytes(data)
    refused(path, "unsafe_model")


def test_one_flipped_byte_is_refused_before_anything_is_loaded(tmp_path, detector):
    data = bytearray(detector.result.weights.read_bytes())
    data[len(data) // 2] ^= 1
    path = tmp_path / "flipped.pt"
    path.write_bytes(bytes(data))
    with pytest.raises(UnsafeModel, match="hash_mismatch"):
        Yolo.load(path, detector.result.sha256, device="cpu")


def test_nan_weights_are_refused(tmp_path, detector):
    model = ultralytics().YOLO(str(detector.result.weights)).model.half()
    next(model.parameters()).data.view(-1)[0] = float("nan")
    path = saved(tmp_path / "nan.pt", {"epoch": -1, "model": model, "train_args": {"imgsz": 64}})
    refused(path, "non_finite_weights")


def test_another_kind_or_other_classes_than_recorded_are_refused(detector):
    refused(detector.result.weights, "contract_mismatch", kind=Kind.CLASSIFY)
    refused(detector.result.weights, "contract_mismatch", classes=("alpha", "zeta"))
    refused(detector.result.weights, "contract_mismatch", classes=("zeta",))


def test_a_missing_file_is_not_found(tmp_path):
    with pytest.raises(NotFound):
        Yolo.load(tmp_path / "none.pt", hashlib.sha256(b"").hexdigest())


def test_ultralytics_reports_to_nobody():
    settings = ultralytics().settings
    assert not settings["sync"]
    assert not settings["mlflow"]
