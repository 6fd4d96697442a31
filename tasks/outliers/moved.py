"""Whether the objects of a camera are elsewhere than they were: by permutation of bursts, in words that point."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from tasks.domain.confirmation import doubted
from tasks.domain.finding import Finding, Outcome
from tasks.domain.subjects import OBJECT_POSITION
from tasks.outliers.places import SIDE, Floats, Places
from tasks.outliers.rules import OutlierRules

CHECK = "places"
LIMIT = 0.1
"""Share of the objects that must be elsewhere, beyond what chance moves: the gap that a shift by .25 sd opens."""

LEAST = 25
"""Bursts with objects, in reference and window each, below which a camera is not judged."""

WIDTH = 1.5
"""Cells within which two places are about the same: a map of few objects is full of holes."""

EXTREME = 25
ROUND = 500
MOST = 20_000
"""Permutations are made by rounds, until so many came as far as the real split, or until there were enough."""

SHIFT = 0.04
"""Share of the picture's width or height by which the middle of all objects must move to be called a direction."""

REGIONS = (
    ("the upper left", "the top", "the upper right"),
    ("the left", "the middle", "the right"),
    ("the lower left", "the bottom", "the lower right"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """Two maps compared: `gap` is the share of objects elsewhere beyond chance, 0..1; `p_value` is never 0."""

    gap: float
    p_value: float


def place_findings(
    before: Mapping[str, Places], after: Mapping[str, Places], rules: OutlierRules, month: float = 1.0
) -> tuple[Finding, ...]:
    """One finding for each camera with at least 25 bursts with objects on both sides; no other is asked.

    `alpha` is divided among the cameras that are judged. What is not sure at the window's part of a month's false
    alarms (`month`, 0..1) waits for a second witness.
    """
    judged = [camera for camera in sorted(after) if min(_size(before, camera), _size(after, camera)) >= LEAST]
    level = rules.alpha / max(len(judged), 1)
    return tuple(_finding(camera, before[camera], after[camera], level, month) for camera in judged)


def contrast(before: Places, after: Places, level: float, seed: int = 0) -> Contrast:
    """How far two sets of bursts are apart, against random splits of all of them.

    The statistic is the squared maximum mean discrepancy of the maps under a Gaussian kernel between cells; p stops
    early when it is plainly above `level`. Sources: Gretton et al., A kernel two-sample test, JMLR 13 (2012); Besag and
    Clifford, Sequential Monte Carlo p-values, Biometrika 78 (1991).
    """
    grids = np.concatenate([before.grids, after.grids])
    real = (np.arange(len(grids)) < len(before))[None, :]
    observed, gap = _statistics(grids, real)
    rng = np.random.default_rng(seed)
    enough = min(max(ROUND, math.ceil(2 / level)), MOST)
    reached = done = 0
    chance = 0.0
    while done < enough and reached < EXTREME:
        member = rng.permuted(np.repeat(real, ROUND, axis=0), axis=1)
        far, gaps = _statistics(grids, member)
        chance = chance or float(gaps.mean())
        reached += int((far >= observed[0] - 1e-12).sum())
        done += ROUND
    return Contrast(gap=max(0.0, float(gap[0]) - chance), p_value=(1 + reached) / (1 + done))


def _statistics(grids: Floats, member: np.ndarray[tuple[int, int], np.dtype[np.bool_]]) -> tuple[Floats, Floats]:
    """Smoothed squared distance, and total variation, of the two mean maps for every row of memberships.

    All rows have as many members, at least one and not all.
    """
    size = int(member[0].sum())
    apart = np.where(member, 1 / size, -1 / (len(grids) - size)) @ grids
    return np.einsum("ij,ij->i", apart @ _KERNEL, apart), np.abs(apart).sum(axis=1) / 2


def _kernel() -> Floats:
    cells = np.stack(np.divmod(np.arange(SIDE * SIDE), SIDE), axis=1).astype(np.float64)
    square = ((cells[:, None] - cells[None]) ** 2).sum(axis=2)
    kernel: Floats = np.exp(-square / (2 * WIDTH**2))
    return kernel


_KERNEL = _kernel()


def _size(found: Mapping[str, Places], camera: str) -> int:
    return len(found[camera]) if camera in found else 0


def _finding(camera: str, before: Places, after: Places, level: float, month: float) -> Finding:
    result = contrast(before, after, level * month)
    breach = result.p_value <= level and result.gap >= LIMIT
    found = Finding(
        check=CHECK,
        subject=OBJECT_POSITION,
        slice=f"camera={camera}",
        outcome=Outcome.BREACH if breach else Outcome.OK,
        value=result.gap,
        limit=LIMIT,
        unit="share of objects",
        n=len(after),
        effect=_as_shift(result.gap),
        note=f"{direction(before, after) if breach else 'is as it was'}; p = {result.p_value:.2g}",
    )
    return doubted(found) if breach and result.p_value > level * month else found


def _as_shift(gap: float) -> float:
    """The shift of a normal distribution, in standard deviations, that moves this share of it elsewhere."""
    return float(2 * ndtri(min((1 + gap) / 2, 1 - 1e-9)))


def direction(before: Places, after: Places) -> str:
    """Where the objects went, for a person: "moved to the lower left", or what each part of the picture gained."""
    x, y = (after.centres.mean(axis=0) - before.centres.mean(axis=0)).tolist()
    far = max(abs(x), abs(y))
    if far < SHIFT:
        return _exchange(after.heat() - before.heat())
    column = 1 + int(math.copysign(1, x)) * (abs(x) >= far / 2.5)
    row = 1 + int(math.copysign(1, y)) * (abs(y) >= far / 2.5)
    axes = ((x, "width"), (y, "height"))
    steps = [f"{100 * abs(share):.0f} % of the {name}" for share, name in axes if abs(share) >= far / 2.5]
    return f"moved to {REGIONS[row][column]} (by {' and '.join(steps)})"


def _exchange(gain: Floats) -> str:
    """The part of the picture with the largest gain, and the one with the largest loss."""
    edges = (slice(0, 3), slice(3, 5), slice(5, 8))
    map_ = gain.reshape(SIDE, SIDE)
    parts = {REGIONS[i][j]: float(map_[a, b].sum()) for i, a in enumerate(edges) for j, b in enumerate(edges)}
    most, least = max(parts, key=parts.__getitem__), min(parts, key=parts.__getitem__)
    return f"shows more at {most} ({100 * parts[most]:+.0f} %) and less at {least} ({100 * parts[least]:+.0f} %)"
