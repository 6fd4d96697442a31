"""What a profile says beyond its single properties: how they relate to each other, and where light and detail are.

A property varies from scene to scene, and a small fault hides in that. What belongs together varies less: fine
detail beside coarse detail, noise beside detail, contrast beside light. And what is always in the same place of the
picture (dirt, a knock, a lamp that fails) is plain there, while the whole picture's mean hardly knows of it.
"""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tasks.domain.tables import DETAIL_SIDE, DETAIL_STEP, LUMA_SIDE, OCTAVES
from tasks.drift.detector import FloatArray

CELLS = DETAIL_SIDE * DETAIL_SIDE
"""Places of light, and as many of detail."""
UNIT = 0.05
"""Change of the logarithm of light or detail (5 %) that counts as 1: places that vary less are no more precise."""
_DARK = 4.0
"""Grey levels that are added before a logarithm is taken: in the dark one level is nothing."""
_FAINT = 0.01
_CHUNK = 4_096

Bytes = NDArray[np.uint8]


def relations(
    noise: FloatArray, contrast: FloatArray, brightness: FloatArray, octaves: FloatArray
) -> dict[str, FloatArray]:
    """Three numbers of each picture, (n,), all natural logarithms; `octaves` is (n, 4), nan stays nan.

    `fine_detail`: the finest octave beside the next, which blur takes first. `grain`: noise beside detail, which
    compression and a failing sensor change. `relative_contrast`: contrast beside light, which fog and veils take.
    """
    return {
        "fine_detail": octaves[:, 0] - octaves[:, 1],
        "grain": np.log(noise + _FAINT) - octaves[:, 0] / 2,
        "relative_contrast": np.log((contrast + 1) / (brightness + 1)),
    }


def related(scenes: pa.Table) -> dict[str, FloatArray]:
    """The relations of a `references` table; none where no picture was measured by scale."""
    column = scenes["octaves"].combine_chunks()
    full = np.flatnonzero(np.asarray(pc.fill_null(pc.equal(pc.list_value_length(column), OCTAVES), False)))
    if not len(full):
        return {}
    octaves = np.full((scenes.num_rows, OCTAVES), np.nan)
    octaves[full] = np.asarray(pc.list_flatten(column.take(pa.array(full))), dtype=np.float64).reshape(-1, OCTAVES)
    names = ("noise", "contrast", "brightness")
    noise, contrast, brightness = (scenes[n].cast(pa.float64()).fill_null(math.nan).to_numpy() for n in names)
    return relations(noise, contrast, brightness, octaves)


def places(light: Bytes, detail: Bytes) -> Bytes:
    """Luma in 16 x 16 places, then detail in 16 x 16 places, (n, 512), from maps (n, 1024) and (n, 256)."""
    step = LUMA_SIDE // DETAIL_SIDE
    cells = light.reshape(-1, DETAIL_SIDE, step, DETAIL_SIDE, step).mean(axis=(2, 4))
    return np.concatenate([np.rint(cells).astype(np.uint8).reshape(-1, CELLS), detail], axis=1)


def placed(scenes: pa.Table) -> Bytes:
    """The places of a `references` table, zeros for a picture without maps; (n, 0) when none has them."""
    light, detail = (scenes[name].combine_chunks() for name in ("luma_map", "detail_map"))
    good = np.flatnonzero(np.asarray(pc.and_(pc.is_valid(light), pc.is_valid(detail))))
    found = np.zeros((scenes.num_rows, 2 * CELLS if len(good) else 0), np.uint8)
    for start in range(0, len(good), _CHUNK):
        rows = good[start : start + _CHUNK]
        found[rows] = places(*(_bytes(side.take(pa.array(rows))) for side in (light, detail)))
    return found


def _bytes(column: pa.Array) -> Bytes:
    return np.frombuffer(b"".join(column.to_pylist()), np.uint8).reshape(len(column), -1)


def against_the_rest(found: Bytes) -> FloatArray:
    """Each place of light and detail against the rest of its picture, (n, 512): 1 is 5 %.

    Pictures that are black throughout, and those without maps, say nothing of places and are left out.
    """
    seen = found[found.any(axis=1)]
    light = np.log(seen[:, :CELLS] + _DARK)
    detail = seen[:, CELLS:] * DETAIL_STEP
    both = [side - side.mean(axis=1, keepdims=True) for side in (light, detail)]
    return np.concatenate(both, axis=1) / UNIT


def describe_places(before: FloatArray, after: FloatArray) -> str:
    """Which place changed most, in words; (m, 512) and (n, 512) as `against_the_rest` gives them."""
    change = after.mean(axis=0) - before.mean(axis=0)
    spread = np.hypot(np.concatenate([before, after]).std(axis=0), 1.0)
    most = int(np.argmax(np.abs(change) / spread))
    row, column = divmod(most % CELLS, DETAIL_SIDE)
    down = ("upper", "middle", "lower")[3 * row // DETAIL_SIDE]
    across = ("left", "centre", "right")[3 * column // DETAIL_SIDE]
    verb, amount = ("rose" if change[most] > 0 else "fell"), abs(math.expm1(change[most] * UNIT))
    what = "light" if most < CELLS else "detail"
    return f"{what} {verb} {100 * amount:.0f} % at the {down} {across}, beside the rest of the picture"
