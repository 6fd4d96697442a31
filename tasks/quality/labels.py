"""The tables that rules about labels are written about, made from labels and what windows know of their images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tasks.domain.contract_reasons import Reason
from tasks.quality.boxes import corners_of, numbers, overhang, twins
from tasks.quality.frames import Frames

LABELS = "labels"  # one row per label that the champion has not learnt from
OBJECTS = "label_objects"  # one row per object in them
ROWS = "label_rows"  # one row per label, good or refused
EARLIER = "earlier_labels"  # one row per label that was there when the champion was last evaluated


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the windows say of a labelled image; sizes are 0 where nobody predicted on it."""

    accepted: bool
    captured_at: datetime | None = None
    width: int = 0
    height: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Labels with everything that they can be held against.

    `labels` are rows of the `labels` table, `refused` rows of a catalog. `earlier` are the images that had a label
    when the champion was last evaluated, `present` those that have one now.
    """

    labels: pa.Table
    refused: pa.Table
    images: Mapping[str, Known] = field(default_factory=dict)
    earlier: frozenset[str] = frozenset()
    present: frozenset[str] = frozenset()

    @property
    def count(self) -> int:
        """Labels, good or refused."""
        return int(self.labels.num_rows + self.refused.num_rows)


def label_frames(evidence: Evidence) -> Frames:
    """The four tables; flags are 0 or 1.

    `unusable`: no window accepted the image and the label names no object key either. `lag_hours` is from shutter to
    label, nan where nobody knows the shutter. `new_class`: refused, because the model has no such class.
    """
    return {
        LABELS: _labels(evidence),
        OBJECTS: _objects(evidence),
        ROWS: _rows(evidence),
        EARLIER: _earlier(evidence),
    }


def _labels(evidence: Evidence) -> pa.Table:
    table = evidence.labels
    ids, keys = table["image_id"].to_pylist(), table["key"].to_pylist()
    known = [evidence.images.get(name) for name in ids]
    usable = [each.accepted if each else bool(key) for each, key in zip(known, keys, strict=True)]
    taken = [
        told or (each.captured_at if each else None)
        for told, each in zip(table["captured_at"].to_pylist(), known, strict=True)
    ]
    lags = [
        (labelled - captured).total_seconds() / 3600 if captured else float("nan")
        for labelled, captured in zip(table["labelled_at"].to_pylist(), taken, strict=True)
    ]
    count = pc.list_value_length(table["objects"])
    return pa.table(
        {
            "image_id": table["image_id"],
            "kind": table["kind"],
            "unusable": pa.array([float(not each) for each in usable]),
            "lag_hours": pa.array(lags, pa.float64()),
            "objects": count.cast(pa.float64()),
            "background": pc.equal(count, 0).cast(pa.float64()),
        }
    )


def _objects(evidence: Evidence) -> pa.Table:
    column = evidence.labels["objects"].combine_chunks()
    row = np.asarray(pc.list_parent_indices(column), dtype=np.int64)
    flat = pc.list_flatten(column)
    classes, corners = pc.struct_field(flat, "class_id"), corners_of(pc.struct_field(flat, "box"))
    ids = evidence.labels["image_id"].combine_chunks().take(pa.array(row))
    known = [evidence.images.get(name) for name in ids.to_pylist()]
    width, height = (
        np.array([(getattr(each, side) if each else 0) or np.nan for each in known], dtype=np.float64)
        for side in ("width", "height")
    )
    sides = corners[:, 2:] - corners[:, :2]
    return pa.table(
        {
            "image_id": ids,
            "class_id": classes,
            "boxed": pa.array((~np.isnan(corners[:, 0])).astype(np.float64)),
            "side": pa.array(sides.min(axis=1) if len(sides) else np.empty(0)),
            "overhang": pa.array(overhang(corners, width, height)),
            "twin": pa.array(twins(row, numbers(classes), corners)),
        }
    )


def _rows(evidence: Evidence) -> pa.Table:
    good, bad = evidence.labels.num_rows, evidence.refused.num_rows
    reasons = [""] * good + evidence.refused["reason"].to_pylist()
    notes = [""] * good + evidence.refused["note"].to_pylist()
    new = [
        reason == Reason.BAD_CLASS and "the model knows" in note for reason, note in zip(reasons, notes, strict=True)
    ]
    return pa.table(
        {
            "key": pa.array(evidence.labels["image_id"].to_pylist() + evidence.refused["key"].to_pylist(), pa.string()),
            "reason": pa.array(reasons, pa.string()),
            "note": pa.array(notes, pa.string()),
            "refused": pa.array([0.0] * good + [1.0] * bad, pa.float64()),
            "new_class": pa.array([float(each) for each in new], pa.float64()),
        }
    )


def _earlier(evidence: Evidence) -> pa.Table:
    names = sorted(evidence.earlier)
    gone = [float(name not in evidence.present) for name in names]
    return pa.table({"image_id": pa.array(names, pa.string()), "gone": pa.array(gone, pa.float64())})
