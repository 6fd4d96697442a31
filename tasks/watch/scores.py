"""One window's scenes as check values: how far each property of a camera lies from the reference, by time of day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy.special import ndtri

from tasks.domain.days import DAY, When, differ
from tasks.domain.hours import part_of_day, whole_hours
from tasks.domain.scenes import distinct
from tasks.domain.tables import PROPERTIES
from tasks.watch.rules import WatchRules

FloatArray = NDArray[np.float64]

ENOUGH = 20
"""Reference scenes of one time of day below which those of the whole day are taken instead."""

COLUMNS = ("camera", "captured_at", "image_id", "dhash", *PROPERTIES)
"""What is read of a `profiles` or `references` table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What one camera's scenes of one window say: how many they are, and the mean normal score of each property.

    A property that no scene has a number for is missing. `known` counts the camera's scenes in the reference.
    """

    camera: str
    scenes: int
    known: int
    scores: dict[str, float]


def normal_scores(reference: FloatArray, values: FloatArray) -> FloatArray:
    """Each value's mid-rank in the reference as a standard normal score; (n,) for (m,) and (n,).

    Robust against tails and ties: a value beyond the whole reference gets the score of half a rank beyond its last.
    Source: van der Waerden scores.
    """
    ordered = np.sort(reference)
    rank = np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right")
    edge = 0.5 / len(ordered)
    scores: FloatArray = ndtri(np.clip(rank / (2 * len(ordered)), edge, 1 - edge))
    return scores


def checks(current: pa.Table, reference: pa.Table, rules: WatchRules) -> tuple[Check, ...]:
    """One check per camera of the window, in alphabetical order.

    Both tables have the columns of `COLUMNS`. A scene is scored among the camera's reference scenes of its own time
    of day, or among all of them where those are too few.
    """
    before, after = _scenes(reference, rules), _scenes(current, rules)
    cameras = np.asarray(after["camera"].to_pylist(), dtype=object)
    known = np.asarray(before["camera"].to_pylist(), dtype=object)
    return tuple(
        _check(camera, _rows(after, cameras == camera), _rows(before, known == camera), rules)
        for camera in sorted(set(cameras.tolist()))
    )


def days_differ(camera: str, reference: pa.Table, rules: WatchRules) -> dict[str, float]:
    """What the camera's days in the reference differ by, in normal-score units, by property; 0 where they do not.

    The table has the columns of `COLUMNS`; with too few days all are 0, because nobody knows.
    """
    before = _scenes(reference.filter(pc.equal(reference["camera"], camera)), rules)
    hours = whole_hours(before)
    parts = _contexts(before, rules)
    found = {}
    for name in PROPERTIES:
        values = _column(before, name)
        there = np.isfinite(values)
        scores = np.zeros(len(values))
        for part in np.unique(parts[there]).tolist():
            here = there & (parts == part)
            scores[here] = normal_scores(_base(values[there], values[here]), values[here])
        at = When(days=hours[there] // DAY, contexts=hours[there] % DAY, window=hours[:0])
        found[name] = float(differ(scores[there], at).between[0])
    return found


def _scenes(table: pa.Table, rules: WatchRules) -> pa.Table:
    table = table.sort_by([("captured_at", "ascending"), ("image_id", "ascending")])
    kept = distinct(table["camera"].to_pylist(), table["dhash"].to_pylist(), rules.duplicate_bits)
    return table.take(pa.array(np.flatnonzero(kept)))


def _rows(table: pa.Table, chosen: NDArray[np.bool_]) -> pa.Table:
    return table.take(pa.array(np.flatnonzero(chosen)))


def _check(camera: str, after: pa.Table, before: pa.Table, rules: WatchRules) -> Check:
    scores: dict[str, float] = {}
    if before.num_rows:
        now, then = _contexts(after, rules), _contexts(before, rules)
        for name in PROPERTIES:
            mean = _mean_score(_column(after, name), now, _column(before, name), then)
            scores |= {name: mean} if np.isfinite(mean) else {}
    return Check(camera=camera, scenes=after.num_rows, known=before.num_rows, scores=scores)


def _mean_score(values: FloatArray, now: NDArray[np.int64], reference: FloatArray, then: NDArray[np.int64]) -> float:
    """The mean normal score of the values that are numbers; nan when there is none on either side."""
    readable = np.isfinite(reference)
    reference, then = reference[readable], then[readable]
    found = [
        normal_scores(base, here)
        for part in np.unique(now).tolist()
        if len(here := values[(now == part) & np.isfinite(values)])
        and len(base := _base(reference, reference[then == part]))
    ]
    return float(np.concatenate(found).mean()) if found else float("nan")


def _base(whole: FloatArray, part: FloatArray) -> FloatArray:
    return part if len(part) >= ENOUGH else whole


def _contexts(table: pa.Table, rules: WatchRules) -> NDArray[np.int64]:
    moments: Sequence[datetime] = table["captured_at"].to_pylist()
    return np.asarray([part_of_day(moment, rules.context_hours) for moment in moments], dtype=np.int64)


def _column(table: pa.Table, name: str) -> FloatArray:
    values: FloatArray = table[name].cast(pa.float64()).fill_null(float("nan")).to_numpy()
    return values
