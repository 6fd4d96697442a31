"""How sure a model is of production images: what can be searched for weakness while nobody has labelled them."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from tasks.domain.model import ModelRef

SURE = 0.25
"""Detections below this confidence do not count."""

SESSION_MINUTES = 10
"""Images of one camera in the same so many minutes are one session, where nobody names it."""

WANTED = ["image_id", "camera", "session", "captured_at", "model_version", "detections", "error"]
"""What is read of an answer."""

Row = dict[str, Any]


def scored(
    predictions: pa.Table, profiles: pa.Table, champion: ModelRef
) -> tuple[list[Row], dict[str, float], dict[str, str]]:
    """Rows of images, their confidence by image id (of the surest answer), and what the surest answer is.

    Images without an answer that counts, of another version, or that have no profile are left out.
    """
    hashes = dict(zip(profiles["image_id"].to_pylist(), profiles["sha256"].to_pylist(), strict=True))
    rows, sure, says = [], {}, {}
    for row in predictions.select(WANTED).to_pylist():
        best = max((_said(each) for each in row["detections"]), default=(0.0, -1))
        own = row["error"] is None and row["model_version"] == str(champion.version)
        if not own or row["image_id"] not in hashes or best[0] < SURE:
            continue
        tile = int(row["captured_at"].timestamp()) // (60 * SESSION_MINUTES)
        rows.append({**row, "sha256": hashes[row["image_id"]], "session": row["session"] or f"{row['camera']} {tile}"})
        sure[row["image_id"]] = best[0]
        says[row["image_id"]] = champion.classes[best[1]] if 0 <= best[1] < len(champion.classes) else ""
    return rows, sure, says


def _said(detection: Row) -> tuple[float, int]:
    return float(detection["confidence"] or 0.0), int(
        detection["class_id"] if detection["class_id"] is not None else -1
    )
