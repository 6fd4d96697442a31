"""A map of what the model sees: reference and window side by side in two dimensions, and what to keep of it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.domain.few import evenly
from tasks.domain.tables import STRANGE
from tasks.outliers.familiar import Floats, measured

POINTS = 600
"""Images of each side on the map, evenly over time: more would hide each other."""

STRANGEST = 60
"""Images of the window that are kept because nothing in the reference is like them."""


def projected(reference: Floats, window: Floats) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Both sides on the two directions in which the reference varies most, (m, 2) and (n, 2).

    Fitted to the reference alone: the window cannot turn the map. Each axis points to where its largest component is
    positive, so that the same reference gives the same map. nan for a row that is nan; 0 where there are fewer than
    two directions.
    """
    known = reference[measured(reference)].astype(np.float64)
    if not len(known) or not known.shape[1]:
        return np.full((len(reference), 2), np.nan), np.full((len(window), 2), np.nan)
    middle = known.mean(axis=0)
    _, vectors = np.linalg.eigh((known - middle).T @ (known - middle))
    axes = np.zeros((known.shape[1], 2))
    axes[:, : min(2, known.shape[1])] = vectors[:, ::-1][:, :2]
    largest = np.abs(axes).argmax(axis=0)
    axes *= np.where(axes[largest, [0, 1]] < 0, -1.0, 1.0)
    return (reference - middle) @ axes, (window - middle) @ axes


def kept(ratios: NDArray[np.float64]) -> list[int]:
    """Rows of a window that are written down, in order: evenly over time, and the strangest ones."""
    usable = np.flatnonzero(np.isfinite(ratios))
    strangest = usable[np.argsort(-ratios[usable], kind="stable")][:STRANGEST]
    return sorted({*evenly(usable, POINTS).tolist(), *strangest.tolist()})


def reference_rows(coordinates: NDArray[np.float64]) -> list[int]:
    """Rows of a reference that are written down: evenly over time, only those with a place on the map."""
    return [int(row) for row in evenly(np.flatnonzero(np.isfinite(coordinates).all(axis=1)), POINTS)]


def written(
    side: str, table: pa.Table, rows: list[int], coordinates: NDArray[np.float64], ratios: NDArray[np.float64] | None
) -> pa.Table:
    """These rows as a `strange` table; `ratios` are None for the reference."""
    some = table.take(pa.array(rows, pa.int64()))
    columns = {
        "side": pa.array([side] * len(rows), pa.string()),
        "strangeness": pa.array([None] * len(rows) if ratios is None else ratios[rows], pa.float64()),
        "x": pa.array(coordinates[rows, 0], pa.float64()),
        "y": pa.array(coordinates[rows, 1], pa.float64()),
    }
    for name in STRANGE.names:
        if name not in columns:
            there = name in some.column_names  # a reference keeps no sessions
            columns[name] = some[name] if there else pa.nulls(len(rows), STRANGE.field(name).type)
    return pa.table([columns[name] for name in STRANGE.names], schema=STRANGE)
