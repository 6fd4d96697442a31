"""The places that the scenario `parts` looks at: four cameras, each with its belt, its lamp and its lens."""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

SIZE: Final = 256
"""Height and width of a scene, in pixels."""

BELT, DIRT = 3, 4
"""Random streams of the belt and of the lens; those of a scene come before them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Camera:
    """One place above one belt: the belt's colour and weave, how near the camera hangs, and where its lamp is.

    `belt` is the mean colour (BGR, 0-255), `weave` the direction of its threads in degrees, `zoom` the size of parts
    relative to the first camera, `lamp` the brightest point as a share of width and height.
    """

    belt: tuple[float, float, float]
    weave: float
    zoom: float
    lamp: tuple[float, float]


CAMERAS: Final[dict[str, Camera]] = {
    "cam-1": Camera(belt=(72, 76, 78), weave=0.0, zoom=1.0, lamp=(0.5, 0.4)),
    "cam-2": Camera(belt=(92, 78, 62), weave=90.0, zoom=0.9, lamp=(0.3, 0.5)),
    "cam-3": Camera(belt=(66, 88, 70), weave=35.0, zoom=1.1, lamp=(0.6, 0.7)),
    "cam-4": Camera(belt=(70, 78, 100), weave=120.0, zoom=0.95, lamp=(0.7, 0.3)),
}


@lru_cache(maxsize=len(CAMERAS))
def weave(camera: str) -> Floats:
    """The endless texture of a camera's belt around 0, (256, 256): threads in one direction and worn patches."""
    rng = np.random.default_rng([list(CAMERAS).index(camera), BELT])
    angle = math.radians(CAMERAS[camera].weave)
    y, x = np.mgrid[0:SIZE, 0:SIZE] * (2 * math.pi / SIZE)
    threads = np.sin(np.rint(32 * math.cos(angle)) * x + np.rint(32 * math.sin(angle)) * y)
    noise = rng.normal(0, 1, (SIZE, SIZE)).astype(np.float32)
    worn = cv2.GaussianBlur(np.pad(noise, 32, mode="wrap"), (0, 0), 9)[32:-32, 32:-32]
    return np.asarray(5 * threads + 8 * worn / worn.std() + 3 * noise, dtype=np.float32)


@lru_cache(maxsize=len(CAMERAS))
def lamp_field(camera: str) -> Floats:
    """How the lamp falls on the belt, (256, 256): 1 under the lamp, about 0.8 in the far corner."""
    left, top = CAMERAS[camera].lamp
    grid = np.linspace(0, 1, SIZE, dtype=np.float32)
    return np.asarray(1 - 0.22 * ((grid[None, :] - left) ** 2 + (grid[:, None] - top) ** 2), dtype=np.float32)


@lru_cache(maxsize=len(CAMERAS))
def grease(camera: str) -> Floats:
    """Where grease would stick first on this camera's lens, (256, 256): the fixed pattern that `dirt` cuts off."""
    rng = np.random.default_rng([list(CAMERAS).index(camera), DIRT])
    return np.asarray(cv2.GaussianBlur(rng.normal(0, 1, (SIZE, SIZE)).astype(np.float32), (0, 0), 16), dtype=np.float32)
