"""The Arrow schema of scores: what is kept of every labelled image, so that nothing is ever predicted twice."""

from __future__ import annotations

import pyarrow as pa

_TIME = pa.timestamp("us", tz="UTC")

SCORED_BOX = pa.struct(
    [
        ("class_id", pa.int32()),
        ("confidence", pa.float32()),
        ("hits", pa.uint16()),  # bit t: found an object of its class at the overlap 0.5 + 0.05 t
        ("not_any", pa.uint16()),  # bit t: found one that nobody needs to find, counts neither way
        ("small", pa.uint16()),  # as `hits` with only small, medium or large objects asked for
        ("medium", pa.uint16()),
        ("large", pa.uint16()),
        ("not_small", pa.uint16()),  # bit t: counts neither way when only small objects are asked for; and so on
        ("not_medium", pa.uint16()),
        ("not_large", pa.uint16()),
        ("error", pa.int8()),  # a `tasks.domain.scoring.matching.Error`
        ("object", pa.int32()),  # place of the object that it is about in `objects`, -1 for none
    ]
)

SCORED_OBJECT = pa.struct(
    [
        ("class_id", pa.int32()),
        ("area", pa.float64()),  # square pixels
        ("unseen", pa.bool_()),  # nobody needs to find it (pose: no visible keypoint)
    ]
)

SCORES = pa.schema(
    [
        pa.field("image_id", pa.string(), nullable=False),
        pa.field("session", pa.string(), nullable=False),
        pa.field("camera", pa.string(), nullable=False),
        pa.field("captured_at", _TIME),
        pa.field("chance", pa.float64()),  # that the image was chosen, 0..1; null: nobody knows
        pa.field("broken", pa.bool_(), nullable=False),  # the answer held NaN or infinity and counts as none
        pa.field("objects", pa.list_(SCORED_OBJECT), nullable=False),  # empty for classify
        pa.field("boxes", pa.list_(SCORED_BOX), nullable=False),  # class by class, the surest first
        pa.field("confidence", pa.float64()),  # operating confidence, the same in every row; null for classify
        pa.field("small_side", pa.float64()),  # sides in pixels up to which an object is small, and medium; as above
        pa.field("medium_side", pa.float64()),
        pa.field("truth", pa.int32()),  # classify: true class, answered one (-1: broken), and how many stand before
        pa.field("guess", pa.int32()),
        pa.field("rank", pa.int32()),
        pa.field("sure", pa.float64()),  # probability of the answer; null: broken
        pa.field("brier", pa.float64()),
    ]
)
"""One row per labelled image, for one version under one protocol."""
