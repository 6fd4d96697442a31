"""What is seen of one image without a label that may tell how well it was answered: from a record, and looking again.

None of these is a score. Which of them says anything about the scores of a window, and how much, is learnt from the
labels of that window itself (`crossed`); one that says nothing costs nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tasks.domain.prediction import Prediction
from tasks.domain.scoring.agreement import alike
from tasks.estimate.belief import Belief
from tasks.estimate.signs import Views, soft_counts

Numbers = NDArray[np.float64]


def of_records(belief: Belief, answers: Sequence[Prediction], confidence: float) -> Numbers:
    """(n, 6) what the boxes of each answer promise at this operating confidence.

    The F1 to be expected, boxes kept, hits and objects to be expected, the chance of the weakest box that is kept and
    of the strongest one that is dropped.
    """
    found = [_of_record(belief, answer, confidence) for answer in answers]
    return np.array(found, np.float64).reshape(-1, 6)


def of_views(belief: Belief, views: Views, confidences: tuple[float, float]) -> Numbers:
    """(n, 7 or 10) what looking again shows: the same of all boxes, how alike the mirrored image is answered, and
    where there is a second version how alike it answers, how many boxes it keeps, and how alike it is to the mirrored.
    """
    own, second = confidences
    columns = [of_records(belief, views.own, own), _alike(views.own, views.mirrored, (own, own))]
    if views.second:
        kept = np.array([(answer.confidences >= second).sum() for answer in views.second], np.float64)
        columns += [_alike(views.own, views.second, confidences), kept[:, None]]
        columns.append(_alike(views.mirrored, views.second, confidences))
    return np.concatenate(columns, axis=1)


def _of_record(belief: Belief, answer: Prediction, confidence: float) -> tuple[float, ...]:
    chance, sure = belief.of(answer), answer.confidences >= confidence
    kept, hits, objects = soft_counts(belief, answer, confidence)
    promised = 2 * hits / (kept + objects) if kept + objects > 0 else 1.0
    weakest = float(chance[sure].min()) if sure.any() else 1.0
    return promised, kept, hits, objects, weakest, float(chance[~sure].max(initial=0.0))


def _alike(first: Sequence[Prediction], second: Sequence[Prediction], confidences: tuple[float, float]) -> Numbers:
    """(n, 1) how alike two answers about each image are."""
    return np.array([[alike(a, b, confidences)] for a, b in zip(first, second, strict=True)], np.float64).reshape(-1, 1)
