"""What is known of every scored image beside its score: the numbers and names that segments are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.domain.tables import PROPERTIES

Floats = NDArray[np.float64]

HOURS = 3
"""Hours of the day (UTC) that make one part of it."""

Row = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)  # without slots: `alike` is computed once
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

    @cached_property
    def alike(self) -> float:
        """How alike the scores of one session are: the correlation of two of its images, 0..1 (analysis of variance).

        Source: Donner, A review of inference procedures for the intraclass correlation coefficient, Int. Stat. Rev. 54
        (1986).
        """
        sizes = np.bincount(self.sessions).astype(np.float64)
        sizes = sizes[sizes > 0]
        total, count = float(sizes.sum()), len(sizes)
        if total <= count or count < 2:
            return 0.0
        sums = np.bincount(self.sessions, weights=self.scores)
        means = sums[np.bincount(self.sessions) > 0] / sizes
        between = float((sizes * (means - self.scores.mean()) ** 2).sum()) / (count - 1)
        within = float(((self.scores - (sums / np.maximum(np.bincount(self.sessions), 1))[self.sessions]) ** 2).sum())
        within /= total - count
        usual = (total - float((sizes**2).sum()) / total) / (count - 1)
        whole = between + (usual - 1) * within
        return float(np.clip((between - within) / whole, 0.0, 1.0)) if whole > 0 else 1.0


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
