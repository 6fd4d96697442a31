"""Which scenes depend on each other: those of one session, as production records it, or of one tile of time.

Frames of a burst, of one part or of one shift are alike for reasons that have nothing to do with drift. Dealt out one
by one they make every window look different; dealt out as whole sessions they do not. Source: Winkler et al.,
Multi-level block permutation, NeuroImage 123 (2015).

Not every session is one: a name for an hour of a belt on which each part lies as it likes says nothing of dependence.
So recorded sessions count where scenes of one are more alike in the reference than those of different ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.special import fdtrc
from scipy.stats import rankdata

from tasks.domain.hours import microseconds
from tasks.drift.detector import FloatArray, Labels

ALONE = 0.9
"""Sessions per scene from which scenes stand alone: fewer than one in ten shares its session with another one."""
CHANCE = 0.01
"""With which scenes that do not depend on each other are taken to."""
EXACT = 1e-9
"""Part of the differences that is rounding: all scenes of a session may be the same one."""
_OWN = re.compile(r"@\d{8}T\d{6}\.\d{6}Z$")
"""How sessions end that ingestion names where production records none: frames of one moment, mostly one scene."""


def tiles(table: pa.Table, minutes: int) -> Labels:
    """The same number for scenes of one camera in the same tile of so many minutes, (n,)."""
    places = microseconds(table) // (minutes * 60_000_000)
    return _numbered([f"{tile} {camera}" for tile, camera in zip(places.tolist(), _cameras(table), strict=True)])


def recorded(table: pa.Table) -> Labels | None:
    """The same number for scenes of one camera that production recorded as one session, (n,); the others stand alone.

    None where no session is recorded, as in references that an older version pinned.
    """
    if "session" not in table.column_names:
        return None
    given = [name if name and not _OWN.search(name) else "" for name in table["session"].to_pylist()]
    if not any(given):
        return None
    pairs = enumerate(zip(given, _cameras(table), strict=True))
    return _numbered([f"{name} {camera}" if name else f"\0{row}" for row, (name, camera) in pairs])


def blocks(reference: Labels | None, current: Labels | None, size: int) -> tuple[Labels | None, Labels | None]:
    """The sessions by which two samples are dealt out: both, or none where the window has none or all stand alone.

    A reference of `size` scenes that knows no sessions is taken to hold scenes that stand alone.
    """
    if current is None or (alone(current) and (reference is None or alone(reference))):
        return None, None
    return np.arange(size) if reference is None else reference, current


def alone(sessions: Labels) -> bool:
    """Whether nearly every scene is the only one of its session."""
    return len(np.unique(sessions)) > ALONE * len(sessions)


def alike(columns: Iterable[FloatArray], cameras: NDArray[np.object_], sessions: Labels) -> bool:
    """Whether scenes of one session are more alike than those of different ones of their camera, in any column (n,).

    Analysis of variance of the ranks within each camera, the chance shared among the columns (Bonferroni). Columns
    with a nan somewhere, or without two different values, say nothing.

    Source: Conover & Iman, Rank transformations as a bridge, The American Statistician 35 (1981).
    """
    found = [_between(values, cameras, sessions) for values in columns if np.isfinite(values).all()]
    return bool(found) and min(found) * len(found) < CHANCE


def _between(values: FloatArray, cameras: NDArray[np.object_], sessions: Labels) -> float:
    """The chance of sessions that differ so much; 1 where nothing can be told."""
    ranks = np.zeros(len(values))
    for camera in set(cameras.tolist()):
        rows = cameras == camera
        ranks[rows] = rankdata(values[rows]) - (rows.sum() + 1) / 2
    sizes = np.bincount(sessions)
    sizes, sums = sizes[sizes > 0], np.bincount(sessions, weights=ranks)[sizes > 0]
    between, whole = float((sums**2 / sizes).sum()), float((ranks**2).sum())
    groups, rest = len(sizes) - len(set(cameras.tolist())), len(values) - len(sizes)
    if groups < 1 or rest < 1 or whole <= 0:
        return 1.0
    within = max(whole - between, EXACT * whole)
    return float(fdtrc(groups, rest, (between / groups) / (within / rest)))


def _cameras(table: pa.Table) -> list[str]:
    names: list[str] = table["camera"].to_pylist()
    return names


def _numbered(names: list[str]) -> Labels:
    return np.unique(np.asarray(names), return_inverse=True)[1].astype(np.intp)
