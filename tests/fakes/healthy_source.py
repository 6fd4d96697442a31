"""A production that is well: three cameras, three classes, times that vary; and ways to make it ill."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from tasks.domain.tables import CATALOG, PREDICTIONS
from tasks.domain.window import Window

CLASSES = ("crack", "pore", "stain")
SHARES = (0.6, 0.35, 0.05)
SIZES = {"a": (640, 480), "b": (640, 480), "c": (1280, 720)}

Row = dict[str, Any]


def rows(window: Window, seed: int, images: int = 240) -> list[Row]:
    """Prediction records of a window; each image with the facts of its object in `_object`."""
    rng = np.random.default_rng(seed)
    found = []
    for number in range(int(rng.poisson(images))):
        camera = str(rng.choice(["a", "b", "c"], p=[0.4, 0.4, 0.2]))
        width, height = SIZES[camera]
        name = f"{seed}-{number}"
        moment = window.start + timedelta(seconds=float(rng.uniform(0, window.length.total_seconds())))
        objects = [
            {"class_id": int(rng.choice(3, p=SHARES)), "confidence": float(rng.uniform(0.25, 1.0)), "box": where}
            for where in (box(rng, width, height) for _ in range(int(rng.poisson(2.0))))
        ]
        row = {"image_id": name, "key": f"k/{name}.jpg", "captured_at": moment, "camera": camera, "kind": "detect"}
        row |= {"model_version": "1", "width": width, "height": height, "detections": objects, "runtime": "onnx"}
        row |= {"inference_ms": float(rng.lognormal(3.0, 0.3)), "session": "s" if rng.random() < 0.7 else None}
        found.append(row | {"_object": {"size": int(rng.lognormal(11.0, 0.4)), "format": "jpeg", "note": ""}})
    return found


def box(rng: np.random.Generator, width: int, height: int) -> list[float]:
    x, y, w, h = rng.uniform([0, 0, 20, 20], [width - 130, height - 130, 120, 120])
    return [float(x), float(y), float(x + w), float(y + h)]


def tables(found: list[Row]) -> tuple[pa.Table, pa.Table]:
    """Catalog and predictions."""
    catalog = [
        {"key": row["key"], "image_id": row["image_id"], "captured_at": row["captured_at"], "camera": row["camera"],
         "etag": "e", "sha256": f"{row['image_id']:0>64}", "verdict": "accepted", "reason": "", **row["_object"]}
        for row in found
    ]  # fmt: skip
    return pa.Table.from_pylist(catalog, schema=CATALOG), pa.Table.from_pylist(found, schema=PREDICTIONS)


def _each(share: float, change: Callable[[Row], Row]) -> Callable[[list[Row]], list[Row]]:
    """The change in every so many-th row."""
    return lambda found: [change(row) if number % round(1 / share) == 0 else row for number, row in enumerate(found)]


def _of(row: Row, **changes: Any) -> Row:
    return {**row, "_object": {**row["_object"], **changes}}


def _class(row: Row, class_id: int) -> Row:
    return {**row, "detections": [{**each, "class_id": class_id} for each in row["detections"]]}


PLANTED: dict[str, tuple[Callable[[list[Row]], list[Row]], str]] = {
    "a camera that nobody knows": (_each(0.1, lambda r: {**r, "camera": "z"}), "schema_cameras"),
    "a camera with another size": (
        lambda found: [{**r, "width": 1920, "height": 1080} if r["camera"] == "c" else r for r in found],
        "schema_sizes",
    ),
    "another format under the same names": (_each(0.2, lambda r: _of(r, format="png")), "schema_formats"),
    "images that lie on their side": (_each(0.5, lambda r: _of(r, note="exif_rotated")), "schema_rotated"),
    "images ten times as large": (_each(1.0, lambda r: _of(r, size=r["_object"]["size"] * 10)), "schema_numbers"),
    "answers ten times as slow": (_each(0.5, lambda r: {**r, "inference_ms": 500.0}), "schema_numbers"),
    "no runtime any more": (_each(1.0, lambda r: {**r, "runtime": None}), "schema_presence"),
    "half of the sessions are gone": (_each(0.5, lambda r: {**r, "session": None}), "schema_presence"),
    "a lower threshold": (
        _each(1.0, lambda r: {**r, "detections": [{**d, "confidence": d["confidence"] / 3} for d in r["detections"]]}),
        "schema_numbers",
    ),
    "the rare class everywhere": (_each(0.5, lambda r: _class(r, 2)), "schema_shares"),
    "a camera that sends a tenth": (
        lambda found: [r for n, r in enumerate(found) if r["camera"] != "a" or n % 10 == 0], "schema_volume",
    ),
    "crowds of objects": (_each(0.5, lambda r: {**r, "detections": r["detections"] * 30}), "schema_numbers"),
}  # fmt: skip
