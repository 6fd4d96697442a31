"""Did it happen at once or little by little? A step and a ramp through the same checks, the better fit has the word."""

from __future__ import annotations

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

LEAST = 8
"""Checks since the onset below which nobody can tell a step from a ramp."""


class Shape(StrEnum):
    """How a change came."""

    ABRUPT = "at once"
    GRADUAL = "gradually"
    UNKNOWN = "too recent to say how"


def shape(values: FloatArray, onset: int) -> Shape:
    """The shape of a change in check values (T,) whose sum began to rise at place `onset`.

    Step and ramp have two numbers each, where and how much, so that their squared errors can be compared as they are.
    """
    begin = max(0, onset - (len(values) - onset))
    line = values[begin:]
    line = line[np.isfinite(line)]
    if len(values) - onset < LEAST or len(line) < LEAST:
        return Shape.UNKNOWN
    steps, ramps = (_least_error(line, curves) for curves in (_steps(len(line)), _ramps(len(line))))
    return Shape.ABRUPT if steps <= ramps else Shape.GRADUAL


def _least_error(line: FloatArray, curves: FloatArray) -> float:
    """The squared error of the best multiple of the best curve, among curves (K, T)."""
    gained = (curves @ line) ** 2 / (curves**2).sum(axis=1)
    return float(line @ line - gained.max())


def _steps(size: int) -> FloatArray:
    """A step at each place but the last two."""
    places = np.arange(size)
    curves: FloatArray = (places[None, :] >= places[: size - 2, None]).astype(np.float64)
    return curves


def _ramps(size: int) -> FloatArray:
    """A ramp from each place but the last two."""
    places = np.arange(size)
    curves: FloatArray = np.maximum(places[None, :] - places[: size - 2, None] + 1.0, 0.0)
    return curves
