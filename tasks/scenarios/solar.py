"""`solar`: two stations photograph solar cells; monocrystalline ones at first, then polycrystalline ones arrive.

Real photographs (ELPV). The champion has only met monocrystalline cells. On the way one lens goes out of focus,
which must not be taken for a change of the product.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

import cv2
import numpy as np

from tasks.domain.model import Kind
from tasks.domain.window import Window
from tasks.scenarios.script import Shot, Truth, chapters_of, spread
from tasks.scenarios.solar_cells import LABELS, CellRecord, list_cells

CAMERAS = ("line-a", "line-b")
BLURRED_CAMERA = "line-b"
BLUR_SIGMA = 3.0
"""Pixels; a lens that was touched and not refocused."""

CELLS_PER_SESSION = 24
"""Neighbours in the data set come from the same module: they go to the same side of every split."""

GOLDEN = 230
TRAINING = 520
SHOTS = {"accepted": 76, "healthy": 76, "camera": 70, "changed": 330, "after": 160}
DAYS = {"accepted": 2, "healthy": 1, "camera": 1, "changed": 2, "after": 2}
TITLES = {
    "accepted": "Two quiet days: people accept them as healthy",
    "healthy": "A quiet day",
    "camera": f"The lens of {BLURRED_CAMERA} loses its focus",
    "changed": "Polycrystalline cells arrive: a new product",
    "after": "The new champion at work",
}

_AUGMENT = {
    "fliplr": 0.5,
    "flipud": 0.5,
    "auto_augment": "none",
    "erasing": 0.0,
    "hsv_h": 0.0,
    "hsv_s": 0.0,
    "hsv_v": 0.2,
}
"""A cell has no up or left; its shade of grey carries meaning, its colour does not exist."""

FIRST: Mapping[str, Any] = {
    "base": "yolo11n-cls.yaml",
    "kind": "classify",
    "classes": list(LABELS),
    "imgsz": 96,
    "epochs": 30,
    "batch": 32,
    "lr0": 0.002,
    "hyper": {**_AUGMENT, "optimizer": "AdamW", "warmup_epochs": 2, "cos_lr": True, "scale": 0.2},
}
GOLDEN_MARGIN, CLASS_MARGIN = 0.05, 0.1
"""What 230 golden cells can decide: with so few, an interval of a difference is about 3 points wide on each side."""

_CURATE: Mapping[str, Any] = {"recent_windows": 2, "holdout_share": 0.4, "val_share": 0.15}
_GATES: Mapping[str, Any] = {"golden_margin": GOLDEN_MARGIN, "class_margin": CLASS_MARGIN, "min_recent": 100}
PARAMETERS: Mapping[str, Mapping[str, Any]] = {
    "monitor/default": {"ingest": {"window_minutes": 1440}},
    "evaluate/default": {"curate": _CURATE, "estimate": {"calibrated_on": 50}},
    "retrain/default": {"curate": _CURATE, "rules": {**FIRST, "epochs": 12, "lr0": 0.001, "cooldown_hours": 0}},
    "shadow/default": {"curate": _CURATE, "rules": _GATES},
}
"""Daily windows, small pictures, a training that two cores finish in two minutes."""


def session_of(cell: CellRecord) -> str:
    """Cells of one module belong together."""
    return f"module-{cell.index // CELLS_PER_SESSION:03d}"


class Solar:
    """The scenario, laid out so that its last day is yesterday."""

    name = "solar"
    kind = Kind.CLASSIFY
    classes: tuple[str, ...] = LABELS
    imgsz = 96
    first: Mapping[str, Any] = FIRST
    parameters: Mapping[str, Mapping[str, Any]] = PARAMETERS

    def __init__(self, now: datetime) -> None:
        self.chapters = chapters_of(DAYS, TITLES, now)
        self._golden, self._training, mono, poly = _deal(list_cells())
        self._cells: dict[Window, list[CellRecord]] = {}
        for chapter in self.chapters:
            source = mono if chapter.key in ("accepted", "healthy", "camera") else poly
            for window in chapter.windows:
                self._cells[window] = [source.pop() for _ in range(min(SHOTS[chapter.key], len(source)))]
        self._start = self.chapters[0].windows[0]

    def commissioning(self) -> Iterator[Shot]:
        """Labelled monocrystalline cells of the day before the first window, golden ones among them."""
        day = self._start.previous()
        golden = {cell.index for cell in self._golden}
        cells = [*self._golden, *self._training]
        for cell, moment in zip(cells, spread(day, len(cells)), strict=True):
            yield self._shot(cell, moment, golden=cell.index in golden)

    def shots(self, window: Window) -> Iterator[Shot]:
        """The cells of the window's day, evenly over working hours, alternating between the stations."""
        cells = self._cells[window]
        blurred = window in next(c.windows for c in self.chapters if c.key == "camera")
        for cell, moment in zip(cells, spread(window, len(cells)), strict=True):
            yield self._shot(cell, moment, blurred=blurred)

    def _shot(self, cell: CellRecord, moment: datetime, golden: bool = False, blurred: bool = False) -> Shot:
        camera = CAMERAS[cell.index % len(CAMERAS)]
        encoded = cell.path.read_bytes()
        label = cell.label
        return Shot(
            image_id=f"cell-{cell.index:04d}",
            camera=camera,
            session=session_of(cell),
            captured_at=moment,
            encoded=_defocused(encoded) if blurred and camera == BLURRED_CAMERA else encoded,
            suffix="png",
            truths=None if label is None else (Truth(class_id=LABELS.index(label)),),
            golden=golden,
        )


def _deal(cells: Iterable[CellRecord]) -> tuple[list[CellRecord], list[CellRecord], list[CellRecord], list[CellRecord]]:
    """(golden, training, monocrystalline stream, polycrystalline stream); no cell twice, golden modules apart."""
    draw = random.Random(20)  # noqa: S311 - a fixed shuffle, nothing secret
    mono: list[CellRecord] = []
    poly: list[CellRecord] = []
    for cell in cells:
        (mono if cell.type == "mono" else poly).append(cell)
    draw.shuffle(poly)
    sessions = sorted({session_of(cell) for cell in mono})
    draw.shuffle(sessions)
    golden: list[CellRecord] = []
    while len(golden) < GOLDEN:
        apart = sessions.pop()
        golden += [cell for cell in mono if session_of(cell) == apart and cell.label]
    rest = [cell for cell in mono if session_of(cell) in set(sessions)]
    draw.shuffle(rest)
    training = [cell for cell in rest if cell.label][:TRAINING]
    taken = {cell.index for cell in (*training, *golden)}
    stream = [cell for cell in mono if cell.index not in taken]
    draw.shuffle(stream)  # every day the same mixture of certain and uncertain cells
    return golden, training, stream, poly


def _defocused(encoded: bytes) -> bytes:
    image = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_GRAYSCALE)
    blurred = cv2.GaussianBlur(np.asarray(image), (0, 0), BLUR_SIGMA)
    return bytes(cv2.imencode(".png", blurred)[1].tobytes())
