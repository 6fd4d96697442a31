"""The images of a window that an audit speaks for, which of them have a label, and what is seen of the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Rows = NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sheet:
    """All images of a window, row by row, and which rows (n,) were labelled.

    `chances` (n,) are those that the labelled images had to be asked for once they were here, `weights` (N,) one over
    the chance of each image to be here at all; empty: all alike. Frames of one `session` are not independent; empty:
    every image is one of its own. `strata` are told apart; empty: there is one.
    """

    size: int
    labelled: Rows
    chances: Numbers = field(default_factory=lambda: np.zeros(0))
    weights: Numbers = field(default_factory=lambda: np.zeros(0))
    strata: Sequence[str] = ()
    sessions: Sequence[str] = ()

    @property
    def n(self) -> int:
        """How many images are labelled."""
        return len(self.labelled)

    def weight(self) -> Numbers:
        """(N,) how much each image counts among all."""
        return np.asarray(self.weights if len(self.weights) else np.ones(self.size), np.float64)

    def label_weight(self) -> Numbers:
        """(n,) how much each labelled image counts among the labelled, 1 on average."""
        asked = self.chances if len(self.chances) else np.ones(self.n)
        found = self.weight()[self.labelled] / asked
        return np.asarray(found / found.mean() if self.n else found, np.float64)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Seen:
    """What is seen of some images without a label: `rows` (m,) of the sheet drawn by chance, the labelled ones among
    them, and `values` (m, p), p things about each.

    `weights` (m,) are one over the chance of each to be seen like this; empty: whoever is on the sheet is seen.
    """

    rows: Rows
    values: Numbers
    weights: Numbers = field(default_factory=lambda: np.zeros(0))

    def weight(self, sheet: Sheet) -> Numbers:
        """(m,) how much each of them counts among all."""
        return self.weights if len(self.weights) else sheet.weight()[self.rows]
