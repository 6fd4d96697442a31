"""What the labels of an audit say of a whole window, with the help of what is seen of all its images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.domain.scoring.detection import DetectionScores, score_detections
from tasks.domain.scoring.intervals import session_weights
from tasks.estimate.audit import Candidate
from tasks.estimate.calibration import Calibration
from tasks.estimate.few import FewLabels, Parts, mean_of, ratio_of
from tasks.estimate.hints import of_records, of_views
from tasks.estimate.records import Answered, truth_of
from tasks.estimate.sheet import Seen, Sheet
from tasks.estimate.signs import Views


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Again:
    """Images of the window that were drawn by chance and answered once more: ids and answers, in one order."""

    image_ids: Sequence[str]
    views: Views


DRAWS = 200
"""Bootstrap draws of whole sessions."""


def audited(
    answers: Answered,
    drawn: Sequence[Candidate],
    labels: Mapping[str, Mapping[str, Any]],
    calibration: Calibration,
    again: Again | None = None,
) -> dict[str, FewLabels]:
    """Mean F1 of single images, precision and recall of the window; {} with too few labelled images.

    `drawn` are the images of an audit that have a label, `labels` the labels by image id. All answers are recorded, but
    only an image that capture kept can be asked for or answered again: the chance of that comes on top.
    """
    chances = {each.image_id: each.chance for each in drawn}
    ours = np.array([at for at, name in enumerate(answers.image_ids) if name in chances], np.intp)
    confidence = calibration.confidences[0]
    truth = [
        truth_of(answers.image_ids[at], answers.sessions[at], labels[answers.image_ids[at]]["objects"]) for at in ours
    ]
    scored = score_detections(truth, [answers.answers[at] for at in ours], _names(calibration, truth), confidence)
    kept, hits = (part.sum(1).astype(np.float64) for part in scored.counts())
    objects = scored.positives.sum(1).astype(np.float64)
    here, by_capture = _chances(answers)
    asked = np.array([chances[answers.image_ids[at]] for at in ours], np.float64)
    sheet = Sheet(
        size=len(answers),
        labelled=ours,
        chances=by_capture[ours] * asked / here[ours],
        weights=1 / here,
        strata=answers.cameras,
        sessions=answers.sessions,
    )
    seen = _seen(answers, calibration, again)
    found = {
        "f1": mean_of(np.array(scored.scores()), sheet, seen),
        "precision": ratio_of(Parts(top=hits, bottom=kept), sheet, seen),
        "recall": ratio_of(Parts(top=hits, bottom=objects), sheet, seen),
    }
    known = {name: each for name, each in found.items() if each is not None}
    return known if "f1" in known else {}


def _chances(answers: Answered) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(N,) each: the chance of a record to be among the answers, and that of its image to be kept."""
    certain = [1.0] * len(answers)
    return np.array(answers.chances or certain, np.float64), np.array(answers.kept or certain, np.float64)


def _seen(answers: Answered, calibration: Calibration, again: Again | None) -> list[Seen]:
    """What is seen of all images, and of those that were answered once more."""
    all_of_it = of_records(calibration.belief, answers.answers, calibration.confidences[0])
    found = [Seen(rows=np.arange(len(answers)), values=all_of_it)]
    place = {name: at for at, name in enumerate(answers.image_ids)}
    known = [at for at, name in enumerate(again.image_ids if again else ()) if name in place]
    if again is None or not known:
        return found
    values = of_views(calibration.belief, again.views, calibration.confidences)[known]
    rows = np.array([place[again.image_ids[at]] for at in known], np.intp)
    here, by_capture = _chances(answers)
    return [*found, Seen(rows=rows, values=values, weights=1 / (here * by_capture)[rows])]


def _names(calibration: Calibration, truth: Sequence[Any]) -> list[str]:
    """As many class names as there are classes: single images need none."""
    most = max((int(each.classes.max()) + 1 for each in truth if len(each.classes)), default=0)
    return [str(number) for number in range(max(most, len(calibration.belief.middles)))]


def quality_drawn(scored: DetectionScores, whole: bool) -> NDArray[np.float64]:
    """(b,) mAP50, or accuracy of whole pictures, as a bootstrap draws the images; nan where no label was drawn."""
    if whole:
        weights = scored.images.drawn_weights(session_weights(scored.sessions, DRAWS))
        labels = weights @ scored.positives.sum(1)
        return np.where(labels > 0, (weights @ scored.counts()[1].sum(1)) / np.maximum(labels, 1), np.nan)
    each = scored.average_precision(session_weights(scored.sessions, DRAWS))[:, :, 0]
    classes = np.isfinite(each).sum(1)
    total = np.nan_to_num(each).sum(1)
    means = np.full(len(each), np.nan)
    np.divide(total, classes, out=means, where=classes > 0)
    return means
