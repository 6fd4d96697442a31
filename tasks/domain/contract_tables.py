"""Records of the contract as Arrow tables."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from tasks.domain.contract import Latency, PredictionRecord
from tasks.domain.contract_labels import LabelRecord
from tasks.domain.tables import LABELS, PREDICTIONS


def predictions_table(records: Iterable[PredictionRecord]) -> pa.Table:
    """One row per record, in the given order; `detections` of classify hold every class, most probable first."""
    return pa.Table.from_pylist([_prediction_row(record) for record in records], schema=PREDICTIONS)


def labels_table(labels: Iterable[LabelRecord]) -> pa.Table:
    """One row per label, in the given order; an empty list of objects stays an empty list."""
    return pa.Table.from_pylist([_label_row(label) for label in labels], schema=LABELS)


def _prediction_row(record: PredictionRecord) -> dict[str, Any]:
    row = record.model_dump(exclude={"schema_", "probabilities", "top", "latency_ms"})
    latency = record.latency_ms or Latency()
    return {
        **row,
        "kind": record.kind.value,
        "preprocess_ms": latency.preprocess,
        "inference_ms": latency.inference,
        "postprocess_ms": latency.postprocess,
    }


def _label_row(label: LabelRecord) -> dict[str, Any]:
    row = label.model_dump(exclude={"schema_", "width", "height", "confidence", "model_version"})
    return {
        **row,
        "image_id": label.name,
        "kind": label.kind.value,
        "verdict": label.verdict.value if label.verdict else None,
    }
