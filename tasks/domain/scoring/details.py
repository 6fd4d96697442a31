"""The further numbers of an evaluation of boxes: by size of the object, by number of boxes, by error, by confidence."""

from __future__ import annotations

import numpy as np

from tasks.domain.scoring.calibration import Bins, bins_of
from tasks.domain.scoring.curves import mean_known
from tasks.domain.scoring.detection import DetectionScores
from tasks.domain.scoring.matching import SIZES
from tasks.domain.scoring.taxonomy import costs

RECALL_AT = (1, 10, 100)
"""Boxes per image and class that average recall is given for (COCO's)."""


def details(scored: DetectionScores) -> dict[str, float]:
    """Numbers beside `DetectionScores.metrics`, all but counts 0..1; nan where nothing can be said.

    `map75`; `map50_95_small`, `map50_small`, `ar_small` and so on for `SIZES`; `ar1`, `ar10`, `ar100`; `d_ece`, also
    per class; `small_side` and `medium_side`, the sides in pixels up to which an object is small, medium;
    `errors_<kind>` how many, `cost_map50_<kind>` and `cost_f1_<kind>` what they cost (`taxonomy.costs`).
    """
    found = {"map75": float(mean_known(scored.average_precision()[0, :, 5][None])[0])}
    for most in RECALL_AT:
        found[f"ar{most}"] = _mean(scored.average_recall(most))
    for size, name in enumerate(SIZES):
        sized = scored.average_precision(size=size)[0]
        found[f"map50_95_{name}"] = _mean(sized.mean(1))
        found[f"map50_{name}"] = _mean(sized[:, 0])
        found[f"ar_{name}"] = _mean(scored.average_recall(size=size))
    for cost in costs(scored):
        kind = cost.error.name.lower()
        found |= {f"errors_{kind}": cost.count, f"cost_map50_{kind}": cost.map50, f"cost_f1_{kind}": cost.f1}
    found["small_side"], found["medium_side"] = scored.size_limits
    found["d_ece"] = reliability(scored, least=scored.confidence).error
    for label, name in enumerate(scored.classes):
        found[f"d_ece/{name}"] = reliability(scored, label, scored.confidence).error
    return found


def reliability(scored: DetectionScores, label: int | None = None, least: float = 0.0) -> Bins:
    """How often boxes of a given confidence hit at IoU 0.5, of one class or all, from the confidence `least` on."""
    found = scored.found
    chosen = found.confidence >= least
    if label is not None:
        chosen &= found.label == label
    right = (found.hits[chosen] & 1).astype(bool)
    return bins_of(found.confidence[chosen], right, scored.images.weights[found.image[chosen]])


def _mean(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> float:
    return float(mean_known(values[None])[0])
