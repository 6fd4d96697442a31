"""Records refused because the time they claim cannot be true: told camera by camera, for a camera has a clock.

Of the whole window they would be one share of refused rows that accuses nobody. Where the camera stage finds that
camera's clock wrong, they are the clock's, and no fault of the data (`tasks.domain.broken`).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.domain.finding import ALL, Finding, Outcome
from tasks.domain.subjects import UNTIMELY
from tasks.quality.frames import OBJECTS, refused_beside, refused_claim

COLUMNS = ("camera", "verdict", "reason", "note", "claimed", "landed")
"""What is read of a catalog."""
LEAST = 5
"""Refused records of one camera from which they are its own matter; fewer count with those of the other cameras."""


def untimely(catalog: Iterable[pa.RecordBatch], limit: float) -> tuple[Finding, ...]:
    """One finding for each camera with such records, and one for those of all cameras that have only a few."""
    of, counts = _leads(catalog)
    own = {camera: leads for camera, leads in of.items() if len(leads) >= LEAST}
    found = [_finding(f"camera={camera}", leads, counts[camera], limit) for camera, leads in sorted(own.items())]
    rest = [lead for camera, leads in of.items() if camera not in own for lead in leads]
    return (*found, *([_finding(ALL, rest, sum(counts.values()), limit)] if rest else []))


def _leads(catalog: Iterable[pa.RecordBatch]) -> tuple[dict[str, list[float]], Counter[str]]:
    """Minutes by which the claims of each camera lie after the landing (nan: nobody knows), and all rows of each."""
    leads: defaultdict[str, list[float]] = defaultdict(list)
    counts: Counter[str] = Counter()
    for piece in catalog:
        lone = pc.and_(refused_beside(piece), pc.is_valid(piece["claimed"]))
        refused = pc.or_(refused_claim(piece), lone)
        counts.update(piece.filter(pc.or_(pc.equal(piece["verdict"], "accepted"), lone))["camera"].to_pylist())
        for row in piece.filter(refused).select(["camera", "claimed", "landed"]).to_pylist():
            known = row["landed"] is not None
            leads[row["camera"]].append((row["claimed"] - row["landed"]).total_seconds() / 60 if known else np.nan)
    return dict(leads), counts


def _finding(where: str, leads: list[float], rows: int, limit: float) -> Finding:
    share, middle = len(leads) / max(rows, 1), float(np.nanmedian([0.0] if np.isnan(leads).all() else leads))
    apart = f"{abs(middle):.0f} minutes {'after' if middle > 0 else 'before'} they landed"
    return Finding(
        check=UNTIMELY,
        subject=f"{OBJECTS}.claimed",
        slice=where,
        outcome=Outcome.BREACH if share > limit else Outcome.OK,
        value=round(share, 4),
        limit=limit,
        unit="share",
        n=rows,
        note=f"{len(leads)} of {rows} records were refused: they claim times that cannot be true ({apart})",
    )
