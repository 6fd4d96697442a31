"""The images of one camera as arrays: what its health is told from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tasks.domain.few import evenly
from tasks.domain.tables import COLOUR_SIDE, COLOUR_STEP, DETAIL_SIDE, DETAIL_STEP, LUMA_SIDE, OCTAVES, ORIENTATIONS

Floats = NDArray[np.float64]

MOST = 400
"""Images of a camera that are looked at; of more, so many evenly over time. Medians need no more."""
MEASURED = (
    "camera",
    "captured_at",
    "brightness",
    "bright_fraction",
    "colourfulness",
    "luma_map",
    "detail_map",
    "orientation",
    "octaves",
)
"""Columns of a profile that are read."""
COLOURS = "colour_map"
"""One more, which profiles have since version 4, and of those the pictures that have colours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frames:
    """n images of one camera in order of time.

    `luma` (n, 32, 32) is 0..255, `detail` (n, 16, 16) the logarithm of 1 + change per pixel, `orientation` (n, 36)
    shares of edges by direction, `octaves` (n, 4) ln variance of detail, finest first. `burnt` (n,) is the share of
    white pixels, `colour` (n,) colourfulness per grey level of brightness, `tint` (n, 8, 8, 3) mean blue, green and
    red (alike in a grey picture, nan when it was not measured), `hour` (n,) the time of day (UTC), 0..24, `moment` (n,)
    when it was taken, in seconds.
    """

    luma: Floats
    detail: Floats
    orientation: Floats
    octaves: Floats
    burnt: Floats
    colour: Floats
    tint: Floats
    hour: Floats
    moment: Floats

    def __len__(self) -> int:
        return len(self.luma)

    def take(self, rows: NDArray[np.intp]) -> Frames:
        """The images at these places."""
        return Frames(
            luma=self.luma[rows],
            detail=self.detail[rows],
            orientation=self.orientation[rows],
            octaves=self.octaves[rows],
            burnt=self.burnt[rows],
            colour=self.colour[rows],
            tint=self.tint[rows],
            hour=self.hour[rows],
            moment=self.moment[rows],
        )


def has_maps(table: pa.Table) -> bool:
    """Whether a profile or reference knows places: those from before profiler 2 do not."""
    return set(MEASURED) <= set(table.column_names) and table["luma_map"].null_count < table.num_rows


def by_camera(table: pa.Table) -> dict[str, Frames]:
    """The images of every camera, at most `MOST`, evenly over time; images that could not be measured are left out."""
    asked = table.select([name for name in (*MEASURED, COLOURS) if name in table.column_names])
    rows = asked.filter(_measured(asked)).sort_by([("captured_at", "ascending")])
    cameras = np.asarray(rows["camera"].to_pylist(), dtype=object)
    found = {}
    for camera in sorted(set(cameras.tolist())):
        places = np.flatnonzero(cameras == camera)
        found[camera] = _frames(rows.take(pa.array(evenly(places, MOST))))
    return found


def _measured(table: pa.Table) -> pa.ChunkedArray:
    """Which rows have all that every picture has."""
    return reduce(pc.and_, (pc.is_valid(table[name]) for name in MEASURED))


def _frames(rows: pa.Table) -> Frames:
    brightness = np.maximum(_column(rows, "brightness"), 1.0)
    return Frames(
        luma=_bytes(rows, "luma_map", LUMA_SIDE),
        detail=_bytes(rows, "detail_map", DETAIL_SIDE) * DETAIL_STEP,
        orientation=_lists(rows, "orientation", ORIENTATIONS),
        octaves=_lists(rows, "octaves", OCTAVES),
        burnt=_column(rows, "bright_fraction"),
        colour=_column(rows, "colourfulness") / brightness,
        tint=_tint(rows),
        hour=_seconds(rows["captured_at"]) % 86_400 / 3_600,
        moment=_seconds(rows["captured_at"]),
    )


def _seconds(moments: pa.ChunkedArray) -> Floats:
    seconds = pc.cast(pc.cast(moments, pa.timestamp("s", "UTC"), safe=False), pa.int64())
    return np.asarray(seconds.to_numpy(), dtype=np.float64)


def _column(rows: pa.Table, name: str) -> Floats:
    return np.asarray(rows[name].to_numpy(), dtype=np.float64)


def _bytes(rows: pa.Table, name: str, side: int) -> Floats:
    data = b"".join(rows[name].to_pylist())
    return np.frombuffer(data, dtype=np.uint8).reshape(-1, side, side).astype(np.float64)


def _tint(rows: pa.Table) -> Floats:
    """Colours by place: grey where a picture has none, nan where they were not measured."""
    shape = (rows.num_rows, COLOUR_SIDE, COLOUR_SIDE, 3)
    if COLOURS not in rows.column_names:
        return np.full(shape, np.nan)
    grey = np.full(shape[1:], round(128 / COLOUR_STEP), "<u2").tobytes()
    data = b"".join(each or grey for each in rows[COLOURS].to_pylist())
    return np.frombuffer(data, "<u2").reshape(shape) * COLOUR_STEP


def _lists(rows: pa.Table, name: str, length: int) -> Floats:
    flat = pc.list_flatten(rows[name].combine_chunks())
    return np.asarray(flat, dtype=np.float64).reshape(-1, length)
