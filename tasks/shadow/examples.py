"""Which labelled images show best how the two versions differ: the largest gains, and always the largest losses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tasks.domain.contrast import Answer, Contrast, Example, Mark, Photo
from tasks.domain.prediction import Prediction
from tasks.domain.scoring.agreement import operating
from tasks.domain.scoring.detection import DetectionScores
from tasks.domain.scoring.marked import boxes, in_turns, mark
from tasks.domain.scoring.scored import Scored
from tasks.domain.scoring.truth import Truth
from tasks.shadow.gates import Pair

SHOWN = 12
"""Images at most."""

LOSSES = 4
"""So many of them show losses, where there are that many: who approves must have seen what gets worse."""

MARKS = 60
"""Boxes kept of one answer, the surest."""

SAME = 1e-9
"""Scores closer than this are alike."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Examined:
    """One labelled set: the images, what people said, and what both versions answer; all in the same order."""

    photos: Sequence[Photo]
    truth: Sequence[Truth]
    champion: Sequence[Prediction]
    challenger: Sequence[Prediction]


def contrast(pair: Pair, seen: Examined) -> Contrast:
    """How the two differ image by image. `pair` are the scores of `seen`; nothing is predicted again."""
    both = (_at_operating(pair.champion), _at_operating(pair.challenger))
    before, after = (np.array(scored.scores(), np.float64) for scored in both)
    gains = after - before
    place = {photo.image_id: index for index, photo in enumerate(seen.photos)}
    rows = [place[image_id] for image_id in pair.champion.image_ids]
    weight = np.array([_weight(seen, row) for row in rows], np.float64)
    better, worse = int((gains > SAME).sum()), int((gains < -SAME).sum())
    return Contrast(
        better=better,
        worse=worse,
        alike=len(gains) - better - worse,
        examples=tuple(
            Example(
                photo=seen.photos[rows[i]],
                truth=_truth(seen.truth[rows[i]], both[0]),
                champion=_answer(both[0], seen.truth[rows[i]], seen.champion[rows[i]], float(before[i])),
                challenger=_answer(both[1], seen.truth[rows[i]], seen.challenger[rows[i]], float(after[i])),
            )
            for i in chosen(gains, pair.champion.sessions, weight)
        ),
    )


def chosen(
    gains: NDArray[np.float64], sessions: Sequence[str], weight: NDArray[np.float64], limit: int = SHOWN
) -> list[int]:
    """Places of the largest gains, then of the largest losses; images that score alike are never chosen.

    Gains may not crowd out `LOSSES` losses. Every session comes before any session comes twice: its frames look
    alike. Of equal gains the one of larger `weight` (n,) comes first.
    """
    better = _spread([i for i in range(len(gains)) if gains[i] > SAME], gains, sessions, weight)
    worse = _spread([i for i in range(len(gains)) if gains[i] < -SAME], -gains, sessions, weight)
    kept = min(len(worse), max(LOSSES, limit - len(better)))
    up, down = better[: limit - kept], worse[:kept]
    return [*sorted(up, key=lambda i: -gains[i]), *sorted(down, key=lambda i: gains[i])]


def _spread(
    places: Sequence[int], size: NDArray[np.float64], sessions: Sequence[str], weight: NDArray[np.float64]
) -> list[int]:
    """The places by size, those that are the first of their session before the second ones."""
    ordered = sorted(places, key=lambda i: (-round(float(size[i]), 9), -weight[i], i))
    return in_turns(ordered, lambda i: sessions[i])


def _weight(seen: Examined, row: int) -> float:
    """Of two images that differ alike: the one with more objects, or where the true class's probability moved more."""
    truth, before, after = seen.truth[row], seen.champion[row], seen.challenger[row]
    if before.probabilities is None or after.probabilities is None:
        return float(len(truth.classes))
    moved = abs(float(after.probabilities[truth.classes[0]] - before.probabilities[truth.classes[0]]))
    return moved if np.isfinite(moved) else 0.0


def _at_operating(scored: Scored) -> Scored:
    """The scores at the confidence that boxes are drawn at, so that picture and score tell the same."""
    return replace(scored, confidence=operating(scored)) if isinstance(scored, DetectionScores) else scored


def _truth(truth: Truth, scored: Scored) -> tuple[Mark, ...]:
    boxed = isinstance(scored, DetectionScores)
    pairs = zip(truth.classes, truth.boxes, strict=True)
    found = [mark(scored.classes, int(c), box if boxed else None) for c, box in pairs]
    return tuple(found[:MARKS])


def _answer(scored: Scored, truth: Truth, prediction: Prediction, value: float) -> Answer:
    if isinstance(scored, DetectionScores):
        return _detected(scored, truth, prediction, value)
    if prediction.probabilities is None or not prediction.finite:
        return Answer(score=value, missed=_truth(truth, scored))
    odds, true = prediction.probabilities, int(truth.classes[0])
    guess = int(odds.argmax())
    said = (mark(scored.classes, guess, None, odds[guess]),)
    if guess == true:
        return Answer(score=value, right=said)
    return Answer(score=value, wrong=said, missed=(mark(scored.classes, true, None, odds[true]),))


def _detected(scored: DetectionScores, truth: Truth, prediction: Prediction, value: float) -> Answer:
    """The boxes that are sure enough, matched to the labelled objects as the score matches them."""
    if not prediction.finite:
        return Answer(score=value, missed=_truth(truth, scored))
    seen = boxes(scored.classes, truth, prediction, scored.confidence)
    drawn = list(zip(seen.said, seen.hit, strict=True))[:MARKS]
    missed = [each for each, was_found in zip(_truth(truth, scored), seen.found, strict=False) if not was_found]
    return Answer(
        score=value,
        right=tuple(each for each, good in drawn if good),
        wrong=tuple(each for each, good in drawn if not good),
        missed=tuple(missed),
        undrawn=len(seen.said) - len(drawn),
    )
