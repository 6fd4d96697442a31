"""Vectors made ready for a test: one half of the reference fits the view, the other half is tested in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.drift.detector import FloatArray, Labels, Sessions
from tasks.drift.permutation import Split, kept, split_of

COMPONENTS = 32
MOST = 500
"""Images of either sample that take part."""
SEED = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Points:
    """The images that are tested, (total, <= 32): the first `size` are the reference's; how they may be dealt out."""

    rows: FloatArray
    size: int
    split: Split


def points(reference: FloatArray, current: FloatArray, sessions: Sessions | None = None) -> Points:
    """Both samples, (m, d) and (n, d), scaled and turned by one half of the reference; the other half is tested.

    A projection flatters the images it was fitted on. Halves are whole sessions, chosen by a fixed draw. The order
    of the images is of no importance.
    """
    known = canonical(reference, sessions.reference if sessions else None)
    seen = canonical(current, sessions.current if sessions else None)
    (fitted, _), held_out = halves(*known)
    (before, first), (after, second) = (_thinned(*side) for side in (held_out, seen))
    used = Sessions(reference=first, current=second) if sessions else None
    rows = np.vstack([projected(fitted, before), projected(fitted, after)])
    return Points(rows=rows, size=len(before), split=split_of(len(before), len(after), used))


Side = tuple[FloatArray, Labels]
"""Rows and the session of each."""


def halves(sample: FloatArray, owner: Labels) -> tuple[Side, Side]:
    """Two halves of a sample with no session in both."""
    names = np.random.default_rng(SEED).permutation(np.unique(owner))
    first = np.isin(owner, names[: len(names) // 2])
    return (sample[first], owner[first]), (sample[~first], owner[~first])


def projected(fitted: FloatArray, sample: FloatArray) -> FloatArray:
    """Standardised by `fitted` and turned onto its leading principal components, (n, d) -> (n, <= 32).

    A dimension that is constant in `fitted` is only centred, so that a value there is not blown up.
    """
    centre, scale = fitted.mean(axis=0), fitted.std(axis=0)
    scale = np.where(scale > 1e-9 * (1 + np.abs(centre)), scale, 1.0)
    axes = np.linalg.svd((fitted - centre) / scale, full_matrices=False)[2]
    turned: FloatArray = ((sample - centre) / scale) @ axes[:COMPONENTS].T
    return turned


def squared_distances(rows: FloatArray) -> FloatArray:
    """Of every row to every row, (n, d) -> (n, n)."""
    squares = (rows**2).sum(axis=1)
    distances: FloatArray = np.maximum(squares[:, None] + squares[None, :] - 2 * rows @ rows.T, 0)
    return distances


def discrepancies(gram: FloatArray, member: NDArray[np.bool_]) -> FloatArray:
    """Unbiased squared discrepancy of two groups for every row of memberships, (p, n) -> (p,).

    `gram` (n, n) has a zero diagonal. Both groups of every row hold at least two images.
    """
    inside = member.T.astype(np.float64)
    weight = gram @ inside
    first = (inside * weight).sum(axis=0)
    across = weight.sum(axis=0) - first
    second = gram.sum() - first - 2 * across
    size = inside.sum(axis=0)
    rest = len(gram) - size
    statistics: FloatArray = first / (size * (size - 1)) + second / (rest * (rest - 1)) - 2 * across / (size * rest)
    return statistics


def first_of(found: Points) -> NDArray[np.bool_]:
    """The real split as one row of memberships, (1, total)."""
    return (np.arange(len(found.rows)) < found.size)[None, :]


def canonical(sample: FloatArray, labels: Labels | None) -> Side:
    """The rows in an order of their own, with their sessions; without labels every row is a session."""
    sums = sample.sum(axis=1)
    order = np.argsort(sums, kind="stable") if labels is None else np.lexsort((labels, sums))
    ties = np.flatnonzero(np.diff(sums[order]) == 0)
    if (sample[order[ties]] != sample[order[ties + 1]]).any():  # rare: other rows with the same sum
        order = np.lexsort(sample.T[::-1] if labels is None else [*sample.T[::-1], labels])
    return sample[order], np.arange(len(order)) if labels is None else labels[order]


def _thinned(sample: FloatArray, owner: Labels) -> Side:
    rows = kept(owner, MOST, SEED)
    return sample[rows], owner[rows]
