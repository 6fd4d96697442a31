"""Which scenes depend on each other: those of one session, as production records it, or of one tile of time.

Frames of a burst, of one part or of one shift are alike for reasons that have nothing to do with drift. Dealt out one
by one they make every window look different; dealt out as whole sessions they do not. Source: Winkler et al.,
Multi-level block permutation, NeuroImage 123 (2015).
"""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa

from tasks.domain.hours import microseconds
from tasks.drift.detector import Labels

ALONE = 0.9
"""Sessions per scene from which scenes stand alone: fewer than one in ten shares its session with another one."""
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


def _cameras(table: pa.Table) -> list[str]:
    names: list[str] = table["camera"].to_pylist()
    return names


def _numbered(names: list[str]) -> Labels:
    return np.unique(np.asarray(names), return_inverse=True)[1].astype(np.intp)
