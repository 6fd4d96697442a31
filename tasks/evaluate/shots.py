"""The images of a labelled set that went worst: what was missed, and what was seen that is not there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tasks.domain.contrast import Photo
from tasks.domain.portrait import Shot
from tasks.domain.prediction import Prediction
from tasks.domain.scoring.detection import DetectionScores
from tasks.domain.scoring.marked import boxes, in_turns, mark
from tasks.domain.scoring.scored import Scored
from tasks.domain.scoring.truth import Truth

SHOWN = 6
"""Images of each kind."""

MARKS = 40
"""Boxes kept of one image and kind, the surest."""

LEAST = 0.1
"""Operating confidence below which boxes are not drawn: a model that knows nothing yet would draw hundreds."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Labelled:
    """One labelled set with the answers about it, all in the same order."""

    photos: Sequence[Photo]
    truths: Sequence[Truth]
    predictions: Sequence[Prediction]


def worst(scored: Scored, seen: Labelled) -> tuple[tuple[Shot, ...], tuple[Shot, ...]]:
    """Images with the most missed objects, and images with the surest wrong answers; different sessions first.

    For classify: those whose true class was held least likely, and those that were surest of a wrong one.
    """
    pairs = zip(seen.photos, seen.truths, seen.predictions, strict=True)
    wanted = {*scored.image_ids}
    shots = [(_shot(scored, *each), each[1].session) for each in pairs if each[1].image_id in wanted]
    missed = [pair for pair in shots if pair[0].missed]
    wrong = [pair for pair in shots if pair[0].wrong]
    return _spread(missed, _most_missed), _spread(wrong, _surest)


def _most_missed(shot: Shot) -> float:
    if shot.missed and shot.missed[0].box is None:  # classify: the true class with the probability it was given
        return -(shot.missed[0].confidence or 0.0)
    return len(shot.missed) - shot.score


def _surest(shot: Shot) -> float:
    return max(each.confidence or 0.0 for each in shot.wrong)


def _spread(pairs: Sequence[tuple[Shot, str]], size: Callable[[Shot], float]) -> tuple[Shot, ...]:
    """The first so many by size, the first of every session before the second of any."""
    ordered = sorted(pairs, key=lambda pair: (-size(pair[0]), pair[0].photo.image_id))
    return tuple(shot for shot, _ in in_turns(ordered, lambda pair: pair[1])[:SHOWN])


def _shot(scored: Scored, photo: Photo, truth: Truth, prediction: Prediction) -> Shot:
    if isinstance(scored, DetectionScores):
        return _boxes(scored, photo, truth, prediction)
    said = mark(scored.classes, int(truth.classes[0]), None)
    if prediction.probabilities is None or not prediction.finite:
        return Shot(photo=photo, score=0.0, truth=(said,), missed=(said,))
    odds, true = prediction.probabilities, int(truth.classes[0])
    guess = int(odds.argmax())
    answer = (mark(scored.classes, guess, None, odds[guess]),)
    if guess == true:
        return Shot(photo=photo, score=1.0, truth=(said,), right=answer)
    missed = (mark(scored.classes, true, None, odds[true]),)
    return Shot(photo=photo, score=0.0, truth=(said,), wrong=answer, missed=missed)


def _boxes(scored: DetectionScores, photo: Photo, truth: Truth, prediction: Prediction) -> Shot:
    """The boxes that are sure enough, matched to the labelled objects as the score matches them."""
    labels = [mark(scored.classes, int(c), box) for c, box in zip(truth.classes, truth.boxes, strict=True)]
    if not prediction.finite:
        return Shot(photo=photo, score=0.0, truth=tuple(labels[:MARKS]), missed=tuple(labels[:MARKS]))
    seen = boxes(scored.classes, truth, prediction, max(scored.confidence, LEAST))
    total = len(seen.said) + len(seen.found)
    return Shot(
        photo=photo,
        score=2 * float(seen.hit.sum()) / total if total else 1.0,
        truth=tuple(labels[:MARKS]),
        right=tuple(each for each, good in zip(seen.said, seen.hit, strict=True) if good)[:MARKS],
        wrong=tuple(each for each, good in zip(seen.said, seen.hit, strict=True) if not good)[:MARKS],
        missed=tuple(each for each, was in zip(labels, seen.found, strict=True) if not was)[:MARKS],
    )
