"""What a model answered about one image, whatever its kind."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


def _no_boxes() -> Floats:
    return np.zeros((0, 4), np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """Milliseconds an image took; its share of the batch that it travelled in."""

    preprocess: float = 0.0
    inference: float = 0.0
    postprocess: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prediction:
    """The answer about one image.

    detect: `boxes` (n, 4) float32 x1, y1, x2, y2 in pixels of the image as it is shown, `classes` (n,) int64 and
    `confidences` (n,) float32 in 0..1, highest first; `probabilities` is None.
    segment, obb and pose: boxes as well, and beside each `polygons` (k, 2), `corners` (n, 4, 2) in order around the
    turned box, `keypoints` (n, k, 3) of x, y, confidence; all in the same pixels.
    classify: no boxes, `probabilities` (c,) float32 that sum to 1 in the order of class ids.
    """

    boxes: Floats = field(default_factory=_no_boxes)
    classes: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    confidences: Floats = field(default_factory=lambda: np.zeros(0, np.float32))
    probabilities: Floats | None = None
    polygons: tuple[Floats, ...] = ()
    corners: Floats | None = None
    keypoints: Floats | None = None
    speed: Speed = field(default_factory=Speed)

    @property
    def finite(self) -> bool:
        """False when any number of the answer is NaN or infinite: such an answer is worth nothing."""
        given = (self.boxes, self.confidences, self.probabilities, self.corners, self.keypoints, *self.polygons)
        return all(bool(np.isfinite(part).all()) for part in given if part is not None)
