"""From labelled images to a calibration: the version answers them whole, and damaged step by step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tasks.domain.prediction import Prediction
from tasks.domain.scoring.detection import DetectionScores, score_detections
from tasks.domain.scoring.truth import Truth
from tasks.estimate.belief import Belief, believe
from tasks.estimate.calibration import Calibration, Rung, fitted
from tasks.estimate.framed import ALWAYS, SIZE
from tasks.estimate.ladder import LADDER, Image, Step, damaged
from tasks.estimate.look import Look, look, shifts
from tasks.estimate.posture import Posture, measured, postures
from tasks.estimate.signs import Views, signs_of

FLOOR = 0.25
"""Confidence that production usually keeps boxes from: looks are compared from there on."""

GROUP = 32
"""Pictures that are held in memory together."""

See = Callable[[Sequence[Image]], Views]
"""Asks for the answers about images, in order."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Labelled:
    """Labelled images of one version: what people said, and a way to open the picture of each.

    `whole`: labels and answers are about whole pictures (classify).
    """

    truths: Sequence[Truth]
    open: Callable[[int], Image]
    classes: tuple[str, ...]
    whole: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Scale:
    """What one version's answers are measured with."""

    belief: Belief
    classes: tuple[str, ...]
    confidences: tuple[float, float]


def calibrate(
    labelled: Labelled, see: See, versions: tuple[str, str], damaged_images: int, steps: Sequence[Step] = LADDER
) -> Calibration | None:
    """The calibration of a version; `versions` are its hash and that of the second one ("" for none).

    None when its labelled images show too few boxes to learn what a confidence is worth.
    """
    views, sizes = _seen(labelled, len(labelled.truths), see)
    always = ALWAYS if labelled.whole else None
    scored = score_detections(labelled.truths, views.own, labelled.classes, always)
    belief = believe(labelled.truths, views.own, len(labelled.classes), labelled.whole)
    if belief is None or not (scored.confidence or labelled.whole):
        return None
    theirs = score_detections(labelled.truths, views.second, labelled.classes, always) if views.second else None
    second = theirs.confidence if theirs else 0.0
    scale = _Scale(belief=belief, classes=labelled.classes, confidences=(scored.confidence, second))
    part = min(damaged_images, len(sizes))
    whole = _rung("whole", labelled.truths[:part], _first(views, part), (sizes[:part], None, 1.0), scale)
    before, quality = _look(views.own[:part], sizes[:part], scale), whole.quality
    rungs = [
        _rung(
            f"{step.name}/{step.strength:g}",
            labelled.truths[:part],
            _seen(labelled, part, see, step)[0],
            (sizes[:part], before, quality),
            scale,
        )
        for step in steps
    ]
    weights, error = fitted(rungs, whole.signs)
    return Calibration(
        sha256=versions[0],
        second=versions[1] if views.second else "",
        n=len(sizes),
        confidences=scale.confidences,
        quality=quality_of(scored, labelled.whole),
        belief=belief,
        clean=signs_of(views, belief, len(labelled.classes), scale.confidences),
        look=_look(views.own, sizes, scale),
        rungs=tuple(rungs),
        weights=weights,
        error=error,
        postures=_postures(labelled),
    )


def _postures(labelled: Labelled) -> dict[str, Posture]:
    """How each camera holds its pictures."""
    found = [measured(labelled.open(at)) for at in range(len(labelled.truths))]
    return postures([truth.camera for truth in labelled.truths], found)


def _seen(labelled: Labelled, n: int, see: See, step: Step | None = None) -> tuple[Views, list[tuple[int, int]]]:
    """The answers about the first `n` pictures, damaged by the step, and their sizes; few pictures at a time."""
    views, sizes = Views(own=(), mirrored=()), []
    for start in range(0, n, GROUP):
        pictures = [labelled.open(at) for at in range(start, min(start + GROUP, n))]
        shown = [damaged(each, step, start + at) for at, each in enumerate(pictures)] if step else pictures
        sizes += [SIZE if labelled.whole else _size(picture) for picture in pictures]
        views = views.and_then(see(shown).framed())
    return views, sizes


def looking_at(answers: Sequence[Prediction], sizes: Sequence[tuple[int, int]], confidence: float) -> Look:
    """The look of a set of answers, from the confidence on that production keeps boxes from; classes always count."""
    return look(answers, sizes, max(confidence, FLOOR) if confidence > ALWAYS else ALWAYS)


def _look(answers: Sequence[Prediction], sizes: Sequence[tuple[int, int]], scale: _Scale) -> Look:
    return looking_at(answers, sizes, scale.confidences[0])


def _rung(
    name: str,
    truths: Sequence[Truth],
    views: Views,
    compared: tuple[Sequence[tuple[int, int]], Look | None, float],
    scale: _Scale,
) -> Rung:
    sizes, before, whole = compared
    scored = score_detections(truths, views.own, scale.classes, scale.confidences[0])
    found = quality_of(scored, scale.belief.whole)
    after = _look(views.own, sizes, scale)
    return Rung(
        name=name,
        quality=found / whole if whole else 0.0,
        signs=signs_of(views, scale.belief, len(scale.classes), scale.confidences),
        shifts=shifts(before or after, after),
    )


def quality_of(scored: DetectionScores, whole: bool) -> float:
    """mAP50; of whole pictures the accuracy, 0..1."""
    return scored.metrics()["recall" if whole else "map50"]


def _first(views: Views, n: int) -> Views:
    return Views(own=views.own[:n], mirrored=views.mirrored[:n], second=views.second[:n])


def _size(picture: Image) -> tuple[int, int]:
    return int(picture.shape[1]), int(picture.shape[0])
