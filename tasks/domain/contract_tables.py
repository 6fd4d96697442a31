"""Records of the contract as Arrow tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import repeat
from typing import Any

import pyarrow as pa

from tasks.domain.contract import Latency, PredictionRecord
from tasks.domain.contract_labels import LabelRecord
from tasks.domain.tables import LABELS, PREDICTIONS
from tasks.domain.tables_catalog import CHANCE, DRAWN


def predictions_table(records: Iterable[PredictionRecord], drawn: Sequence[float] = ()) -> pa.Table:
    """One row per record, in the given order; `detections` of classify hold every class, most probable first.

    `drawn` are the chances (0..1] that they were drawn with; empty: nobody drew.
    """
    rows = [_prediction_row(record, chance) for record, chance in zip(records, drawn or repeat(1.0), strict=False)]
    return pa.Table.from_pylist(rows, schema=PREDICTIONS)


def labels_table(labels: Iterable[LabelRecord]) -> pa.Table:
    """One row per label, in the given order; an empty list of objects stays an empty list."""
    return pa.Table.from_pylist([_label_row(label) for label in labels], schema=LABELS)


def _prediction_row(record: PredictionRecord, drawn: float) -> dict[str, Any]:
    row = record.model_dump(exclude={"schema_", "probabilities", "top", "latency_ms"})
    latency, kept = record.latency_ms or Latency(), record.sampling_probability
    return {
        **row,
        "kind": record.kind.value,
        "preprocess_ms": latency.preprocess,
        "inference_ms": latency.inference,
        "postprocess_ms": latency.postprocess,
        CHANCE: kept if drawn == 1.0 else (kept or 1.0) * drawn,
        DRAWN: drawn,
    }


def _label_row(label: LabelRecord) -> dict[str, Any]:
    row = label.model_dump(exclude={"schema_", "width", "height", "confidence", "model_version"})
    return {
        **row,
        "image_id": label.name,
        "kind": label.kind.value,
        "verdict": label.verdict.value if label.verdict else None,
    }
