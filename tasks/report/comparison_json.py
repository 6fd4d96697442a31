"""A comparison as JSON and back: what a gate report in the ledger holds, and what its hash covers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from tasks.domain.contrast import Contrast
from tasks.domain.evaluation import Comparison, Evaluation, Interval
from tasks.domain.finding import finding_from_json, finding_json


def comparison_json(comparison: Comparison) -> dict[str, Any]:
    """Gates, evaluations without their per-image scores, agreement, counts of images; nan is written as null."""
    seen = comparison.contrast
    return {
        "champion_sha256": comparison.champion_sha256,
        "challenger_sha256": comparison.challenger_sha256,
        "agreement": comparison.agreement,
        "contrast": {"better": seen.better, "worse": seen.worse, "alike": seen.alike},
        "gates": [finding_json(gate) for gate in comparison.gates],
        "evaluations": [_evaluation_json(each) for each in comparison.evaluations],
    }


def comparison_from_json(data: Mapping[str, Any]) -> Comparison:
    """The inverse of `comparison_json`, without per-image scores and examples; they are on the page only."""
    return Comparison(
        champion_sha256=data["champion_sha256"],
        challenger_sha256=data["challenger_sha256"],
        agreement=data["agreement"],
        contrast=Contrast(**data.get("contrast", {})),
        gates=tuple(finding_from_json(gate) for gate in data["gates"]),
        evaluations=tuple(_evaluation(each) for each in data["evaluations"]),
    )


def _evaluation_json(evaluation: Evaluation) -> dict[str, Any]:
    whole = asdict(evaluation)
    kept = {
        name: value
        for name, value in whole.items()
        if name not in ("image_ids", "scores", "answers", "scores_table", "labels_table")
    }
    numbers = {name: _finite(value) for name, value in evaluation.metrics.items()}
    return {**kept, "metrics": numbers, "headline": {k: _finite(v) for k, v in asdict(evaluation.headline).items()}}


def _evaluation(data: Mapping[str, Any]) -> Evaluation:
    headline = {name: _number(value) for name, value in data["headline"].items()}
    metrics = {name: _number(value) for name, value in data["metrics"].items()}
    return Evaluation(**{**data, "headline": Interval(**headline), "metrics": metrics})


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _number(value: float | None) -> float:
    return math.nan if value is None else value
