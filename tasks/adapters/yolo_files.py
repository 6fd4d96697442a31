"""A file that answers, whatever its format: hashed, looked at, then loaded; trained weights or an exported file."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasks.adapters.yolo_load import load_verified, ultralytics
from tasks.adapters.yolo_onnx import engine_facts, onnx_facts
from tasks.domain.errors import ConfigError, NotFound, UnsafeModel
from tasks.domain.protocol import Format


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LoadedFile:
    """An `ultralytics.YOLO` with what its file says: kind, classes by id, side in pixels.

    `only_imgsz` and `only_batch` are what an export without dynamic shapes is limited to.
    """

    model: Any
    task: str
    classes: tuple[str, ...]
    imgsz: int
    only_imgsz: int | None = None
    only_batch: int | None = None


def load_file(path: Path, sha256: str, form: Format = Format.PT) -> LoadedFile:
    """Load exactly the bytes that hash to `sha256`.

    Raises:
        NotFound: there is no such file.
        UnsafeModel: see `load_verified` and `onnx_facts`.
        ConfigError: this machine cannot run the format.
    """
    if form is Format.PT:
        model = load_verified(path, sha256)
        size = model.overrides.get("imgsz", 640)
        return LoadedFile(
            model=model,
            task=str(model.task),
            classes=tuple(str(model.names[i]) for i in sorted(model.names)),
            imgsz=int(size[0] if isinstance(size, list) else size),
        )
    return _exported(path, sha256, form)


def runtime_device(form: Format, device: str) -> str:
    """Where a file of this format runs when `device` is asked for; ONNX needs a runtime of its own for CUDA.

    Raises:
        ConfigError: an engine, and no CUDA device.
    """
    if form is Format.ENGINE and device == "cpu":
        raise ConfigError("a TensorRT engine runs on a CUDA device only, there is none here: use onnx or pt")
    if form is Format.ONNX and device != "cpu":
        import onnxruntime

        return device if "CUDAExecutionProvider" in onnxruntime.get_available_providers() else "cpu"
    return device


def runtime_versions(form: Format) -> tuple[str, ...]:
    """`package==version` of what runs a format besides torch; () for trained weights."""
    if form is Format.ONNX:
        import onnxruntime

        return (f"onnxruntime=={onnxruntime.__version__}",)
    if form is Format.ENGINE:
        try:
            import tensorrt
        except ImportError as error:
            raise ConfigError("a TensorRT engine needs the package tensorrt, which is not installed here") from error
        return (f"tensorrt=={tensorrt.__version__}",)
    return ()


def _exported(path: Path, sha256: str, form: Format) -> LoadedFile:
    if not path.is_file():
        raise NotFound(f"no exported file at {path.name}")
    data = path.read_bytes()
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise UnsafeModel(
            f"hash_mismatch: the {form.value} file hashes to {found[:12]}, recorded is {sha256[:12]}: not loaded"
        )
    facts = onnx_facts(data, sha256) if form is Format.ONNX else engine_facts(data, sha256)
    folder = Path(tempfile.mkdtemp(prefix="evergreen-export-"))
    copy = folder / f"{sha256[:16]}.{form.value}"
    copy.write_bytes(data)
    model = ultralytics().YOLO(str(copy), task=facts.task)
    weakref.finalize(model, shutil.rmtree, folder, ignore_errors=True)  # it is read when the first image comes
    return LoadedFile(
        model=model,
        task=facts.task,
        classes=facts.classes,
        imgsz=facts.imgsz,
        only_imgsz=facts.imgsz if facts.fixed else None,
        only_batch=facts.batch,
    )
