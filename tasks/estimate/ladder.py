"""Pictures made worse on purpose, in known steps: what a version's answers look like when its pictures get worse.

Labelled images are damaged as bad light, lenses and sensors damage them. The labels stay true, so for each step it is
known how good the answers are and what they show of it by themselves. Steps are relative to the picture's own size and
contrast, so that the same menu fits every camera.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
USUAL_SIDE = 256.0
"""Side in pixels at which blur is given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One kind of damage at one strength."""

    name: str
    strength: float


def _light(image: Image, factor: float, _rng: np.random.Generator) -> Image:
    return _bytes(image.astype(np.float32) * factor)


def _blur(image: Image, sigma: float, _rng: np.random.Generator) -> Image:
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma * max(image.shape[:2]) / USUAL_SIDE), np.uint8)


def _noise(image: Image, sigma: float, rng: np.random.Generator) -> Image:
    return _bytes(image.astype(np.float32) + rng.normal(0, sigma, image.shape).astype(np.float32))


def _pale(image: Image, share: float, _rng: np.random.Generator) -> Image:
    """Less contrast: everything moves towards the picture's mean."""
    mean = image.astype(np.float32).mean()
    return _bytes((image.astype(np.float32) - mean) * share + mean)


def _coarse(image: Image, factor: float, _rng: np.random.Generator) -> Image:
    """Fewer pixels, as through a worse camera or a harder compression."""
    height, width = image.shape[:2]
    small = (max(int(width / factor), 1), max(int(height / factor), 1))
    few = cv2.resize(image, small, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(few, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def _stain(image: Image, share: float, rng: np.random.Generator) -> Image:
    """Grease on the lens: in patches that cover a share of the picture it is blurred and washed out."""
    height, width = image.shape[:2]
    field = cv2.GaussianBlur(rng.normal(0, 1, (64, 64)).astype(np.float32), (0, 0), 4)
    stuck = (field >= np.quantile(field, 1 - share)).astype(np.float32)
    film = cv2.resize(cv2.GaussianBlur(stuck, (0, 0), 1), (width, height))[:, :, None]
    plain = image.astype(np.float32)
    smeared = cv2.GaussianBlur(plain, (0, 0), 6 * max(height, width) / USUAL_SIDE)
    return _bytes(plain * (1 - film) + film * (0.35 * smeared + 0.65 * plain.mean(axis=(0, 1))))


def _curve(image: Image, power: float, _rng: np.random.Generator) -> Image:
    """A flatter or steeper response to light."""
    return _bytes((255 * (image.astype(np.float32) / 255) ** power).astype(np.float32))


def _shade(image: Image, share: float, rng: np.random.Generator) -> Image:
    """Light that falls off across the picture, in any direction."""
    return _from_side(image, share, rng.uniform(0, 2 * np.pi))


def _from_side(image: Image, share: float, turn: float) -> Image:
    height, width = image.shape[:2]
    y, x = np.linspace(-0.5, 0.5, height)[:, None], np.linspace(-0.5, 0.5, width)[None]
    fall = np.clip(0.5 + x * np.cos(turn) + y * np.sin(turn), 0, 1).astype(np.float32)
    return _bytes(image.astype(np.float32) * (1 - share * fall)[:, :, None])


def _specks(image: Image, count: float, rng: np.random.Generator) -> Image:
    """Short thin lines of any brightness: dust, hairs, drops that fall."""
    shown, side, n = image.copy(), max(image.shape[:2]), int(count)
    middles = rng.uniform(0, 1, (n, 2)) * image.shape[1::-1]
    turns, reach, bright = rng.uniform(0, np.pi, n), rng.uniform(0.005, 0.03, n) * side, rng.integers(0, 256, n)
    ends = np.stack([np.cos(turns), np.sin(turns)], 1) * reach[:, None]
    for start, end, value in zip((middles - ends).astype(int), (middles + ends).astype(int), bright, strict=True):
        cv2.line(shown, start.tolist(), end.tolist(), (int(value),) * 3, max(round(side / USUAL_SIDE), 1), cv2.LINE_AA)
    return shown


def _sharp(image: Image, share: float, _rng: np.random.Generator) -> Image:
    """A camera that sharpens."""
    soft = cv2.GaussianBlur(image, (0, 0), 1.2 * max(image.shape[:2]) / USUAL_SIDE).astype(np.float32)
    return _bytes(image.astype(np.float32) * (1 + share) - soft * share)


_DAMAGE: Mapping[str, Callable[[Image, float, np.random.Generator], Image]] = {
    "light": _light,
    "glare": _light,
    "blur": _blur,
    "noise": _noise,
    "pale": _pale,
    "coarse": _coarse,
    "stain": _stain,
    "curve": _curve,
    "shade": _shade,
    "left": lambda image, share, _rng: _from_side(image, share, 0.0),
    "above": lambda image, share, _rng: _from_side(image, share, np.pi / 2),
    "specks": _specks,
    "sharp": _sharp,
}


def _steps(*kinds: tuple[str, tuple[float, ...]]) -> tuple[Step, ...]:
    return tuple(Step(name=name, strength=strength) for name, strengths in kinds for strength in strengths)


LADDER: tuple[Step, ...] = _steps(
    ("light", (0.5, 0.33)),
    ("glare", (1.5, 2.2)),
    ("blur", (1.6, 3.0)),
    ("noise", (16.0, 40.0)),
    ("pale", (0.5, 0.35)),
    ("coarse", (3.0, 5.0)),
    ("stain", (0.15, 0.4)),
)
"""Every kind from what is hardly seen to what blinds a model."""

FILTERS: tuple[Step, ...] = LADDER + _steps(
    ("curve", (0.6, 1.7, 2.5)),
    ("shade", (0.5, 0.85)),
    ("specks", (60.0, 250.0)),
    ("sharp", (0.8,)),
    ("left", (0.8,)),
    ("above", (0.8,)),
)
"""And what else light and cameras do: no version is asked about any of it, it tells how the same boxes look then."""


def damaged(image: Image, step: Step, seed: int) -> Image:
    """The picture (h, w, 3) after this damage; equal seeds give equal pixels."""
    return _DAMAGE[step.name](image, step.strength, np.random.default_rng([seed, FILTERS.index(step)]))


def _bytes(values: NDArray[np.float32]) -> Image:
    return np.asarray(np.clip(np.rint(values), 0, 255), np.uint8)
