"""A YOLO model that answers: boxes or probabilities, its own view of an image as a vector, or plain results."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.adapters.yolo_load import load_verified, ultralytics
from tasks.domain.errors import ContractError, UnsafeModel
from tasks.domain.model import Kind
from tasks.domain.prediction import Floats, Prediction, Speed
from tasks.domain.scoring.scored import Protocol

Image = NDArray[np.uint8]

LOWEST_CONFIDENCE = 0.001
"""Boxes below it are dropped; average precision needs nearly all of them."""

NMS_IOU = 0.7
"""Overlap above which the weaker of two boxes of one class is dropped (ultralytics' default)."""


def pick_device(wish: str) -> str:
    """`auto` is the first CUDA device when there is one, else `cpu`; anything else is taken as it stands."""
    if wish != "auto":
        return wish
    import torch

    return "0" if torch.cuda.is_available() else "cpu"


def device_type(device: str) -> str:
    """`cpu` or `cuda`: what a protocol remembers of a device."""
    return "cpu" if pick_device(device) == "cpu" else "cuda"


def versions() -> tuple[str, ...]:
    """`package==version` of everything that computes an answer."""
    import torch

    return (
        f"ultralytics=={ultralytics().__version__}",
        f"torch=={torch.__version__}",
        f"opencv=={cv2.__version__}",
        f"numpy=={np.__version__}",
        f"python=={platform.python_version()}",
    )


def protocol(imgsz: int, conf: float, iou: float, batch: int, device: str) -> Protocol:
    """What a score depends on besides the model, for the machine that this runs on."""
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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Yolo:
    """One loaded version. Not shared between threads: ultralytics keeps one predictor per model.

    `classes` are the names in the order of class ids, `imgsz` the side in pixels it was trained at.
    """

    sha256: str
    kind: Kind
    classes: tuple[str, ...]
    imgsz: int
    device: str
    model: Any

    @classmethod
    def load(
        cls,
        path: Path,
        sha256: str,
        kind: Kind | None = None,
        device: str = "auto",
        classes: Sequence[str] | None = None,
    ) -> Yolo:
        """Load verified bytes; `kind` and `classes`, where given, must be what the file holds.

        Raises:
            UnsafeModel: see `load_verified`; or the file is of another kind or has other classes.
            ContractError: the kind is none of `Kind`.
        """
        model = load_verified(path, sha256)
        if model.task not in set(Kind):
            raise ContractError(f"{sha256[:12]} is of kind {str(model.task)[:20]!r}; known: {', '.join(Kind)}")
        found, names = Kind(model.task), tuple(str(model.names[i]) for i in sorted(model.names))
        if kind is not None and found is not kind:
            raise UnsafeModel(f"contract_mismatch: {sha256[:12]} is of kind {found.value}, recorded is {kind.value}")
        if classes is not None and names != tuple(classes):
            raise UnsafeModel(
                f"contract_mismatch: {sha256[:12]} has {len(names)} classes {names[:9]}, recorded are {len(classes)} "
                f"{tuple(classes)[:9]}"
            )
        size = model.overrides.get("imgsz", 640)
        return cls(
            sha256=sha256,
            kind=found,
            classes=names,
            imgsz=int(size[0] if isinstance(size, list) else size),
            device=pick_device(device),
            model=model,
        )

    def predict(
        self, paths: Sequence[Path], imgsz: int, conf: float = LOWEST_CONFIDENCE, iou: float = NMS_IOU, batch: int = 16
    ) -> list[Prediction]:
        """One answer per image, in order; images are letterboxed to a square, so a batch changes no answer.

        Raises:
            ContractError: an image cannot be decoded, or the count of answers is not that of the images.
        """
        answers: list[Prediction] = []
        for group in _grouped(paths, batch):
            images = [read_image(path) for path in group]
            answers += [_prediction(result) for result in self._results(images, imgsz, conf, iou)]
        if len(answers) != len(paths):
            raise ContractError(f"{len(paths)} images went in, {len(answers)} answers came out")
        return answers

    def embed(self, paths: Sequence[Path], imgsz: int, batch: int = 16) -> Floats:
        """(n, d) float32: the last backbone stage averaged over the image, which is how the model itself sees it.

        No image gives (0, 0).
        """
        parts = [self._embed_group([read_image(path) for path in group], imgsz) for group in _grouped(paths, batch)]
        vectors = np.concatenate(parts) if parts else np.zeros((0, 0), np.float32)
        if len(vectors) != len(paths):
            raise ContractError(f"{len(paths)} images went in, {len(vectors)} embeddings came out")
        return vectors

    def serve(self, images: Sequence[Image], imgsz: int, conf: float = 0.25) -> list[Any]:
        """ultralytics' own `Results`, one per BGR image (h, w, 3) uint8: what production sees."""
        return self._results(images, imgsz, conf, NMS_IOU) if len(images) else []

    def _results(self, images: Sequence[Image], imgsz: int, conf: float, iou: float) -> list[Any]:
        results: list[Any] = self.model.predict(
            list(images), imgsz=imgsz, conf=conf, iou=iou, rect=False, device=self.device, verbose=False, save=False
        )
        if len(results) != len(images):
            raise ContractError(f"{len(images)} images went in, {len(results)} answers came out")
        return results

    def _embed_group(self, images: Sequence[Image], imgsz: int) -> Floats:
        if self.model.predictor is None:
            self._results(images[:1], imgsz, conf=0.99, iou=NMS_IOU)
        network = self.model.predictor.model.model
        seen: list[Any] = []
        stage = network.model[len(network.yaml["backbone"]) - 1]
        hook = stage.register_forward_hook(lambda _module, _inputs, output: seen.append(output.detach()))
        try:
            self._results(images, imgsz, conf=0.99, iou=NMS_IOU)
        finally:
            hook.remove()
        output = seen[-1].float()
        pooled = output.mean((2, 3)) if output.ndim == 4 else output.flatten(1)
        return np.asarray(pooled.cpu().numpy(), dtype=np.float32)


def read_image(path: Path) -> Image:
    """(h, w, 3) uint8 BGR, turned as EXIF says.

    Raises:
        ContractError: it cannot be decoded; what enters here was accepted before, so the cache is damaged.
    """
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise ContractError(f"{path.name} cannot be decoded: delete it from the image cache and run again")
    return np.asarray(image[..., :3], dtype=np.uint8)


def _prediction(result: Any) -> Prediction:
    timing = result.speed or {}
    speed = Speed(**{name: float(timing.get(name) or 0.0) for name in ("preprocess", "inference", "postprocess")})
    if result.probs is not None:
        return Prediction(probabilities=result.probs.data.float().cpu().numpy().astype(np.float32), speed=speed)
    found = result.boxes if result.obb is None else result.obb
    return Prediction(
        boxes=found.xyxy.float().cpu().numpy().astype(np.float32).reshape(-1, 4),
        classes=found.cls.cpu().numpy().astype(np.int64),
        confidences=found.conf.float().cpu().numpy().astype(np.float32),
        speed=speed,
        **_shapes(result),
    )


def _shapes(result: Any) -> dict[str, Any]:
    """Outlines, corners or keypoints beside the boxes, in pixels of the image as it is shown."""
    if result.masks is not None:
        return {"polygons": tuple(np.asarray(outline, np.float32).reshape(-1, 2) for outline in result.masks.xy)}
    if result.obb is not None:
        return {"corners": result.obb.xyxyxyxy.float().cpu().numpy().astype(np.float32).reshape(-1, 4, 2)}
    if result.keypoints is not None:
        points = result.keypoints.data.float().cpu().numpy().astype(np.float32)
        seen = np.ones((*points.shape[:2], 1), np.float32)  # a model without visibility says that it sees them all
        return {"keypoints": points if points.shape[-1] == 3 else np.concatenate([points, seen], -1)}
    return {}


def _grouped(paths: Sequence[Path], size: int) -> Iterator[list[Path]]:
    rest = iter(paths)
    while group := list(islice(rest, max(size, 1))):
        yield group
