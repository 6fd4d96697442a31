"""The code that MLflow stores beside the weights and runs when a version is loaded.

It stands alone on purpose: whoever serves a version needs mlflow and ultralytics, not Evergreen. The weights
are hashed before anything looks inside them, and the loader is told to execute nothing.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import numpy as np
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel


def check_weights(path: Path, expected: str) -> None:
    """Raise `ValueError` unless the file's SHA-256 (hex) is the recorded one."""
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != expected:
        raise ValueError(f"weights hash to {found[:12]}, the version was registered with {expected[:12]}: not loaded")


def answer(result: Any) -> dict[str, Any]:
    """One picture's answer as plain lists.

    classify: `classes` by falling probability with their `scores` (0..1). All others: one entry per object,
    `boxes` as x1, y1, x2, y2 in pixels, or for oriented boxes `corners` as four x, y pairs.
    """
    if result.probs is not None:
        scores = result.probs.data.float().cpu()
        order = scores.argsort(descending=True)
        return {"classes": order.tolist(), "scores": scores[order].tolist()}
    found = result.boxes if result.obb is None else result.obb
    shape = {"boxes": found.xyxy.cpu().tolist()}
    if result.obb is not None:
        shape["corners"] = found.xyxyxyxy.cpu().tolist()
    return {**shape, "scores": found.conf.cpu().tolist(), "classes": found.cls.int().cpu().tolist()}


class YoloModel(PythonModel):
    """Takes BGR pictures of one size, uint8, (n, height, width, 3); gives one dictionary per picture."""

    def load_context(self, context: Any) -> None:
        """Verify the weights against the recorded hash, then load them without running code from the file."""
        os.environ["ULTRALYTICS_SAFE_LOAD"] = "1"
        os.environ["YOLO_AUTOINSTALL"] = "false"
        path = Path(context.artifacts["weights"])
        self.config = dict(context.model_config or {})
        check_weights(path, str(self.config.get("sha256", "")))
        from ultralytics.models import YOLO
        from ultralytics.nn import tasks as loader

        if not hasattr(loader, "SAFE_LOAD"):
            raise ValueError(
                "this ultralytics has no restricted loading (8.4.190 has): weights are not loaded without it"
            )
        loader.SAFE_LOAD = True  # the variable is read at import, which may have happened earlier
        self.model = YOLO(str(path), task=str(self.config["task"]))

    def predict(
        self, context: Any, model_input: np.ndarray, params: dict[str, Any] | None = None
    ) -> list[dict[str, Any]]:
        """One answer per picture, in order; `params` may set `imgsz` (pixels) and `conf` (0..1)."""
        chosen = {**self.config, **(params or {})}
        results = self.model.predict(
            list(model_input), conf=float(chosen["conf"]), imgsz=int(chosen["imgsz"]), verbose=False
        )
        return [answer(result) for result in results]


set_model(YoloModel())
