"""Where two versions answer one image differently: what a person looks at before deciding between them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

Corners = tuple[float, float, float, float]
"""x1, y1, x2, y2 in pixels of the image as it is shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Photo:
    """One labelled image by reference; `captured_at` is None in manifests that do not tell it."""

    image_id: str
    key: str
    sha256: str
    camera: str
    captured_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One thing that was said to be in an image.

    `box` is None for classify. `confidence` is 0..1; None where a person said it.
    """

    label: str
    box: Corners | None = None
    confidence: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one version said about an image, held against the truth, and its score 0..1.

    detect: what was `right` and `wrong` at the version's operating confidence, and the objects it `missed`;
    `undrawn` counts the least sure boxes that were left out. classify: the most probable class is right or wrong;
    then the true class is missed, with the probability that it was given.
    """

    score: float
    right: tuple[Mark, ...] = ()
    wrong: tuple[Mark, ...] = ()
    missed: tuple[Mark, ...] = ()
    undrawn: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One image with what people said and what both versions say."""

    photo: Photo
    truth: tuple[Mark, ...]
    champion: Answer
    challenger: Answer

    @property
    def gain(self) -> float:
        """Challenger minus champion, -1..1."""
        return self.challenger.score - self.champion.score


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """On how many labelled images the challenger scores higher, lower or alike.

    `examples` are few: the largest gains, then the largest losses.
    """

    better: int = 0
    worse: int = 0
    alike: int = 0
    examples: tuple[Example, ...] = ()

    @property
    def n(self) -> int:
        """How many images."""
        return self.better + self.worse + self.alike


def photos(table: pa.Table) -> list[Photo]:
    """One `Photo` per row of a `datasets` table, in its order."""
    wanted = ["image_id", "key", "sha256", "camera", "captured_at"]
    rows = table.select([name for name in wanted if name in table.column_names]).to_pylist()
    return [Photo(**row) for row in rows]
