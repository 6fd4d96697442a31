"""From trained weights to the file that is deployed: made offline, with nothing installed on the way, and read back."""

from __future__ import annotations

import shutil
import tempfile
import warnings
from pathlib import Path

from tasks.adapters.yolo import Yolo
from tasks.adapters.yolo_files import runtime_device, runtime_versions
from tasks.adapters.yolo_load import sha256_of
from tasks.adapters.yolo_protocol import pick_device
from tasks.domain.errors import ConfigError
from tasks.domain.protocol import Format


def export_file(yolo: Yolo, form: Format, imgsz: int, target: Path, half: bool = False) -> str:
    """Write the exported file to `target` and give its SHA-256 (hex): dynamic in batch and size, no simplifier.

    The file is loaded again before it counts: its kind and classes must be those of the weights.

    Raises:
        ConfigError: nothing to export to, no device or package for it, or the export itself failed.
        UnsafeModel: what came out is not what went in.
    """
    if form is Format.PT:
        raise ConfigError("a version is its .pt file already: export to onnx or engine")
    device = pick_device("auto") if form is Format.ENGINE else "cpu"
    runtime_device(form, device)
    runtime_versions(form)
    with tempfile.TemporaryDirectory(prefix="evergreen-export-") as scratch:
        made = _made(yolo, form, imgsz, (device, half), Path(scratch))
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(made, target)
    sha256 = sha256_of(target)
    Yolo.load(target, sha256, yolo.kind, device, yolo.classes, form)
    return sha256


def _made(yolo: Yolo, form: Format, imgsz: int, how: tuple[str, bool], scratch: Path) -> Path:
    device, half = how
    weights = scratch / "export.pt"
    yolo.model.save(str(weights))  # ultralytics writes beside the file that the model came from
    network = type(yolo.model)(str(weights))
    asked = {"format": form.value, "imgsz": imgsz, "dynamic": True, "simplify": False, "device": device}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch warns of every size that tracing makes a constant
            made = network.export(**asked, quantize=16 if half else None, verbose=False)
    except (RuntimeError, ValueError, TypeError, AssertionError, ImportError, OSError) as error:
        raise ConfigError(
            f"{yolo.sha256[:12]} could not be exported to {form.value} with {imgsz} px: {error}"
        ) from error
    return Path(made)
