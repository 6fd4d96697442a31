"""A calibration as JSON, the way it lies in the bucket, and back."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

import numpy as np

from tasks.domain.errors import ContractError
from tasks.estimate.around import Around, Scenery
from tasks.estimate.belief import Belief, Curve
from tasks.estimate.calibration import Calibration, Rung
from tasks.estimate.likeness import Likeness, Typical
from tasks.estimate.look import Average, Look, Shift, Shifts
from tasks.estimate.posture import Posture
from tasks.estimate.signs import Signs

VERSION = 6
"""Changes whenever a number of a calibration is computed in another way: older ones are fitted again."""

MAX_BYTES = 4 << 20


def written(calibration: Calibration) -> bytes:
    """The calibration as JSON; what is nan becomes null."""
    data = {"version": VERSION, **asdict(calibration)}
    return json.dumps(_plain(data), sort_keys=True).encode()


def read(data: bytes) -> Calibration:
    """The inverse of `written`.

    Raises:
        ContractError: it is none, or one of another version: `evergreen evaluate` fits a new one.
    """
    try:
        found = json.loads(data)
        if found.pop("version") != VERSION:
            raise ContractError("the calibration is of another version of Evergreen: run `evergreen evaluate`")
        return Calibration(
            **{
                **found,
                "confidences": tuple(found["confidences"]),
                "belief": _belief(found["belief"]),
                "clean": _signs(found["clean"]),
                "look": _look(found["look"]),
                "rungs": tuple(_rung(each) for each in found["rungs"]),
                "weights": tuple(found["weights"]),
                "error": _number(found["error"]),
                "postures": {name: _posture(each) for name, each in found["postures"].items()},
                "sceneries": {name: _scenery(each) for name, each in found["sceneries"].items()},
                "objects": _likeness(found["objects"]),
            }
        )
    except (ValueError, TypeError, KeyError) as error:
        raise ContractError(f"the calibration cannot be read, run `evergreen evaluate`: {error}") from error


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return [_plain(each) for each in value.tolist()]
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _numbers(values: list[float | None]) -> Any:
    return np.array([_number(value) for value in values], np.float64)


def _curve(data: Mapping[str, Any]) -> Curve:
    return Curve(confidence=_numbers(data["confidence"]), chance=_numbers(data["chance"]))


def _posture(data: Mapping[str, Any]) -> Posture:
    return Posture(n=int(data["n"]), edges=_numbers(data["edges"]), light=np.array(data["light"], np.float64))


def _scenery(data: Mapping[str, Any]) -> Scenery:
    tone, error, spread = (_numbers(data[name]) for name in ("tone", "error", "spread"))
    known = np.array(data["known"], np.int64)
    shares = {name: _number(data[name]) for name in ("other", "things", "rough")}
    return Scenery(n=int(data["n"]), tone=tone, error=error, spread=spread, known=known, **shares)


def _likeness(data: Mapping[str, Any]) -> Likeness:
    usual, newest = (
        {name: {camera: _typical(each) for camera, each in mine.items()} for name, mine in known.items()}
        for known in (data["usual"], data["newest"])
    )
    damage = {name: np.array(steps, np.float64) for name, steps in data["damage"].items()}
    return Likeness(usual=usual, damage=damage, newest=newest)


def _typical(data: Mapping[str, Any]) -> Typical:
    return Typical(n=int(data["n"]), mean=_numbers(data["mean"]), spread=_numbers(data["spread"]))


def _belief(data: Mapping[str, Any]) -> Belief:
    return Belief(
        all=_curve(data["all"]),
        middles=_numbers(data["middles"]),
        recall=_number(data["recall"]),
        error=_number(data["error"]),
        boxes=int(data["boxes"]),
        whole=bool(data["whole"]),
        by_part={name: _curve(each) for name, each in data["by_part"].items()},
    )


def _signs(data: Mapping[str, Any]) -> Signs:
    return Signs(**{name: _number(value) for name, value in data.items()})


def _average(data: Mapping[str, Any]) -> Average:
    return Average(**{name: _number(value) for name, value in data.items()})


def _look(data: Mapping[str, Any]) -> Look:
    single = {name: _average(data[name]) for name in ("kept", "confidence", "x", "y", "cut")}
    several = {name: {c: _average(each) for c, each in data[name].items()} for name in ("area", "shape", "mix")}
    return Look(n=int(data["n"]), **single, **several)  # type: ignore[arg-type] # names and types are the fields'


def _rung(data: Mapping[str, Any]) -> Rung:
    found = {each.name: _shift(data["shifts"][each.name]) for each in fields(Shifts)}
    beside = {each.name: _shift(data["around"][each.name]) for each in fields(Around)}
    return Rung(
        name=data["name"],
        quality=_number(data["quality"]),
        signs=_signs(data["signs"]),
        shifts=Shifts(**found),
        around=Around(**beside),
    )


def _shift(data: Mapping[str, Any]) -> Shift:
    return Shift(size=_number(data["size"]), error=_number(data["error"]))
