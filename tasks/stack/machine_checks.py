"""What the doctor looks at on this machine: versions that do not go together, space, memory, GPU."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from itertools import takewhile
from pathlib import Path

import psutil

from tasks.stack.check import Check, Level, bad, good

GIB = 1024**3
DISK_GIB = 2.0
MEMORY_GIB = 2.0

TRAPS: dict[str, tuple[tuple[int, ...], str]] = {
    "fastapi": ((0, 151), "Prefect 3.8.8 answers `limit: null` with 422, from 0.155 on it does not start"),
    "sqlalchemy": ((2, 1), "the Prefect server looks healthy and its schedules never create a run"),
    "pandas": ((3, 1), "Evidently 0.7.23 cannot be imported"),
}
"""Package -> first version that breaks something, and what it breaks."""

PROBE = """
import json
found = {}
try:
    import torch, torchvision
    boxes = torch.tensor([[0.0, 0.0, 9.0, 9.0], [0.0, 0.0, 9.0, 8.0]])
    kept = torchvision.ops.nms(boxes, torch.tensor([0.9, 0.8]), 0.5).tolist()
    found["nms"] = "" if kept == [0] else f"kept boxes {kept} instead of [0]"
    found["gpus"] = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
except Exception as error:
    found["nms"] = f"{type(error).__name__}: {error}"[:300]
try:
    import mlflow
    found["mlflow"] = mlflow.__version__
except Exception as error:
    found["mlflow_error"] = f"{type(error).__name__}: {error}"[:300]
print(json.dumps(found))
"""
"""Runs in a process of its own: the imports take seconds and may end the process."""


def release(text: str) -> tuple[int, ...]:
    """The numbers of a version, `0.150.0rc1` -> (0, 150, 0); what is no number ends a part.

    >>> release("2.13.0+cpu")
    (2, 13, 0)
    """
    parts = ("".join(takewhile(str.isdigit, part)) for part in text.partition("+")[0].split("."))
    return tuple(int(part) for part in takewhile(bool, parts))


def installed(package: str) -> str | None:
    """The installed version; None when the package is missing."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def check_versions(find: Callable[[str], str | None] = installed) -> list[Check]:
    """Packages whose newer versions break others without saying so."""
    checks = []
    for package, (limit, what) in TRAPS.items():
        found, bound = find(package), ".".join(map(str, limit))
        if found is None:
            checks.append(bad(package, "not installed", "install Evergreen with its lock file"))
        elif release(found) >= limit:
            checks.append(bad(package, f"{found}: {what}", f"pip install '{package}<{bound}'"))
        else:
            checks.append(good(package, f"{found} (< {bound})"))
    return checks


def check_imports(probe: Callable[[], dict[str, object]] | None = None) -> list[Check]:
    """Torch and torchvision work together, MLflow is the real one, and which GPUs torch sees."""
    found = (probe or run_probe)()
    nms = str(found.get("nms", found.get("error", "the probe gave no answer")))
    gpus = found.get("gpus") or []
    names = ", ".join(map(str, gpus)) if isinstance(gpus, list) else ""
    advice = "reinstall torch and torchvision together in a fresh environment; both must be CPU or both CUDA builds"
    checks = [bad("torchvision", nms, advice) if nms else good("torchvision", "non-maximum suppression runs")]
    checks.append(good("gpu", names or "none: everything runs on the CPU, training takes longer"))
    if mlflow := found.get("mlflow"):
        checks.append(good("mlflow package", str(mlflow)))
    else:
        what = str(found.get("mlflow_error", found.get("error", "no answer")))
        todo = "pip install mlflow, and keep Python files out of the folder mlflow/"
        checks.append(bad("mlflow package", what, todo))
    return checks


def run_probe() -> dict[str, object]:
    """What `PROBE` prints; {"error": …} when it dies or takes longer than two minutes."""
    try:
        done = subprocess.run(  # noqa: S603 - our own text
            [sys.executable, "-c", PROBE], capture_output=True, timeout=120, check=False, stdin=subprocess.DEVNULL
        )
        found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    except (subprocess.TimeoutExpired, ValueError, IndexError) as error:
        return {"error": f"the import probe failed: {error}"}
    return found


def check_space(home: Path) -> list[Check]:
    """Room for images, weights and databases, and for a training run."""
    folder = next(parent for parent in (home, *home.parents) if parent.exists())
    disk = shutil.disk_usage(folder).free / GIB
    memory = psutil.virtual_memory().available / GIB
    disk_text, memory_text = f"{disk:.1f} GiB free at {folder}", f"{memory:.1f} GiB available"
    more = f"free at least {DISK_GIB:g} GiB or set EVERGREEN_HOME to a larger disk"
    close = "close other programs; the stack needs about 1.5 GiB, training more"
    return [
        good("disk", disk_text) if disk >= DISK_GIB else bad("disk", disk_text, more),
        good("memory", memory_text) if memory >= MEMORY_GIB else bad("memory", memory_text, close, Level.WARN),
    ]
