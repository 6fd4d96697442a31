"""Real photographs of solar cells, each with what experts thought of it: the world of the `solar` demonstration.

A solar module glows faintly in the infrared when current is driven through it; cracks and dead areas stay dark.
The ELPV data set holds 2,624 such pictures of single cells, cut out of 44 modules, of two kinds. A *monocrystalline*
cell (``mono``) is an even grey; a *polycrystalline* one (``poly``) is speckled with crystal grains, which look like
defects to a model that has never met them. A line that starts to make the other kind is therefore a true drift.

Experts gave each cell a probability of being defective: 0, 1/3, 2/3 or 1. Only the ends are labels here. The cells
in between reach the model like any others, and nobody has the right to say what the answer was.

The pictures are not part of Evergreen: they come from the package ``elpv-dataset``, under CC BY-NC-SA 4.0 (no
commercial use). ``pip install evergreen[solar]`` brings them.

Source: Deitsch et al., "Segmentation of photovoltaic module cells in uncalibrated electroluminescence images",
Machine Vision and Applications 32 (2021); Buerhop-Lutz et al., EU PVSEC 2018.
"""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final, Literal, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.domain.errors import ConfigError

CellType = Literal["mono", "poly"]
CellLabel = Literal["functional", "defective"]

LABELS: Final[tuple[CellLabel, ...]] = ("defective", "functional")
"""The classes in the order a YOLO classifier gives them: alphabetical, as its training folders are."""

_PACKAGE: Final = "elpv_dataset"
_CERTAIN: Final[dict[float, CellLabel]] = {0.0: "functional", 1.0: "defective"}


class NoCellsError(ConfigError):
    """The package with the photographs is not installed, or it does not hold what it should."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CellRecord:
    """What is known of one cell before its picture is read; cheap, so that a split can be drawn from all of them.

    `index` counts from 0 in the order of the data set, where the cells of one module are neighbours.
    `probability` is the experts' view that the cell is defective: 0, 1/3, 2/3 or 1.
    """

    index: int
    path: Path
    probability: float
    type: CellType

    @property
    def label(self) -> CellLabel | None:
        """The class on which the experts were certain, or None where they were not.

        >>> CellRecord(index=0, path=Path("a.png"), probability=1.0, type="mono").label
        'defective'
        >>> CellRecord(index=0, path=Path("a.png"), probability=1 / 3, type="mono").label is None
        True
        """
        return _CERTAIN.get(self.probability)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cell:
    """One photographed cell: `image` is (300, 300, 3) uint8 BGR, its three planes alike since the camera sees grey."""

    record: CellRecord
    image: NDArray[np.uint8]

    @property
    def index(self) -> int:
        """The place of the cell in the data set, from 0."""
        return self.record.index

    @property
    def probability(self) -> float:
        """The experts' view that the cell is defective: 0, 1/3, 2/3 or 1."""
        return self.record.probability

    @property
    def type(self) -> CellType:
        """``mono`` (even grey) or ``poly`` (speckled with grains)."""
        return self.record.type

    @property
    def label(self) -> CellLabel | None:
        """``functional``, ``defective``, or None where the experts were not certain."""
        return self.record.label


def list_cells() -> tuple[CellRecord, ...]:
    """All 2,624 records in the order of the data set, without reading a picture (about 20 ms).

    Raises:
        NoCellsError: the package is not installed (the message says what to install) or its table is unreadable.
    """
    folder = _data_folder()
    table = folder / "labels.csv"
    if not table.is_file():
        raise NoCellsError(f"{table} is not there: reinstall with `pip install --force-reinstall elpv-dataset`")
    with table.open(encoding="utf-8", newline="") as lines:
        rows = csv.reader(lines, delimiter=" ", skipinitialspace=True)
        return tuple(_record(index, row, folder) for index, row in enumerate(rows))


def read_cells(records: Iterable[CellRecord]) -> Iterator[Cell]:
    """The cells of `records` with their pictures, in the same order, one at a time (about 1 ms and 270 kB each).

    Raises:
        NoCellsError: a picture is not there or cannot be decoded.
    """
    for record in records:
        image = cv2.imread(str(record.path), cv2.IMREAD_COLOR)
        if image is None:
            raise NoCellsError(f"{record.path} is not a readable picture: reinstall elpv-dataset")
        yield Cell(record=record, image=image.astype(np.uint8, copy=False))


def _data_folder() -> Path:
    """Where the installed package keeps its data; found without importing it, since importing needs nothing of it."""
    found = find_spec(_PACKAGE)
    if found is None or found.origin is None:
        raise NoCellsError(
            "the photographs of solar cells are not installed: `pip install evergreen[solar]` "
            "(package elpv-dataset, 92 MB; data under CC BY-NC-SA 4.0, not for commercial use)"
        )
    return Path(found.origin).parent / "data"


def _record(index: int, row: list[str], folder: Path) -> CellRecord:
    """One line of the table, ``images/cell0001.png 1.0 mono``, as a record."""
    values = [value for value in row if value]
    if len(values) != 3 or values[2] not in get_args(CellType):
        raise NoCellsError(f"line {index + 1} of the table of elpv-dataset is not `path probability type`: {row}")
    name, probability, kind = values
    return CellRecord(
        index=index, path=folder / name, probability=float(probability), type="mono" if kind == "mono" else "poly"
    )
