"""Weights come in here and nowhere else: hashed first, then loaded without running code from the file.

A `.pt` file is a pickle, and an unguarded load executes it. ultralytics reads its switches when it is imported,
so they are set before that; a process that imported it earlier gets the same switches set on the loaded module.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import shutil
import tempfile
import zipfile
from atexit import register
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

import PIL.Image

from tasks.adapters.loading import loading
from tasks.domain.errors import ConfigError, NotFound, UnsafeModel

SWITCHES = {
    "ULTRALYTICS_SAFE_LOAD": "1",  # refuse a pickle that names anything but model classes
    "YOLO_AUTOINSTALL": "false",  # a checkpoint may not ask for a package
    "YOLO_OFFLINE": "true",
    "DO_NOT_TRACK": "1",
    "YOLO_VERBOSE": "false",
}
QUIET = {
    "sync": False,
    "mlflow": False,
    "clearml": False,
    "comet": False,
    "dvc": False,
    "raytune": False,
    "wandb": False,
}
"""ultralytics' own callbacks: they would report to others, or log every training a second time."""


@lru_cache(maxsize=1)
def ultralytics() -> Any:
    """The guarded package, imported once per process (3 s).

    Raises:
        ConfigError: this ultralytics or torch has no restricted loading.
    """
    os.environ.update(SWITCHES)
    if "YOLO_CONFIG_DIR" not in os.environ:
        folder = tempfile.mkdtemp(prefix="evergreen-yolo-")
        register(shutil.rmtree, folder, ignore_errors=True)
        os.environ["YOLO_CONFIG_DIR"] = folder
    with loading():
        package: Any = import_module("ultralytics")
        loader, utils = import_module("ultralytics.nn.tasks"), import_module("ultralytics.utils")
    restricted = getattr(getattr(loader, "_SafeLoad", None), "SUPPORTED", False)
    if not restricted or not hasattr(loader, "SAFE_LOAD"):
        raise ConfigError("this ultralytics or torch cannot load weights without running code: ultralytics>=8.4.190")
    for module in (loader, utils):
        module.SAFE_LOAD = True  # type: ignore[attr-defined]
    for module in (utils, import_module("ultralytics.utils.checks")):
        module.AUTOINSTALL = False  # type: ignore[attr-defined]
    package.settings.update(QUIET)
    # Its own Image.open asks for a package to be installed whenever a file is no image.
    PIL.Image.open = import_module("ultralytics.utils.patches")._image_open
    return package


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def load_verified(path: Path, sha256: str) -> Any:
    """An `ultralytics.YOLO` from exactly the bytes that hash to `sha256`; a private copy is what gets loaded.

    Raises:
        NotFound: there is no such file.
        UnsafeModel: other bytes, a pickle that would run code, or weights that are not finite.
    """
    if not path.is_file():
        raise NotFound(f"no weights at {path.name}")
    data = path.read_bytes()
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise UnsafeModel(f"hash_mismatch: weights hash to {found[:12]}, recorded is {sha256[:12]}: not loaded")
    if not zipfile.is_zipfile(path):
        raise UnsafeModel(f"unsafe_model: {sha256[:12]} is no checkpoint archive: save it with torch 1.6 or later")
    package = ultralytics()
    with tempfile.TemporaryDirectory(prefix="evergreen-weights-") as folder:
        copy = Path(folder) / f"{sha256[:16]}.pt"
        copy.write_bytes(data)
        try:
            model = package.YOLO(str(copy))
        except (
            TypeError, ValueError, KeyError, AttributeError, RuntimeError, OSError, EOFError, ImportError,
            pickle.UnpicklingError, zipfile.BadZipFile, AssertionError,
        ) as error:  # fmt: skip
            raise UnsafeModel(f"unsafe_model: {sha256[:12]} is not a plain YOLO checkpoint: {error}") from error
    _check_finite(model, sha256)
    return model


def _check_finite(model: Any, sha256: str) -> None:
    import torch

    for name, tensor in model.model.state_dict().items():
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise UnsafeModel(f"non_finite_weights: {sha256[:12]} holds NaN or infinity in {name}: it cannot answer")
