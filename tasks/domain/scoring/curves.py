"""Average precision from boxes in falling confidence, for one weighting of the images or for a thousand at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tasks.domain.prediction import Ints

Flags = NDArray[np.bool_]
Samples = NDArray[np.float64]
Real = NDArray[np.float64]
Single = NDArray[np.float32]

RECALLS: Real = np.linspace(0.0, 1.0, 101)
"""Recalls at which precision is read (COCO's 101 points)."""

CELLS = 1 << 20
"""Boxes times draws that are worked on at once: 4 MB in single precision, about what a core's cache holds."""


def exact(image: Ints, hits: Flags, ignored: Flags | None, positives: Real, weights: Real) -> Samples:
    """(b, t) area under the precision envelope read at 101 recalls, each image counted by its weight.

    Args:
        image: (d,) which image each box is of, the surest box first.
        hits: (t, d) found an object at each overlap.
        ignored: (t, d) counts neither way; None for no box.
        positives: (n,) objects per image.
        weights: (b, n) how much each image counts in each draw; whole numbers or real ones.
    """
    result = np.full((len(weights), len(hits)), np.nan)
    for draw, weight in enumerate(weights):
        total = float(weight @ positives)
        if total <= 0:
            continue
        each = weight[image]
        slack = 0.0 if (weight == np.rint(weight)).all() else 1e-9  # sums of real weights round
        for row, found in enumerate(hits):
            counted = each if ignored is None else np.where(ignored[row], 0.0, each)
            where = np.flatnonzero(found)
            right = np.cumsum(each[where])
            seen = np.maximum(np.cumsum(counted)[where], 1e-300)
            envelope = np.maximum.accumulate((right / seen)[::-1])[::-1]
            at = np.searchsorted(right / total, RECALLS - slack, side="left")
            result[draw, row] = np.append(envelope, 0.0)[at].mean()
    return result


def fast(image: Ints, hits: Flags, ignored: Flags | None, positives: Real, columns: Single) -> Samples:
    """(b, t) the same as `exact` within 1e-4 for many draws at once; `columns` (n, b) are the weights, transposed.

    Precision matters only where a box hits, so boxes between two hits are summed up first. The mean over 101 recalls
    is a sum over hits: the precision from there on, times the recalls that are reached with that hit.
    """
    if ignored is not None:
        kept = [~row for row in ignored]
        parts = [
            fast(image[some], hits[row : row + 1, some], None, positives, columns) for row, some in enumerate(kept)
        ]
        return np.concatenate(parts, 1)
    draws = columns.shape[1]
    totals = positives.astype(np.float32) @ columns
    result = np.full((draws, len(hits)), np.nan)
    where = np.flatnonzero(hits.any(0))
    if not len(where):
        result[totals > 0] = 0.0
        return result
    last = int(where[-1]) + 1
    starts = np.r_[0, where[:-1] + 1]
    step = max(1, CELLS // last)
    for low in range(0, draws, step):
        part = slice(low, min(low + step, draws))
        block = np.ascontiguousarray(columns[:, part])
        seen = _running(np.add.reduceat(block[image[:last]], starts, axis=0))
        np.maximum(seen, 1e-30, out=seen)
        mine = block[image[where]]
        total = np.maximum(totals[part], 1e-30)
        for row, found in enumerate(hits[:, where]):
            result[part, row] = _area(mine[found], seen[found], total)
    result[totals <= 0] = np.nan
    return result


def _running(values: Single) -> Single:
    return np.asarray(np.cumsum(values, axis=0, out=values))


def _area(mine: Single, seen: Single, total: Single) -> Single:
    """(b,) for the hits of one overlap: `mine` (h, b) their weights, `seen` (h, b) all boxes down to each."""
    if not len(mine):
        return np.zeros(len(total), np.float32)
    right = _running(mine)
    precision = right / seen
    np.maximum.accumulate(precision[::-1], axis=0, out=precision[::-1])
    right *= np.float32(100) / total
    right += np.float32(1 + 1e-3)
    reached = np.floor(right, out=right)
    reached[1:] -= reached[:-1].copy()
    return np.asarray(np.einsum("hb,hb->b", precision, reached) / np.float32(len(RECALLS)))


def mean_known(values: Samples) -> Samples:
    """Mean over the last axis of what is not nan; nan where all are."""
    known = np.isfinite(values)
    n = known.sum(-1)
    means = np.full(n.shape, np.nan)
    np.divide(np.where(known, values, 0.0).sum(-1), n, out=means, where=n > 0)
    return means
