"""What the model answered, image by image: boxes within one image depend on each other and are never counted alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tasks.domain.model import Kind
from tasks.drift.detector import FloatArray

DOUBTFUL = 0.5
"""A counted detection below this confidence is doubtful."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """Numbers (`scalars`) and yes-or-no facts (`rates`, 0 and 1) per image, (n,) each; nan where there is none.

    `objects` counts detections, `confidence` is the highest and `confidence_mean` the mean of an image,
    `confidence[<name>]` that of one class's objects, `box_area` the mean logarithm of a box's share of the image,
    `box_aspect` of its width by its height; `no_objects`, `doubtful` and `class[<name>]` say what an image holds. For
    classify only `confidence`, `confidence[<name>]` and `class[<name>]` of the first answer exist.
    """

    scalars: dict[str, FloatArray] = field(default_factory=dict)
    rates: dict[str, FloatArray] = field(default_factory=dict)
    mix: dict[str, FloatArray] = field(default_factory=dict)
    """How many objects of each class an image holds, by class name; for classify 0 or 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Counted:
    """Detections that count, flat: the row of their image, class, confidence; logs of area share and of aspect."""

    row: NDArray[np.int64]
    class_id: NDArray[np.int64]
    confidence: FloatArray
    area: FloatArray
    aspect: FloatArray


def answers(table: pa.Table, classes: Sequence[str], confidence: float, version: str) -> Answers:
    """Aggregates of a `references` table's detections, in its row order.

    Only rows that model version `version` answered have numbers. Detections under `confidence` do not count;
    for classify the first answer always does.
    """
    answered = np.asarray(pc.fill_null(pc.equal(table["model_version"], version), False))
    if not answered.any():
        return Answers()
    classify = _kind(table, answered) == Kind.CLASSIFY
    counted = _first_answers(_flat(table)) if classify else _above(_flat(table), confidence)
    size = len(answered)
    highest = np.full(size, -np.inf)
    np.maximum.at(highest, counted.row, counted.confidence)
    rates = {
        f"class[{_name(class_id, classes)}]": _any(counted.row[counted.class_id == class_id], size)
        for class_id in np.unique(counted.class_id).tolist()
    }
    scalars = {"confidence": np.where(np.isfinite(highest), highest, np.nan), **_by_class(counted, size, classes)}
    if not classify:
        scalars |= _box_scalars(counted, size)
        rates |= {
            "no_objects": 1.0 - _any(counted.row, size),
            "doubtful": _any(counted.row[counted.confidence < DOUBTFUL], size),
        }
    mix = {
        _name(class_id, classes): np.bincount(counted.row[counted.class_id == class_id], minlength=size).astype(float)
        for class_id in np.unique(counted.class_id).tolist()
    }
    return Answers(scalars=_only(scalars, answered), rates=_only(rates, answered), mix=_only(mix, answered))


def _by_class(counted: _Counted, size: int, classes: Sequence[str]) -> dict[str, FloatArray]:
    """The mean confidence of each class's objects per image."""
    found = {}
    for class_id in np.unique(counted.class_id).tolist():
        mine = counted.class_id == class_id
        found[f"confidence[{_name(class_id, classes)}]"] = _mean(counted.row[mine], counted.confidence[mine], size)
    return found


def _mean(row: NDArray[np.int64], values: FloatArray, size: int) -> FloatArray:
    """The mean of each image's finite values, nan where it has none."""
    there = np.isfinite(values)
    sums = np.bincount(row[there], weights=values[there], minlength=size).astype(np.float64)
    return _ratio(sums, np.bincount(row[there], minlength=size).astype(np.float64))


def _kind(table: pa.Table, answered: NDArray[np.bool_]) -> str:
    return str(table["kind"][int(np.flatnonzero(answered)[0])].as_py())


def _name(class_id: int, classes: Sequence[str]) -> str:
    return classes[class_id] if 0 <= class_id < len(classes) else f"#{class_id}"


def _any(rows: NDArray[np.int64], size: int) -> FloatArray:
    return (np.bincount(rows, minlength=size) > 0).astype(np.float64)


def _only(columns: dict[str, FloatArray], answered: NDArray[np.bool_]) -> dict[str, FloatArray]:
    return {name: np.where(answered, values, np.nan) for name, values in columns.items()}


def _box_scalars(counted: _Counted, size: int) -> dict[str, FloatArray]:
    return {
        "objects": np.bincount(counted.row, minlength=size).astype(np.float64),
        "confidence_mean": _mean(counted.row, counted.confidence, size),
        "box_area": _mean(counted.row, counted.area, size),
        "box_aspect": _mean(counted.row, counted.aspect, size),
    }


def _ratio(sums: FloatArray, counts: FloatArray) -> FloatArray:
    ratios: FloatArray = np.divide(sums, counts, out=np.full(len(sums), np.nan), where=counts > 0)
    return ratios


def _flat(table: pa.Table) -> _Counted:
    """Every detection with a finite confidence."""
    column = table["detections"].combine_chunks()
    row = np.asarray(pc.list_parent_indices(column), dtype=np.int64)
    flat = pc.list_flatten(column)
    confidence = _numbers(pc.struct_field(flat, "confidence"))
    good = np.isfinite(confidence)
    area, aspect = _shapes(pc.struct_field(flat, "box"), table, row)
    return _Counted(
        row=row[good],
        class_id=_numbers(pc.struct_field(flat, "class_id"))[good].astype(np.int64),
        confidence=confidence[good],
        area=area[good],
        aspect=aspect[good],
    )


def _numbers(column: pa.Array) -> FloatArray:
    values: FloatArray = pc.fill_null(column.cast(pa.float64()), float("nan")).to_numpy(zero_copy_only=False)
    return values


def _shapes(boxes: pa.Array, table: pa.Table, row: NDArray[np.int64]) -> tuple[FloatArray, FloatArray]:
    """Logs of the image's share that each box covers and of its width by its height; nan without box or size."""
    present = np.asarray(pc.is_valid(boxes))
    corners = np.full((len(boxes), 4), np.nan)
    corners[present] = _numbers(boxes.drop_null().flatten()).reshape(-1, 4)
    size = _numbers(table["width"].combine_chunks()) * _numbers(table["height"].combine_chunks())
    wide, high = corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 1]
    real = (wide > 0) & (high > 0)
    share = np.log(wide * high / size[row], out=np.full(len(wide), np.nan), where=real)
    return share, np.log(wide / high, out=np.full(len(wide), np.nan), where=real)


def _above(found: _Counted, confidence: float) -> _Counted:
    return _chosen(found, found.confidence >= confidence)


def _first_answers(found: _Counted) -> _Counted:
    """The most probable class of every image."""
    order = np.lexsort((found.class_id, -found.confidence, found.row))
    first = np.ones(len(order), dtype=bool)
    first[1:] = found.row[order][1:] != found.row[order][:-1]
    return _chosen(found, order[first])


def _chosen(found: _Counted, which: NDArray[np.bool_] | NDArray[np.int64]) -> _Counted:
    return _Counted(
        row=found.row[which],
        class_id=found.class_id[which],
        confidence=found.confidence[which],
        area=found.area[which],
        aspect=found.aspect[which],
    )
