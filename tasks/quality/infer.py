"""Proposes a data schema from healthy windows: what was seen, with slack for what was not seen yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tasks.domain.expectation import STANDS_FOR
from tasks.domain.window import Window
from tasks.quality.frames import DETECTIONS, IMAGES, OBJECTS, Frames
from tasks.quality.mix import Z, counts, shares
from tasks.quality.schema import Bounds, CameraSchema, ClassSchema, DataSchema, MadeFrom, Rate

IMAGES_NEEDED, PER_CAMERA, OBJECTS_NEEDED, WINDOWS_NEEDED = 50, 20, 50, 3
"""Least data for a section: images, images of a camera, objects, windows."""
MANY_SIZES = 12
"""A camera with more sizes than this has no fixed size."""
OPTIONAL = ("site", "session", "runtime", "sha256", "key", "sampling_probability", "inference_ms")
POSITIVE = (f"{IMAGES}.preprocess_ms", f"{IMAGES}.inference_ms", f"{IMAGES}.postprocess_ms", f"{OBJECTS}.bytes")
"""Columns whose natural scale is the logarithm: their slack is a factor."""
FACTOR = 3.0
HOUR = timedelta(hours=1)
TAIL = 0.005
"""Share of the values at each end that does not set a range."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Healthy:
    """The tables of one healthy window; `thinned` when they are a sample that tells nothing of volume.

    `share` is the part of a very large window's images that the tables hold, 0..1.
    """

    window: Window
    frames: Frames
    thinned: bool = False
    share: float = 1.0


@dataclass(slots=True)
class Proposal:
    """A schema in the making: notes say what was seen, `undecided` what there was too little of."""

    notes: dict[tuple[str, ...], str] = field(default_factory=dict)
    undecided: dict[str, str] = field(default_factory=dict)

    def enough(self, section: str, found: int, needed: int, unit: str) -> bool:
        """Whether there is enough data; if not, that is written down."""
        if found < needed:
            self.undecided[section] = f"{found} of {needed} {unit} seen"
        return found >= needed


def infer(
    model: str, healthy: Sequence[Healthy], classes: Sequence[str], reference: int | None = None
) -> tuple[DataSchema, dict[tuple[str, ...], str]]:
    """The proposed schema and what was seen, by place in the file.

    Sections with too little data are left empty and named in `undecided`; no data at all leaves all of them so.
    """
    made = Proposal()
    tables = {name: _all(healthy, name) for name in (OBJECTS, IMAGES, DETECTIONS)}
    images, objects = tables[IMAGES].num_rows, answers(tables[DETECTIONS]).num_rows
    whole = made.enough("images", images, IMAGES_NEEDED, "answered images")
    schema = DataSchema(
        model=model,
        made_from=MadeFrom(
            windows=() if reference else tuple(str(each.window) for each in healthy),
            reference=reference,
            images=images,
            objects=objects,
        ),
        cameras=_cameras(healthy, tables[IMAGES], tables[OBJECTS], made),
        formats=tuple(_values(tables[OBJECTS], "format")) if whole else (),
        max_rotated=_rotated(tables[OBJECTS]) if whole else None,
        classes=_classes(tables, classes, healthy, made),
        numbers=_numbers(tables, made) if whole else {},
        presence=_presence(tables[IMAGES], made) if whole else {},
        undecided=made.undecided,
    )
    return schema, made.notes


def _all(healthy: Sequence[Healthy], name: str) -> pa.Table:
    parts = [each.frames[name] for each in healthy]
    return pa.concat_tables(parts, promote_options="permissive") if parts else pa.table({})


def _values(table: pa.Table, column: str) -> list[str]:
    found = table[column].drop_null().unique().to_pylist() if table.num_rows else []
    return sorted(str(value) for value in found)


def _cameras(
    healthy: Sequence[Healthy], images: pa.Table, objects: pa.Table, made: Proposal
) -> dict[str, CameraSchema]:
    found = {}
    for name in _values(objects, "camera"):
        mine = images.filter(pc.equal(images["camera"], name))
        sizes = _values(mine, "size")
        if not made.enough(f"cameras.{name}.sizes", mine.num_rows, PER_CAMERA, "images") or len(sizes) > MANY_SIZES:
            sizes = []
        rates = _rates(healthy, name)
        rate = None
        if made.enough(f"cameras.{name}.images_per_hour", len(rates), WINDOWS_NEEDED, "whole windows"):
            rate = Rate(low=float(np.floor(min(rates) / 2)), high=float(np.ceil(max(rates) * 2)))
        found[name] = CameraSchema(sizes=tuple(sizes), images_per_hour=rate)
        seen = f", {min(rates):.4g} to {max(rates):.4g} an hour in {len(rates)} windows" if rates else ""
        made.notes["cameras", name] = f"{mine.num_rows} answered images{seen}"
    return found


def _rates(healthy: Sequence[Healthy], camera: str) -> list[float]:
    """Images an hour of each whole window."""
    whole = [each for each in healthy if not each.thinned]
    return [images_per_hour(each.frames, each.window).get(camera, 0.0) / each.share for each in whole]


def images_per_hour(frames: Frames, window: Window) -> dict[str, float]:
    """Accepted images of every camera an hour; of a sampled window, those that it stands for."""
    means = frames[IMAGES].group_by("camera").aggregate([(STANDS_FOR, "mean")])
    stands_for = dict(zip(means["camera"].to_pylist(), means[f"{STANDS_FOR}_mean"].to_pylist(), strict=True))
    usual = pc.mean(frames[IMAGES][STANDS_FOR]).as_py() or 1.0
    accepted = frames[OBJECTS].filter(pc.equal(frames[OBJECTS]["verdict"], "accepted"))
    return {
        each["values"]: each["counts"] * stands_for.get(each["values"], usual) / (window.length / HOUR)
        for each in accepted["camera"].drop_null().value_counts().to_pylist()
    }


def _rotated(objects: pa.Table) -> float:
    """Up to four standard errors more than was seen, and two in a hundred."""
    known = objects.filter(pc.is_valid(objects["rotated"]))
    found = known["rotated"].to_numpy()
    share = float(np.average(found, weights=known[STANDS_FOR].to_numpy())) if len(found) else 0.0
    return round(min(1.0, share + 0.02 + Z * float(np.sqrt(max(share * (1 - share), 0.01) / max(len(found), 1)))), 4)


def _classes(
    tables: Frames, classes: Sequence[str], healthy: Sequence[Healthy], made: Proposal
) -> dict[str, ClassSchema]:
    detections = answers(tables[DETECTIONS])
    if not made.enough("classes", detections.num_rows, OBJECTS_NEEDED, "objects"):
        return {}
    share, error = class_shares(detections, len(classes))
    each = [class_shares(one.frames[DETECTIONS], len(classes)) for one in healthy]
    moved = [np.abs(found - share) - Z * wide for found, wide in each if np.isfinite(wide).all()]
    spread = np.max(moved, axis=0) if moved else np.zeros(len(classes))
    found = {}
    for class_id, name in enumerate(classes):
        seen = int(pc.sum(pc.equal(detections["class_id"], class_id)).as_py() or 0)
        slack = max(0.05, Z * error[class_id], 1.5 * spread[class_id]) if seen else max(0.02, 5 / detections.num_rows)
        found[name] = ClassSchema(share=round(float(share[class_id]), 4), slack=round(min(float(slack), 1.0), 4))
        made.notes["classes", name] = f"{seen} of {detections.num_rows} objects" if seen else "never seen"
    return found


def answers(detections: pa.Table) -> pa.Table:
    """The detections that are answers: of classify only the most probable class."""
    return detections.filter(pc.equal(detections["answer"], 1.0)) if detections.num_rows else detections


def class_shares(detections: pa.Table, classes: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Share of every class among an image's answers, and its standard error: of the images that were drawn from."""
    found = answers(detections)
    stands = dict(zip(found["image_id"].to_pylist(), found[STANDS_FOR].to_pylist(), strict=True))
    return shares(class_counts(found, classes), np.array(list(stands.values()), np.float64))


def class_counts(detections: pa.Table, classes: int) -> NDArray[np.int64]:
    """Answers of each class in each image that has any."""
    detections = answers(detections)
    ids = detections["image_id"].to_pylist()
    rows: dict[str, list[int]] = {}
    for name, class_id in zip(ids, detections["class_id"].to_pylist(), strict=True):
        rows.setdefault(name, []).append(class_id)
    return counts(list(rows.values()), classes)


def _numbers(tables: Frames, made: Proposal) -> dict[str, Bounds]:
    found = {}
    ranked = answers(tables[DETECTIONS]).num_rows < tables[DETECTIONS].num_rows  # classify has no floor, only an order
    for place in (*POSITIVE, f"{IMAGES}.objects", *(() if ranked else (f"{DETECTIONS}.confidence",))):
        table, column = place.split(".")
        values = tables[table][column].drop_null().to_numpy()
        values = values[np.isfinite(values)]
        if len(values) < IMAGES_NEEDED or not values.any():
            continue  # a column that nobody fills is a matter of presence
        found[place] = bounds(values, place)
        made.notes["numbers", place] = f"{values.min():.4g} to {values.max():.4g} in {len(values)} rows"
    return found


def bounds(values: NDArray[np.float64], place: str) -> Bounds:
    """The range without its outermost ends, widened: by a factor, to twice the count, or just below what was seen."""
    low, high = (float(each) for each in np.quantile(values, [TAIL, 1 - TAIL]))
    if place in POSITIVE:
        return Bounds(low=_short(low / FACTOR), high=_short(high * FACTOR))
    if place == f"{IMAGES}.objects":
        return Bounds(low=0.0, high=float(np.ceil(2 * high + 5)))
    return Bounds(low=_short(max(0.0, float(values.min()) - 0.02)), high=1.0)


def _short(value: float) -> float:
    return float(f"{value:.4g}")


def _presence(images: pa.Table, made: Proposal) -> dict[str, float]:
    found = {}
    for column in OPTIONAL:
        share = float(np.average(images[column].is_valid().to_numpy(), weights=images[STANDS_FOR].to_numpy()))
        if share >= 0.2:
            slack = 0.05 + Z * float(np.sqrt(share * (1 - share) / images.num_rows))
            found[f"{IMAGES}.{column}"] = round(max(0.0, share - slack), 4)
            made.notes["presence", f"{IMAGES}.{column}"] = f"{share:.1%} of {images.num_rows} rows"
    return found
