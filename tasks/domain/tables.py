"""The Arrow schemas of the data contract, each with its version (`evergreen.version`): a newer one is refused."""

from __future__ import annotations

import pyarrow as pa

from tasks.domain.errors import ContractError
from tasks.domain.tables_answers import ANSWERS as ANSWERS
from tasks.domain.tables_catalog import CATALOG as CATALOG
from tasks.domain.tables_catalog import CHANCE, DRAWN
from tasks.domain.tables_scores import SCORES as SCORES

CONTRACT_VERSION = 1
"""Version of the data contract that this program writes, and the newest that it reads."""

_TIME = pa.timestamp("us", tz="UTC")

BOX = pa.list_(pa.float32())  # not of fixed size: pyarrow 25 cannot read a null among those back from Parquet
"""x1, y1, x2, y2 in pixels of the image as it is shown (after EXIF rotation)."""

DETECTION = pa.struct(
    [
        ("class_id", pa.int32()),
        ("confidence", pa.float32()),  # 0..1; for classify the probability of the class
        ("box", BOX),  # null for classify
        ("polygon", pa.list_(pa.float32())),  # x, y, x, y, …; segment
        ("corners", pa.list_(pa.float32())),  # eight numbers; obb
        ("keypoints", pa.list_(pa.float32())),  # x, y, confidence, …; pose
    ]
)

PREDICTIONS = pa.schema(
    [
        pa.field("image_id", pa.string(), nullable=False),
        pa.field("key", pa.string(), nullable=False),
        pa.field("captured_at", _TIME, nullable=False),
        pa.field("camera", pa.string(), nullable=False),
        pa.field("site", pa.string()),
        pa.field("session", pa.string()),
        pa.field("model_version", pa.string(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("width", pa.int32(), nullable=False),
        pa.field("height", pa.int32(), nullable=False),
        pa.field("detections", pa.list_(DETECTION), nullable=False),  # classify: every class, most probable first
        pa.field("preprocess_ms", pa.float32()),
        pa.field("inference_ms", pa.float32()),
        pa.field("postprocess_ms", pa.float32()),
        pa.field("runtime", pa.string()),
        pa.field(CHANCE, pa.float64()),  # that the image was kept (it may not have been), times `drawn`
        pa.field(DRAWN, pa.float64()),  # that the record was drawn from its window
        pa.field("sha256", pa.string()),
        pa.field("error", pa.string()),
    ]
)
"""One row per image that was predicted on."""

OBJECT = pa.struct(
    [
        ("class_id", pa.int32()),
        ("box", BOX),
        ("polygon", pa.list_(pa.float32())),
        ("corners", pa.list_(pa.float32())),
        ("keypoints", pa.list_(pa.float32())),
    ]
)

LABELS = pa.schema(
    [
        pa.field("image_id", pa.string(), nullable=False),
        pa.field("key", pa.string()),  # object key of the image, where the labelling tool knows it
        pa.field("camera", pa.string()),
        pa.field("session", pa.string()),
        pa.field("captured_at", _TIME),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("objects", pa.list_(OBJECT), nullable=False),  # empty: "nothing there", which is a label
        pa.field("labelled_at", _TIME, nullable=False),
        pa.field("annotator", pa.string(), nullable=False),
        pa.field("verdict", pa.string()),
        pa.field("golden", pa.bool_(), nullable=False),
    ]
)
"""One row per label; a later `labelled_at` supersedes an earlier one."""

LUMA_SIDE, DETAIL_SIDE, DETAIL_STEP = 32, 16, 0.02
"""Cells a side of the maps of a profile, and the step in which the logarithm of detail is kept."""
ORIENTATIONS, OCTAVES, COLOUR_SIDE, COLOUR_STEP = 36, 4, 8, 1 / 128
"""Bins of 5 degrees, scales of detail, cells a side of the colours and their step in grey levels, of a profile."""

PROFILES = pa.schema(
    [
        pa.field("sha256", pa.string(), nullable=False),
        pa.field("image_id", pa.string(), nullable=False),
        pa.field("key", pa.string(), nullable=False),
        pa.field("camera", pa.string(), nullable=False),
        pa.field("captured_at", _TIME, nullable=False),
        pa.field("brightness", pa.float64()),  # mean luma, 0..255
        pa.field("contrast", pa.float64()),  # standard deviation of luma
        pa.field("dark_fraction", pa.float64()),  # share of luma < 5
        pa.field("bright_fraction", pa.float64()),  # share of luma > 250
        pa.field("sharpness", pa.float64()),  # log variance of the Laplacian
        pa.field("noise", pa.float64()),  # Immerkær's sigma, grey levels
        pa.field("entropy", pa.float64()),  # bits, 64-bin luma histogram
        pa.field("gradient_x", pa.float64()),  # right minus left mean luma
        pa.field("gradient_y", pa.float64()),  # bottom minus top mean luma
        pa.field("colourfulness", pa.float64()),  # Hasler-Süsstrunk
        pa.field("dhash", pa.string(), nullable=False),  # 64-bit perceptual hash, hex
        pa.field("luma_map", pa.binary()),  # 32 x 32 mean luma, row by row; this and the next three since profiler 2
        pa.field("detail_map", pa.binary()),  # 16 x 16 ln(1 + change per pixel) in steps of DETAIL_STEP
        pa.field("orientation", pa.list_(pa.float32())),  # shares of edges in 36 bins of 5 degrees
        pa.field("octaves", pa.list_(pa.float32())),  # ln variance of the Laplacian at 4 scales, finest first
        pa.field("colour_map", pa.binary()),  # 8 x 8 mean blue, green, red, 16 bits each; null: none; since profiler 4
        pa.field("embedding", pa.list_(pa.float32()), nullable=False),
    ]
)
"""One row per accepted image, keyed by content hash."""

PROPERTIES: tuple[str, ...] = (
    "brightness",
    "contrast",
    "sharpness",
    "noise",
    "entropy",
    "gradient_x",
    "gradient_y",
    "colourfulness",
)
"""The continuous image properties of a profile, which two-sample tests run on."""

REFERENCES = pa.schema(
    [
        *PROFILES,
        pa.field("model_version", pa.string()),  # who answered; null: the image was not predicted on
        pa.field("kind", pa.string()),
        pa.field("width", pa.int32()),
        pa.field("height", pa.int32()),
        pa.field("detections", pa.list_(DETECTION)),
        pa.field("session", pa.string()),  # of the record; null: none, or pinned by an older version
    ]
)
"""Profiles with the answers beside them: what drift is measured against, and the same for a window."""

DATASETS = pa.schema(
    [
        pa.field("image_id", pa.string(), nullable=False),
        pa.field("key", pa.string(), nullable=False),
        pa.field("sha256", pa.string(), nullable=False),
        pa.field("camera", pa.string(), nullable=False),
        pa.field("session", pa.string(), nullable=False),
        pa.field("split", pa.string(), nullable=False),  # train | val | test
        pa.field("source", pa.string(), nullable=False),  # replay | recent | held_out | golden
        pa.field("objects", pa.list_(OBJECT), nullable=False),
        pa.field("labelled_at", _TIME, nullable=False),
        pa.field("captured_at", _TIME),
        pa.field("chance", pa.float64()),  # that the image was chosen, 0..1, 1 is certain; null: nobody knows
    ]
)
"""A training or evaluation manifest: which bytes with which labels; never images."""

STRANGE = pa.schema(
    [
        pa.field("side", pa.string(), nullable=False),  # reference | window
        pa.field("image_id", pa.string(), nullable=False),
        pa.field("key", pa.string(), nullable=False),
        pa.field("sha256", pa.string(), nullable=False),
        pa.field("camera", pa.string(), nullable=False),
        pa.field("captured_at", _TIME, nullable=False),
        pa.field("session", pa.string()),
        pa.field("strangeness", pa.float64()),  # distance as a multiple of its camera's limit; null: not measured
        pa.field("x", pa.float64()),  # place on the map of embeddings
        pa.field("y", pa.float64()),
        pa.field("width", pa.int32()),
        pa.field("height", pa.int32()),
        pa.field("detections", pa.list_(DETECTION)),
    ]
)
"""A bounded sample of reference and window in the model's own view, and the strangest images of the window."""

PLACES = pa.schema(
    [
        pa.field("camera", pa.string(), nullable=False),
        pa.field("side", pa.string(), nullable=False),  # reference | window
        pa.field("images", pa.int64(), nullable=False),  # with at least one object
        pa.field("grid", pa.list_(pa.float64()), nullable=False),  # 8 x 8 shares of an image's objects, row by row
    ]
)
"""Where in the picture objects are found, camera by camera, each image counting once."""

AUDITS = pa.schema(
    [
        pa.field("image_id", pa.string(), nullable=False),
        pa.field("key", pa.string(), nullable=False),
        pa.field("sha256", pa.string(), nullable=False),
        pa.field("camera", pa.string(), nullable=False),
        pa.field("captured_at", _TIME, nullable=False),
        pa.field("chance", pa.float64(), nullable=False),  # that this image had to be asked for, 0..1
    ]
)
"""Images drawn at random that people are asked to label."""

FINDINGS = pa.schema(
    [
        pa.field("stage", pa.string(), nullable=False),
        pa.field("check", pa.string(), nullable=False),
        pa.field("subject", pa.string(), nullable=False),
        pa.field("slice", pa.string(), nullable=False),
        pa.field("outcome", pa.string(), nullable=False),
        pa.field("value", pa.float64()),
        pa.field("limit", pa.float64()),
        pa.field("unit", pa.string(), nullable=False),
        pa.field("n", pa.int64(), nullable=False),
        pa.field("effect", pa.float64()),
        pa.field("note", pa.string(), nullable=False),
    ]
)

SCHEMAS: dict[str, pa.Schema] = {
    "predictions": PREDICTIONS,
    "labels": LABELS,
    "catalog": CATALOG,
    "profiles": PROFILES,
    "references": REFERENCES,
    "datasets": DATASETS,
    "findings": FINDINGS,
    "strange": STRANGE,
    "places": PLACES,
    "answers": ANSWERS,
    "audits": AUDITS,
    "scores": SCORES,
}


def stamped(table: pa.Table, schema: str) -> pa.Table:
    """The table cast to the named schema, with the schema's name and version in its metadata."""
    fields = SCHEMAS[schema]
    metadata = {b"evergreen.schema": schema.encode(), b"evergreen.version": str(CONTRACT_VERSION).encode()}
    return table.select(fields.names).cast(fields).replace_schema_metadata(metadata)


def check_stamp(metadata: dict[bytes, bytes] | None, schema: str) -> None:
    """Raise `ContractError` when a file says that it is another table, or newer than this program reads."""
    found = metadata or {}
    name = found.get(b"evergreen.schema", b"?").decode(errors="replace")
    version = found.get(b"evergreen.version", b"0").decode(errors="replace")
    if name != schema:
        raise ContractError(f"expected a {schema!r} table, found {name[:40]!r}")
    if not version.isdecimal() or int(version) > CONTRACT_VERSION:
        known = f"this program reads up to {CONTRACT_VERSION}: upgrade Evergreen"
        raise ContractError(f"the {schema!r} table has version {version[:12]}, {known}")
