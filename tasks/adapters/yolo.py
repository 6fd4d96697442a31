"""A YOLO model that answers: boxes or probabilities, its own view of an image as a vector, or plain results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tasks.adapters.yolo_files import load_file, runtime_device
from tasks.adapters.yolo_protocol import device_type as device_type
from tasks.adapters.yolo_protocol import pick_device as pick_device
from tasks.adapters.yolo_protocol import protocol as protocol
from tasks.adapters.yolo_protocol import versions as versions
from tasks.adapters.yolo_stream import AHEAD, Image, decoded, first_batch, in_batches
from tasks.adapters.yolo_stream import read_image as read_image
from tasks.domain.errors import ConfigError, ContractError, UnsafeModel
from tasks.domain.model import Kind
from tasks.domain.prediction import Floats, Prediction, Speed
from tasks.domain.protocol import Format, Protocol

LOWEST_CONFIDENCE = 0.001
"""Boxes below it are dropped; average precision needs nearly all of them."""

NMS_IOU = 0.7
"""Overlap above which the weaker of two boxes of one class is dropped (ultralytics' default)."""


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
    only_imgsz: int | None = None
    only_batch: int | None = None

    @classmethod
    def load(
        cls,
        path: Path,
        sha256: str,
        kind: Kind | None = None,
        device: str = "auto",
        classes: Sequence[str] | None = None,
        form: Format = Format.PT,
    ) -> Yolo:
        """Load verified bytes; `kind` and `classes`, where given, must be what the file holds.

        Raises:
            UnsafeModel: see `load_file`; or the file is of another kind or has other classes.
            ContractError: the kind is none of `Kind`.
        """
        file = load_file(path, sha256, form)
        if file.task not in set(Kind):
            raise ContractError(f"{sha256[:12]} is of kind {file.task[:20]!r}; known: {', '.join(Kind)}")
        found = Kind(file.task)
        if kind is not None and found is not kind:
            raise UnsafeModel(f"contract_mismatch: {sha256[:12]} is of kind {found.value}, recorded is {kind.value}")
        if classes is not None and file.classes != tuple(classes):
            raise UnsafeModel(
                f"contract_mismatch: {sha256[:12]} has {len(file.classes)} classes {file.classes[:9]}, recorded are "
                f"{len(classes)} {tuple(classes)[:9]}"
            )
        return cls(
            sha256=sha256,
            kind=found,
            classes=file.classes,
            imgsz=file.imgsz,
            device=runtime_device(form, pick_device(device)),
            model=file.model,
            only_imgsz=file.only_imgsz,
            only_batch=file.only_batch,
        )

    def predict(
        self,
        paths: Sequence[Path],
        imgsz: int,
        conf: float = LOWEST_CONFIDENCE,
        iou: float = NMS_IOU,
        batch: int | str = 16,
        half: bool = False,
    ) -> list[Prediction]:
        """One answer per image, in order; images are letterboxed to a square, so a batch changes no answer.

        Files are decoded ahead in threads; a batch (a number or `auto`) that does not fit is halved.

        Raises:
            ContractError: an image cannot be decoded, or the count of answers is not that of the images.
            ConfigError: the file takes images of another size only, or not even one image fits into memory.
        """
        if self.only_imgsz not in (None, imgsz):
            raise ConfigError(f"{self.sha256[:12]} was exported for {self.only_imgsz} px only, asked is {imgsz}")
        size = self.only_batch or first_batch(batch, self.device)

        def answer(images: list[Image]) -> list[Prediction]:
            return [_prediction(result) for result in self._results(images, imgsz, conf, iou, half)]

        return list(in_batches(decoded(paths, AHEAD * size), size, answer, self._release))

    def follow(self, used: Protocol, paths: Sequence[Path]) -> list[Prediction]:
        """The answers under a protocol."""
        return self.predict(paths, used.imgsz, used.conf, used.iou, used.batch, used.half)

    def embed(self, paths: Sequence[Path], imgsz: int, batch: int = 16) -> Floats:
        """(n, d) float32: the last backbone stage averaged over the image, which is how the model itself sees it.

        No image gives (0, 0).
        """
        rows = in_batches(
            decoded(paths, AHEAD * batch), batch, lambda images: list(self._embed_group(images, imgsz)), self._release
        )
        vectors = list(rows)
        return np.stack(vectors) if vectors else np.zeros((0, 0), np.float32)

    def serve(self, images: Sequence[Image], imgsz: int, conf: float = 0.25) -> list[Any]:
        """ultralytics' own `Results`, one per BGR image (h, w, 3) uint8: what production sees."""
        return self._results(images, imgsz, conf, NMS_IOU) if len(images) else []

    def _results(self, images: Sequence[Image], imgsz: int, conf: float, iou: float, half: bool = False) -> list[Any]:
        results: list[Any] = self.model.predict(
            list(images),
            imgsz=imgsz,
            conf=conf,
            iou=iou,
            rect=False,
            device=self.device,
            verbose=False,
            save=False,
            quantize=16 if half else None,
        )
        if len(results) != len(images):
            raise ContractError(f"{len(images)} images went in, {len(results)} answers came out")
        return results

    def _release(self) -> None:
        """Give cached memory of the device back."""
        if self.device != "cpu":
            import torch

            torch.cuda.empty_cache()

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
