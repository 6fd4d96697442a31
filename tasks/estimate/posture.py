"""How a camera holds its picture: in which directions edges run, and where it is light and dark.

Bad light, blur, noise and dirt make edges fewer and pictures darker; they turn none of it. Cameras that were bumped or
mounted another way do, and the answers of a model need not show it. So the directions of edges are compared with the
same directions turned by every angle, and the layout of light with its own turns and mirror images: where something
else than "as it was" fits clearly better, the pictures were turned.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.estimate.ladder import Image

Numbers = NDArray[np.float64]

ANGLES = 36
"""Directions that are told apart in half a turn: five degrees each."""

CELLS = 6
"""Fields of the layout of light, across and down."""

LONG_SIDE, SOFT = 256, 2.0
"""Pictures are measured at this size, smoothed by so many pixels: noise and compression have directions too."""

CAP = 2.0
"""One edge counts no more than so many average ones: a few parts shall not outweigh the ground that they lie on."""

LEAST = 8
"""Pictures of a camera below which its posture is not known."""

CAMERAS = 2
"""Cameras that must be known before and after."""

FITS, BETTER = 0.7, 0.04
"""How well a turn must fit (correlation), and by how much better than none; of edges."""

LAYOUT_FITS, LAYOUT_BETTER = 0.75, 0.12
"""The same of the layout of light, which shadows and dirt disturb more."""

TURNS: tuple[Callable[[Numbers], Numbers], ...] = (
    lambda field: np.rot90(field, 1),
    lambda field: np.rot90(field, 2),
    lambda field: np.rot90(field, 3),
    lambda field: field[:, ::-1],
    lambda field: field[::-1],
    lambda field: field.T,
    lambda field: np.rot90(field, 2).T,
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Posture:
    """The mean of `n` pictures of a camera: `edges` shares by direction, `light` (`CELLS`, `CELLS`) logarithms."""

    n: int
    edges: Numbers
    light: Numbers


def measured(image: Image) -> tuple[Numbers, Numbers]:
    """Edges by direction and the layout of light of one picture (h, w, 3) uint8."""
    height, width = image.shape[:2]
    scale = LONG_SIDE / max(height, width)
    size = (max(round(width * scale), CELLS), max(round(height * scale), CELLS))
    grey = cv2.cvtColor(cv2.resize(image, size, interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2GRAY).astype(np.float32)
    soft = cv2.GaussianBlur(grey, (0, 0), SOFT)
    across, down = cv2.Sobel(soft, cv2.CV_32F, 1, 0), cv2.Sobel(soft, cv2.CV_32F, 0, 1)
    strength = np.hypot(across, down)
    strength = np.minimum(strength / (strength.mean() + 1e-6), CAP)
    place = (np.arctan2(down, across) % np.pi / np.pi * ANGLES).astype(int) % ANGLES
    edges = np.bincount(place.ravel(), strength.ravel(), ANGLES).astype(np.float64)
    light = np.log(cv2.resize(grey, (CELLS, CELLS), interpolation=cv2.INTER_AREA).astype(np.float64) + 4.0)
    return edges / max(edges.sum(), 1e-9), light


def postures(cameras: Sequence[str], found: Sequence[tuple[Numbers, Numbers]]) -> dict[str, Posture]:
    """The posture of every camera that shows enough pictures."""
    names = np.asarray(cameras, dtype=str)
    known = {}
    for name in np.unique(names):
        mine = [found[at] for at in np.flatnonzero(names == name).tolist()]
        if len(mine) >= LEAST:
            edges, light = (np.mean([each[part] for each in mine], axis=0) for part in (0, 1))
            known[str(name)] = Posture(n=len(mine), edges=edges, light=light)
    return known


def turned(before: Mapping[str, Posture], after: Mapping[str, Posture]) -> bool:
    """Whether the cameras that both know hold their pictures another way; all of them together, and never one alone.

    The edges of one picture have few directions, and damage that has a direction (rain, a sensor whose rows differ)
    looks like a turn of it. One bumped camera of many is the camera check's to find.
    """
    both = sorted(before.keys() & after.keys())
    if len(both) < CAMERAS:
        return False
    was, now = [before[name] for name in both], [after[name] for name in both]
    return _edges_turned(was, now) or _light_turned(was, now)


def _edges_turned(before: Sequence[Posture], after: Sequence[Posture]) -> bool:
    now = [_logs(each.edges) for each in after]
    fits = [_alike([np.roll(_logs(each.edges), turn) for each in before], now) for turn in range(ANGLES)]
    away = max(fits[2 : ANGLES - 1])  # a direction beside the old one is within the width of a bin
    return away >= FITS and away - fits[0] >= BETTER


def _light_turned(before: Sequence[Posture], after: Sequence[Posture]) -> bool:
    now, was = [each.light for each in after], [each.light for each in before]
    best = max(_alike([turn(field) for field in was], now) for turn in TURNS)
    return best >= LAYOUT_FITS and best - _alike(was, now) >= LAYOUT_BETTER


def _logs(edges: Numbers) -> Numbers:
    return np.asarray(np.log(edges + 1e-4), np.float64)


def _alike(first: Sequence[Numbers], second: Sequence[Numbers]) -> float:
    """Correlation over all cameras, each around its own mean; 0 where nothing differs within any."""
    one = np.concatenate([(each - each.mean()).ravel() for each in first])
    two = np.concatenate([(each - each.mean()).ravel() for each in second])
    size = float(np.linalg.norm(one) * np.linalg.norm(two))
    return float(one @ two) / size if size > 1e-9 else 0.0
