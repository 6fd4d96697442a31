"""Training: a manifest, a base and a seed go in, weights named by their hash come out."""

from __future__ import annotations

import hashlib
import io
import math
import re
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from tasks.adapters.yolo import pick_device
from tasks.adapters.yolo_data import FitImage, build_folder
from tasks.adapters.yolo_load import load_verified, ultralytics
from tasks.adapters.yolo_plots import curves_png
from tasks.domain.errors import ConfigError
from tasks.domain.model import Kind

Curve = dict[str, float]
Progress = Callable[[int, int, Curve], None]

_NUMBERS = (
    "lrf momentum weight_decay warmup_epochs warmup_momentum warmup_bias_lr box cls dfl hsv_h hsv_s hsv_v degrees "
    "translate scale shear perspective flipud fliplr mosaic mixup cutmix erasing dropout"
)
ALLOWED_HYPER: Mapping[str, type] = {
    **dict.fromkeys(_NUMBERS.split(), float),
    **dict.fromkeys(("patience", "close_mosaic", "nbs"), int),
    **dict.fromkeys(("optimizer", "auto_augment"), str),
    "cos_lr": bool,
}
"""What a person may set of ultralytics' training arguments; no paths, no devices, no code."""

YAML_NAME = re.compile(r"yolo[\w.-]+\.yaml")
_SCALE = re.compile(r"(\d+)[nslmx](?=[.-])")
_TEXT = re.compile(r"[A-Za-z]{2,20}")


@dataclass(frozen=True, slots=True, kw_only=True)
class FitPlan:
    """One training.

    `base` is a local `.pt` file (fine-tune; `base_sha256` is verified first) or the name of a YAML of ultralytics'
    own (from scratch). `train` and `val` lie on this machine. `lr0` None leaves optimizer and rate to ultralytics.
    `out` is a scratch folder of this training's own. `hyper` holds names of `ALLOWED_HYPER`.
    """

    base: Path | str
    kind: Kind
    classes: tuple[str, ...]
    train: tuple[FitImage, ...]
    val: tuple[FitImage, ...]
    out: Path
    base_sha256: str = ""
    imgsz: int = 640
    epochs: int = 50
    batch: int = 16
    lr0: float | None = None
    freeze: int = 0
    seed: int = 0
    device: str = "auto"
    hyper: Mapping[str, float | int | bool | str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class FitResult:
    """`weights` is a `.pt` whose bytes hash to `sha256`; `curves` one mapping per epoch, `epoch` counted from 1."""

    weights: Path
    sha256: str
    curves: tuple[Curve, ...]
    plots: tuple[Path, ...]
    seconds: float


def fit(plan: FitPlan, progress: Progress | None = None) -> FitResult:
    """Train in this process; the same plan on the same machine and versions gives the same bytes.

    `progress(epoch, epochs, numbers)` is called after every epoch; what it raises ends the training.

    Raises:
        ConfigError: unknown base, forbidden argument, or the training diverged (NaN): a person must change it.
        ContractError: the manifests cannot be trained on.
        UnsafeModel: the base is not what was recorded.
    """
    started = time.monotonic()
    arguments = _arguments(plan)
    plan.out.mkdir(parents=True, exist_ok=True)
    model = _base(plan)
    data = build_folder(plan.out / "data", plan.kind, plan.classes, plan.train, plan.val)
    recorder = _Recorder(epochs=plan.epochs, progress=progress)
    model.add_callback("on_train_epoch_end", _refuse_nan)
    model.add_callback("on_fit_epoch_end", recorder)
    try:
        model.train(data=str(data), **arguments)
    except RuntimeError as error:
        if "NaN" in str(error):
            raise ConfigError(f"the training diverged: {error}; lower lr0") from error
        raise
    weights, sha256 = _export(Path(model.trainer.best), plan)
    shutil.rmtree(plan.out / "data", ignore_errors=True)
    shutil.rmtree(plan.out / "run", ignore_errors=True)
    load_verified(weights, sha256)
    plot = plan.out / "curves.png"
    plot.write_bytes(curves_png(recorder.curves))
    return FitResult(
        weights=weights, sha256=sha256, curves=tuple(recorder.curves), plots=(plot,), seconds=time.monotonic() - started
    )


def checked_hyper(hyper: Mapping[str, float | int | bool | str]) -> dict[str, float | int | bool | str]:
    """The arguments themselves, or `ConfigError` naming the first that is unknown or of the wrong type."""
    for name, value in hyper.items():
        wanted = ALLOWED_HYPER.get(name)
        if wanted is None:
            raise ConfigError(f"hyper {name[:40]!r} may not be set; known: {', '.join(sorted(ALLOWED_HYPER))}")
        if wanted is float:
            sound = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        elif wanted is str:
            sound = isinstance(value, str) and bool(_TEXT.fullmatch(value))
        else:
            sound = type(value) is wanted
        if not sound:
            raise ConfigError(f"hyper {name}={str(value)[:40]!r} is not a {wanted.__name__}")
    return dict(hyper)


def package_yaml(name: str) -> Path:
    """The file inside ultralytics that describes this architecture; `yolo11n.yaml` is `yolo11.yaml` at scale n.

    Raises:
        ConfigError: the name is not one of ultralytics' own.
    """
    if YAML_NAME.fullmatch(name):
        folder = Path(ultralytics().__file__).parent / "cfg" / "models"
        known = {path.name: path for path in folder.rglob("*.yaml")}
        for candidate in (name, _SCALE.sub(r"\1", name, count=1)):
            if candidate in known:
                return known[candidate]
    raise ConfigError(f"base {name[:60]!r} is no architecture of ultralytics: name one such as yolo11n.yaml")


def _base(plan: FitPlan) -> Any:
    """The untrained or champion model; the YAML is copied, so that no file of that name elsewhere is found first."""
    if isinstance(plan.base, Path):
        return load_verified(plan.base, plan.base_sha256)
    copy = plan.out / plan.base
    shutil.copyfile(package_yaml(plan.base), copy)
    return ultralytics().YOLO(str(copy), task=plan.kind.value)


def _arguments(plan: FitPlan) -> dict[str, Any]:
    ultralytics()
    device = pick_device(plan.device)
    optimizer = "auto" if plan.lr0 is None else "AdamW"
    fixed = {
        "epochs": plan.epochs,
        "imgsz": plan.imgsz,
        "batch": plan.batch,
        "freeze": plan.freeze or None,
        "seed": plan.seed,
        "deterministic": True,
        "device": device,
        "workers": 0 if device == "cpu" else 4,
        "amp": _precision(device),
        "plots": False,
        "verbose": False,
        "project": str(plan.out.resolve()),
        "name": "run",
        "exist_ok": True,
        "cache": False,
    }
    rates = {} if plan.lr0 is None else {"lr0": plan.lr0}
    arguments = {**fixed, **rates, "optimizer": optimizer, **checked_hyper(plan.hyper)}
    if arguments.get("auto_augment") == "none":
        arguments["auto_augment"] = None  # ultralytics' own word for no policy
    try:
        import_module("ultralytics.cfg").get_cfg(overrides=arguments)
    except (ValueError, TypeError) as error:
        raise ConfigError(f"ultralytics refuses a training argument: {error}") from error
    return arguments


def _precision(device: str) -> str | bool:
    """bfloat16 where the device has it, else single: ultralytics' own fp16 check would download a model."""
    import torch

    return "bf16" if device != "cpu" and torch.cuda.is_bf16_supported() else False


def _refuse_nan(trainer: Any) -> None:
    """Stop at once: ultralytics goes on after a NaN in the first epoch, and writes zeros where NaN was."""
    if not all(math.isfinite(float(value)) for value in (trainer.tloss or {}).values()):
        raise ConfigError(f"the training diverged in epoch {trainer.epoch + 1}: the loss is not finite; lower lr0")


@dataclass(slots=True, kw_only=True)
class _Recorder:
    """Keeps one point per epoch; what ultralytics reports again (a repeated epoch, the closing check) is left out."""

    epochs: int
    progress: Progress | None
    curves: list[Curve] = field(default_factory=list)
    over: bool = False

    def __call__(self, trainer: Any) -> None:
        if self.over or trainer.epoch != len(self.curves):
            return
        numbers = {**trainer.label_loss_items(trainer.tloss, prefix="train"), **trainer.metrics, **trainer.lr}
        point: Curve = {"epoch": float(trainer.epoch + 1)} | {str(k): float(v) for k, v in numbers.items()}
        self.curves.append(point)
        self.over = bool(trainer.stop)
        if self.progress is not None:
            self.progress(trainer.epoch + 1, self.epochs, point)


def _export(best: Path, plan: FitPlan) -> tuple[Path, str]:
    """Keep the model and the few training arguments that loading needs; no dates, paths or user names."""
    import torch
    from ultralytics.nn.tasks import torch_safe_load

    checkpoint: dict[str, Any] = torch_safe_load(best, safe_only=True)[0]  # type: ignore[no-untyped-call]
    model = checkpoint["model"]
    model.args = {"imgsz": plan.imgsz, "task": plan.kind.value}
    model.pt_path = ""
    if isinstance(getattr(model, "yaml", None), dict):
        model.yaml["yaml_file"] = ""
    buffer = io.BytesIO()
    torch.save(
        {"epoch": -1, "model": model, "train_args": dict(model.args), "version": ultralytics().__version__}, buffer
    )
    data = buffer.getvalue()
    sha256 = hashlib.sha256(data).hexdigest()
    path = plan.out / f"{sha256}.pt"
    path.write_bytes(data)
    return path, sha256
