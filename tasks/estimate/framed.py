"""The class of a whole picture as one box around it: so a classifier is estimated the way a detector is.

One box a picture, kept whatever its confidence: it takes the labelled box when it is of its class, so that recall at no
confidence is accuracy, and the F1 of a picture is 1 or 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from tasks.domain.prediction import Floats, Prediction
from tasks.domain.scoring.truth import Truth

SIZE = (1, 1)
"""Width and height of a picture in which the frame is everything."""

ALWAYS = 0.0
"""The operating confidence of a classifier: it always answers."""


def framed(answer: Prediction) -> Prediction:
    """An answer in probabilities as the box of its surest class; one in boxes as it is, one with NaN as none."""
    if answer.probabilities is None:
        return answer
    if not answer.finite or not len(answer.probabilities):
        return Prediction(speed=answer.speed)
    top = int(answer.probabilities.argmax())
    return one(top, float(answer.probabilities[top]))


def one(class_id: int, confidence: float) -> Prediction:
    """One class for the whole picture."""
    return Prediction(boxes=frames(1), classes=np.array([class_id]), confidences=np.array([confidence], np.float32))


def is_framed(answer: Prediction) -> bool:
    """Whether the answer is about the whole picture: nothing is beside its box."""
    return len(answer.boxes) == 1 and bool((answer.boxes == frames(1)).all())


def framed_truth(truth: Truth) -> Truth:
    """A label of a whole picture with a box around it."""
    return replace(truth, boxes=frames(len(truth.classes)))


def whole(entries: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a record or label speaks of the picture and not of places in it: none of its entries has a place."""
    return bool(entries) and not any(each.get("box") or each.get("polygon") or each.get("corners") for each in entries)


def frames(count: int) -> Floats:
    """(count, 4) boxes around everything."""
    return np.tile(np.array([0, 0, *SIZE], np.float32), (count, 1))
