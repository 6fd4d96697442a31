"""What the labels of an audit say of a whole window, with the help of what the model believes of every image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.domain.scoring.detection import DetectionScores, score_detections
from tasks.domain.scoring.intervals import session_weights
from tasks.estimate.audit import Candidate
from tasks.estimate.calibration import Calibration
from tasks.estimate.few import FewLabels, Parts, Side, mean_of, ratio_of
from tasks.estimate.records import Answered, truth_of
from tasks.estimate.signs import soft_counts, soft_f1

DRAWS = 200
"""Bootstrap draws of whole sessions."""


def audited(
    answers: Answered, drawn: Sequence[Candidate], labels: Mapping[str, Mapping[str, Any]], calibration: Calibration
) -> dict[str, FewLabels]:
    """Mean F1 of single images, precision and recall of the window; {} with too few labelled images.

    `drawn` are the images of an audit that have a label, `labels` the labels by image id.
    """
    chances = {each.image_id: each.chance for each in drawn}
    ours = [at for at, name in enumerate(answers.image_ids) if name in chances]
    others = [at for at, name in enumerate(answers.image_ids) if name not in chances]
    confidence = calibration.confidences[0]
    truth = [
        truth_of(name, answers.sessions[at], labels[name]["objects"])
        for at, name in ((at, answers.image_ids[at]) for at in ours)
    ]
    scored = score_detections(truth, [answers.answers[at] for at in ours], _names(calibration, truth), confidence)
    kept, hits = (part.sum(1).astype(np.float64) for part in scored.counts())
    objects = scored.positives.sum(1).astype(np.float64)
    few = _side(answers, ours, calibration, np.array([1 / chances[answers.image_ids[at]] for at in ours]))
    pool = _side(answers, others, calibration, np.array([1 / answers.chances[at] for at in others]))
    guesses = [_counts(answers, rows, calibration) for rows in (ours, others)]
    found = {"f1": mean_of(np.array(scored.scores()), few, pool)}
    for name, at, bottom in (("precision", 0, kept), ("recall", 2, objects)):
        guessed = [Parts(top=each[1], bottom=each[at]) for each in guesses]
        found[name] = ratio_of(Parts(top=hits, bottom=bottom), (guessed[0], few), (guessed[1], pool))
    known = {name: each for name, each in found.items() if each is not None}
    return known if "f1" in known else {}


def _names(calibration: Calibration, truth: Sequence[Any]) -> list[str]:
    """As many class names as there are classes: single images need none."""
    most = max((int(each.classes.max()) + 1 for each in truth if len(each.classes)), default=0)
    return [str(number) for number in range(max(most, len(calibration.belief.middles)))]


def _side(answers: Answered, rows: Sequence[int], calibration: Calibration, weights: Any) -> Side:
    confidence = calibration.confidences[0]
    return Side(
        guesses=np.array([soft_f1(calibration.belief, answers.answers[at], confidence) for at in rows], np.float64),
        weights=weights,
        strata=[answers.cameras[at] for at in rows],
        sessions=[answers.sessions[at] for at in rows],
    )


def _counts(answers: Answered, rows: Sequence[int], calibration: Calibration) -> Any:
    """(3, n) boxes kept, hits to be expected, and objects to be expected of each image."""
    found = [soft_counts(calibration.belief, answers.answers[at], calibration.confidences[0]) for at in rows]
    return np.array(found, np.float64).reshape(-1, 3).T


def map50_drawn(scored: DetectionScores) -> NDArray[np.float64]:
    """(b,) mAP50 of the images as a bootstrap draws them; nan where no labelled object was drawn."""
    each = scored.average_precision(session_weights(scored.sessions, DRAWS))[:, :, 0]
    classes = np.isfinite(each).sum(1)
    total = np.nan_to_num(each).sum(1)
    means = np.full(len(each), np.nan)
    np.divide(total, classes, out=means, where=classes > 0)
    return means
