"""The images of a scored set: where and when each was taken, and how much it counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from tasks.domain.scoring.truth import Truth

Real = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Images:
    """n images in a fixed order; `chances` (n,) is the probability 0..1 of having been chosen, nan where unknown."""

    image_ids: tuple[str, ...]
    sessions: tuple[str, ...]
    cameras: tuple[str, ...]
    captured_at: tuple[datetime | None, ...]
    chances: Real

    @classmethod
    def of(cls, truths: Sequence[Truth]) -> Images:
        """What the labels say of their images."""
        return cls(
            image_ids=tuple(each.image_id for each in truths),
            sessions=tuple(each.session for each in truths),
            cameras=tuple(each.camera for each in truths),
            captured_at=tuple(each.captured_at for each in truths),
            chances=np.array([np.nan if each.chance is None else each.chance for each in truths], np.float64),
        )

    def __len__(self) -> int:
        return len(self.image_ids)

    @property
    def drawn(self) -> bool:
        """True when every image's chance is known and they differ: only then weighing means anything."""
        known = self.chances[np.isfinite(self.chances) & (self.chances > 0)]
        return len(self) > 0 and len(known) == len(self) and bool(np.ptp(known) > 0)

    @property
    def weights(self) -> Real:
        """(n,) how much each image counts: 1 / chance for a drawn set, else 1.

        Where the chance of a single image is unknown the set is no probability sample, and all count alike.

        Source: Horvitz and Thompson, A generalization of sampling without replacement (1952).
        """
        return 1 / self.chances if self.drawn else np.ones(len(self))

    def drawn_weights(self, weights: NDArray[np.integer] | NDArray[np.floating] | None) -> Real:
        """(b, n) weights of images in draws (b, n) of them; None is the one draw of every image once."""
        return self.weights[None] if weights is None else np.asarray(weights * self.weights, np.float64)
