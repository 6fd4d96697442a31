"""What is known of every scored image beside its score: the numbers and names that segments are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.domain.tables import PROPERTIES

Floats = NDArray[np.float64]

HOURS = 3
"""Hours of the day (UTC) that make one part of it."""

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Images, n of them: `scores` (n,) 0..1 with higher for better, `sessions` (n,) of what hangs together.

    `numbers` are properties of the picture (n,), nan where there is none; `names` are camera, part of the day, answer
    or label (n,), "" where there is none.
    """

    image_ids: tuple[str, ...]
    scores: Floats
    sessions: NDArray[np.intp]
    numbers: dict[str, Floats]
    names: dict[str, NDArray[np.str_]]

    def __len__(self) -> int:
        return len(self.scores)


def part_of_day(moment: datetime | None) -> str:
    """The part of the day (UTC) as words; "" when nobody knows.

    >>> part_of_day(datetime(2026, 11, 20, 7, 30, tzinfo=UTC)), part_of_day(None)
    ('06:00 to 09:00 UTC', '')
    """
    if moment is None:
        return ""
    first = moment.astimezone(UTC).hour // HOURS * HOURS
    return f"{first:02d}:00 to {first + HOURS:02d}:00 UTC"


def facts(
    rows: Sequence[Row], scores: Mapping[str, float], properties: pa.Table, answers: Mapping[str, str] | None = None
) -> Facts:
    """The images of `rows` (image_id, sha256, camera, session, captured_at) that have a finite score, in their order.

    `properties` has the columns of a profile, found by content hash; `answers` names what the model says, by image id.
    """
    kept = [row for row in rows if np.isfinite(scores.get(row["image_id"], np.nan))]
    place = {sha256: at for at, sha256 in enumerate(properties["sha256"].to_pylist())}
    at = np.array([place.get(row["sha256"], -1) for row in kept], np.int64)
    sessions = np.unique(np.array([str(row["session"]) for row in kept], dtype=str), return_inverse=True)[1]
    says = answers or {}
    names = {
        "camera": [str(row["camera"] or "") for row in kept],
        "hour": [part_of_day(row["captured_at"]) for row in kept],
        "answer": [says.get(row["image_id"], "") for row in kept],
    }
    return Facts(
        image_ids=tuple(row["image_id"] for row in kept),
        scores=np.array([scores[row["image_id"]] for row in kept], np.float64),
        sessions=sessions.astype(np.intp),
        numbers={name: _taken(properties[name], at) for name in PROPERTIES if name in properties.column_names},
        names={name: np.array(values, dtype=str) for name, values in names.items()},
    )


def _taken(column: pa.ChunkedArray, at: NDArray[np.int64]) -> Floats:
    values = np.append(column.cast(pa.float64()).fill_null(float("nan")).to_numpy(), np.nan)
    taken: Floats = values[at]
    return taken
