"""Two versions that look at pictures: as they are, and mirrored.

They keep nothing: damaged pictures are no file with a hash. What is answered about images of a window is kept by
`again`, under `names`: boxes are asked for from another confidence on than an evaluation asks for.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from tasks.adapters.yolo import NMS_IOU, Yolo, protocol
from tasks.connections import ledger, weights
from tasks.domain.errors import NotFound
from tasks.domain.model import ModelRef
from tasks.domain.prediction import Prediction
from tasks.estimate.again import Names
from tasks.estimate.ladder import Image
from tasks.estimate.signs import Views, mirrored
from tasks.settings import settings

LOWEST = 0.005
"""Boxes below this confidence are dropped: they hint at nothing."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Eyes:
    """A loaded version and, where there is one, a second of the same classes."""

    own: Yolo
    second: Yolo | None
    imgsz: int
    batch: int

    def __call__(self, images: Sequence[Image]) -> Views:
        """The answers about each image (h, w, 3) uint8 BGR, in order."""
        with tempfile.TemporaryDirectory(prefix="evergreen-estimate-") as folder:
            plain = [_stored(Path(folder) / f"{at}.png", image) for at, image in enumerate(images)]
            turned = [_stored(Path(folder) / f"{at}-m.png", image[:, ::-1]) for at, image in enumerate(images)]
            return Views(
                own=self._asked(self.own, plain),
                mirrored=mirrored(self._asked(self.own, turned), [image.shape[1] for image in images]),
                second=self._asked(self.second, plain) if self.second else (),
            )

    @property
    def names(self) -> Names:
        """Under which names the answers are kept."""
        used = protocol(self.imgsz, LOWEST, NMS_IOU, self.batch, self.own.device).recipe
        return Names(own=(self.own.sha256, used), second=(self.second.sha256, used) if self.second else None)

    def _asked(self, model: Yolo, paths: Sequence[Path]) -> list[Prediction]:
        return list(model.predict(paths, self.imgsz, LOWEST, batch=self.batch))


def eyes(ref: ModelRef, second: ModelRef | None, batch: int) -> Eyes:
    """Both versions, loaded."""
    return Eyes(own=_loaded(ref), second=_loaded(second) if second else None, imgsz=ref.imgsz, batch=batch)


def second_of(champion: ModelRef) -> ModelRef | None:
    """The newest other version of the same kind and classes whose weights are there: challenger or predecessor."""
    for record in ledger().versions.list(champion.name):
        ref = record.ref
        if ref.sha256 != champion.sha256 and (ref.kind, ref.classes) == (champion.kind, champion.classes):
            try:
                weights(ref)
            except NotFound:
                continue
            return ref
    return None


def _loaded(ref: ModelRef) -> Yolo:
    return Yolo.load(weights(ref), ref.sha256, ref.kind, settings().device, ref.classes)


def _stored(path: Path, image: Image) -> Path:
    cv2.imwrite(str(path), np.ascontiguousarray(image))
    return path
