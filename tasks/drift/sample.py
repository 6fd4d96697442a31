"""A sample of distinct scenes: one row per scene, with everything that two samples are compared by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tasks.domain.hours import microseconds, same_hours, whole_hours
from tasks.domain.scenes import BURST, first_shown
from tasks.domain.tables import PROFILES, PROPERTIES, REFERENCES
from tasks.domain.window import Window
from tasks.drift import looks
from tasks.drift.answers import Answers, answers
from tasks.drift.detector import FloatArray, Labels
from tasks.drift.rules import DriftRules
from tasks.drift.sessions import recorded, tiles

CLIPPED = 0.25
"""Share of black (or white) pixels from which an image is a dark (or bright) one.

The fraction itself is 0 on most images and must not be averaged; the share of such images is a rate.
"""


ANSWERED = ("model_version", "kind", "width", "height", "detections", "session")
"""What is read of an answer."""


MICROSECOND = timedelta(microseconds=1)


def _nowhere() -> NDArray[np.uint8]:
    return np.zeros((0, 0), np.uint8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Distinct scenes of a window or of a reference.

    `cameras` (n,) names the camera of each scene, `photometric` and `answers` hold columns (n,), `embedding` is
    (n, d) with d = 0 where there is none. `images` counts the images per camera before repeats were dropped, those of
    a burst once.
    `sessions` (n,) says which scenes depend on each other; None: each stands alone. `places` (n, 512) is light and
    detail in 16 x 16 places each; (0, 0) where there is none. `hours` (n,) counts whole hours (UTC) since 1970; None:
    nobody knows when.
    """

    cameras: NDArray[np.object_]
    photometric: Answers
    answers: Answers
    embedding: FloatArray
    images: dict[str, int]
    sessions: Labels | None = None
    places: NDArray[np.uint8] = field(default_factory=_nowhere)
    hours: Labels | None = None

    def __len__(self) -> int:
        return len(self.cameras)

    def scenes(self) -> dict[str, int]:
        """Distinct scenes per camera."""
        return dict(Counter(self.cameras.tolist()))

    def of(self, camera: str) -> Sample:
        """The scenes of one camera."""
        return self.take(np.flatnonzero(self.cameras == camera))

    def take(self, rows: NDArray[np.intp]) -> Sample:
        """The scenes at these places, in that order."""
        cameras = self.cameras[rows]
        return Sample(
            cameras=cameras,
            photometric=_taken(self.photometric, rows),
            answers=_taken(self.answers, rows),
            embedding=self.embedding[rows],
            images={camera: count for camera, count in self.images.items() if camera in set(cameras.tolist())},
            sessions=None if self.sessions is None else self.sessions[rows],
            places=self.places[rows] if self.places.size else self.places,
            hours=None if self.hours is None else self.hours[rows],
        )


def _taken(columns: Answers, rows: NDArray[np.intp]) -> Answers:
    return Answers(
        scalars={name: values[rows] for name, values in columns.scalars.items()},
        rates={name: values[rows] for name, values in columns.rates.items()},
        mix={name: values[rows] for name, values in columns.mix.items()},
    )


def joined(profiles: pa.Table, predictions: pa.Table) -> pa.Table:
    """A `references` table: each profile with the answer that was given about its image, in order of time.

    An image without an answer, or whose request failed, keeps nulls. The first of several answers counts.
    """
    failed = predictions["error"].is_valid().to_numpy()
    ids = predictions["image_id"].to_pylist()
    place = {image_id: row for row, image_id in reversed(list(enumerate(ids))) if not failed[row]}
    rows = pa.array([place.get(image_id) for image_id in profiles["image_id"].to_pylist()], pa.int64())
    beside = predictions.select(list(ANSWERED)).combine_chunks().take(rows)
    table = profiles.select(PROFILES.names)
    for name in ANSWERED:
        table = table.append_column(REFERENCES.field(name), beside[name].cast(REFERENCES.field(name).type))
    return table.sort_by([("captured_at", "ascending"), ("image_id", "ascending")])


def main_version(table: pa.Table) -> str:
    """The model version that answered most images of a `references` table; `""` when none did."""
    counts = Counter(version for version in table["model_version"].to_pylist() if version is not None)
    return min(counts, key=lambda version: (-counts[version], version)) if counts else ""


def sample(
    table: pa.Table, classes: Sequence[str], version: str, rules: DriftRules, window: Window | None = None
) -> Sample:
    """The distinct scenes of a `references` table; answers of other versions than `version` are left out.

    With a window, those that it is to be held against: of its own hours of the day, where a camera has enough of them.
    """
    table = table.sort_by([("captured_at", "ascending"), ("image_id", "ascending")])
    if window is not None:
        table = same_hours(table, window, rules.hours_around, rules.duplicate_bits, rules.min_scenes)
    cameras = table["camera"].to_pylist()
    first = first_shown(cameras, table["dhash"].to_pylist(), rules.duplicate_bits)
    new = first == np.arange(len(first))
    scenes = table.filter(pa.array(new))
    return Sample(
        cameras=np.asarray(scenes["camera"].to_pylist(), dtype=object),
        photometric=Answers(
            scalars={name: _column(scenes, name) for name in PROPERTIES} | looks.related(scenes),
            rates={f"{side}_images": _clipped(_column(scenes, f"{side}_fraction")) for side in ("dark", "bright")},
        ),
        answers=answers(scenes, classes, rules.confidence, version),
        embedding=_matrix(scenes["embedding"].combine_chunks()),
        images=dict(Counter(np.asarray(cameras, dtype=object)[new | _later(table, first)].tolist())),
        sessions=tiles(scenes, rules.session_minutes) if rules.session_minutes else recorded(scenes),
        places=looks.placed(scenes),
        hours=whole_hours(scenes),
    )


def _later(table: pa.Table, first: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Which images show a scene that was first shown more than a burst before, (n,)."""
    moments = microseconds(table)
    return np.asarray(moments - moments[first] > BURST / MICROSECOND, np.bool_)


def _column(table: pa.Table, name: str) -> FloatArray:
    values: FloatArray = table[name].cast(pa.float64()).fill_null(float("nan")).to_numpy()
    return values


def _clipped(fraction: FloatArray) -> FloatArray:
    return np.where(np.isfinite(fraction), (fraction > CLIPPED).astype(np.float64), np.nan)


def _matrix(vectors: pa.ListArray) -> FloatArray:
    """(n, d); a vector of another length than most becomes a row of nan."""
    lengths = pc.list_value_length(vectors).to_numpy(zero_copy_only=False)
    width = Counter(lengths.tolist()).most_common(1)[0][0] if len(lengths) else 0
    fitting = np.flatnonzero(lengths == width)
    rows = np.full((len(lengths), width), np.nan)
    rows[fitting] = pc.list_flatten(vectors.take(pa.array(fitting))).to_numpy().reshape(len(fitting), width)
    return rows
