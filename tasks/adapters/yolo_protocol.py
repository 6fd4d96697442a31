"""The protocol of this machine: which device computes, and in which versions."""

from __future__ import annotations

import platform
from dataclasses import replace

import cv2
import numpy as np

from tasks.adapters.yolo_files import runtime_device, runtime_versions
from tasks.adapters.yolo_load import ultralytics
from tasks.domain.errors import ConfigError
from tasks.domain.protocol import Format, Protocol


def pick_device(wish: str) -> str:
    """`auto` is the first CUDA device when there is one, else `cpu`; anything else is taken as it stands."""
    if wish != "auto":
        return wish
    import torch

    return "0" if torch.cuda.is_available() else "cpu"


def card_of(wish: str, worker: int) -> str:
    """The device of one of several workers: with `auto` they take the machine's CUDA devices in turn."""
    first = pick_device(wish)
    if wish != "auto" or first == "cpu":
        return first
    import torch

    return str(worker % torch.cuda.device_count())


def device_type(device: str) -> str:
    """`cpu` or `cuda`: what a protocol remembers of a device."""
    return "cpu" if pick_device(device) == "cpu" else "cuda"


def versions(form: Format = Format.PT) -> tuple[str, ...]:
    """`package==version` of everything that computes an answer of a file of that format."""
    import torch

    return (
        f"ultralytics=={ultralytics().__version__}",
        f"torch=={torch.__version__}",
        f"opencv=={cv2.__version__}",
        f"numpy=={np.__version__}",
        *runtime_versions(form),
        f"python=={platform.python_version()}",
    )


def protocol(imgsz: int, conf: float, iou: float, batch: int | str, device: str) -> Protocol:
    """What a score of trained weights depends on besides them, for the machine that this runs on."""
    return Protocol(
        imgsz=imgsz,
        conf=conf,
        iou=iou,
        batch=batch,
        rect=False,
        half=False,
        device=device_type(device),
        versions=versions(),
    )


def halved(used: Protocol, half: bool) -> Protocol:
    """The protocol with 16-bit arithmetic, where it is asked for.

    Raises:
        ConfigError: a processor has none that is worth it.
    """
    if half and used.device == "cpu":
        raise ConfigError("half precision needs a CUDA device, this machine computes on cpu: leave `half` out")
    return replace(used, half=half)


def exported(used: Protocol, form: Format, device: str) -> Protocol:
    """The same protocol for a file of another format: what runs it, where, and in which versions."""
    where = device_type(runtime_device(form, pick_device(device)))
    half = used.half and form is Format.PT  # an exported file computes as it was exported
    return replace(used, format=form.value, device=where, half=half, versions=versions(form))
