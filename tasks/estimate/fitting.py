"""From labelled images to a calibration: the version answers them whole, and damaged step by step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from tasks.domain.prediction import Prediction
from tasks.domain.scoring.detection import DetectionScores, score_detections
from tasks.domain.scoring.truth import Truth
from tasks.estimate.around import NOTHING, Around, around, sceneries
from tasks.estimate.belief import Belief, believe
from tasks.estimate.beside import Measured, inside, measured
from tasks.estimate.calibration import Calibration, Rung, fitted
from tasks.estimate.framed import ALWAYS, SIZE
from tasks.estimate.inside import Objects, looked_into
from tasks.estimate.ladder import FILTERS, LADDER, Image, Step, damaged
from tasks.estimate.likeness import Pictures, changed, learnt
from tasks.estimate.look import Look, Shift, look, shifts
from tasks.estimate.posture import Posture, postures
from tasks.estimate.posture import measured as held
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

    `whole`: labels and answers are about whole pictures (classify); `newest` are the places of the newest ones.
    """

    truths: Sequence[Truth]
    open: Callable[[int], Image]
    classes: tuple[str, ...]
    whole: bool = False
    newest: Sequence[int] = ()


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
    views, sizes, _ = _seen(labelled, len(labelled.truths), see)
    scored = scored_as(labelled.truths, views.own, labelled.classes, labelled.whole)
    belief = believe(labelled.truths, views.own, len(labelled.classes), labelled.whole)
    if belief is None or not (scored.confidence or labelled.whole):
        return None
    theirs = scored_as(labelled.truths, views.second, labelled.classes, labelled.whole) if views.second else None
    second = theirs.confidence if theirs else 0.0
    scale = _Scale(belief=belief, classes=labelled.classes, confidences=(scored.confidence, second))
    part = min(damaged_images, len(sizes))
    cameras, known, beside = _shown(labelled, views, scale.confidences[0])
    usual = sceneries(cameras, beside)
    whole = _rung("whole", labelled.truths[:part], _first(views, part), (sizes[:part], None, 1.0), scale)
    before, quality = _look(views.own[:part], sizes[:part], scale), whole.quality
    rungs, seen = [], []
    for step in steps:
        worse, _, shown = _seen(labelled, part, see, (step, scale.confidences[0]))
        compared, name = (sizes[:part], before, quality), f"{step.name}/{step.strength:g}"
        rungs.append(_rung(name, labelled.truths[:part], worse, compared, scale, around(usual, cameras[:part], shown)))
        seen.append(inside(shown))
    looked = inside(beside)
    filtered = _filtered(labelled, views.own[:part], looked, scale.confidences[0])
    objects = learnt(cameras, looked, [*filtered, *seen], labelled.newest)
    rungs = _looked_into(rungs, seen, partial(changed, objects, cameras[:part], undamaged=looked[:part]))
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
        postures=known,
        sceneries=usual,
        objects=objects,
    )


def _shown(
    labelled: Labelled, views: Views, confidence: float
) -> tuple[list[str], dict[str, Posture], list[Measured | None]]:
    """The camera of each picture, how cameras hold their pictures and what is around and inside the objects."""
    cameras, turned, beside = [truth.camera for truth in labelled.truths], [], []
    for at, answer in enumerate(views.own):
        picture = labelled.open(at)
        turned.append(held(picture))
        beside.append(measured(picture, answer, confidence))
    return cameras, postures(cameras, turned), beside


def _looked_into(rungs: Sequence[Rung], seen: Sequence[Pictures], change: Callable[[Pictures], Shift]) -> list[Rung]:
    """The steps of damage with how much the objects changed inside their boxes by each."""
    pairs = zip(rungs, map(change, seen), strict=True)
    return [replace(rung, around=replace(rung.around, inside=found)) for rung, found in pairs]


def _filtered(
    labelled: Labelled, answers: Sequence[Prediction], whole: Sequence[Objects | None], confidence: float
) -> list[list[Objects | None]]:
    """What the boxes of the first pictures show after each step of damage, without asking a version anything.

    `whole` is what they show undamaged: pictures without a box that can be looked into are left out.
    """
    found: list[list[Objects | None]] = [[None] * len(answers) for _ in FILTERS]
    for at, answer in enumerate(answers):
        before = whole[at]
        if before is None or not len(before.classes):
            continue
        picture = labelled.open(at)
        for step, shown in zip(FILTERS, found, strict=True):
            shown[at] = looked_into(damaged(picture, step, at), answer, confidence)
    return found


def _seen(
    labelled: Labelled, n: int, see: See, damage: tuple[Step, float] | None = None
) -> tuple[Views, list[tuple[int, int]], list[Measured | None]]:
    """The answers about the first `n` pictures and their sizes; few pictures at a time.

    With a step of damage they are shown damaged, and what is around the boxes kept at its confidence is measured.
    """
    views, sizes, beside = Views(own=(), mirrored=()), [], []
    for start in range(0, n, GROUP):
        pictures = [labelled.open(at) for at in range(start, min(start + GROUP, n))]
        sizes += [SIZE if labelled.whole else _size(picture) for picture in pictures]
        shown = [damaged(each, damage[0], start + at) for at, each in enumerate(pictures)] if damage else pictures
        found = see(shown).framed()
        views = views.and_then(found)
        if damage:
            beside += [measured(*each, damage[1]) for each in zip(shown, found.own, strict=True)]
    return views, sizes, beside


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
    beside: Around = NOTHING,
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
        around=beside,
    )


def scored_as(
    truths: Sequence[Truth], answers: Sequence[Prediction], classes: Sequence[str], whole: bool
) -> DetectionScores:
    """Scored at the confidence of the best F1; classes of whole pictures at any."""
    return score_detections(truths, answers, classes, ALWAYS if whole else None)


def quality_of(scored: DetectionScores, whole: bool) -> float:
    """mAP50; of whole pictures the accuracy, 0..1."""
    return scored.metrics()["recall" if whole else "map50"]


def _first(views: Views, n: int) -> Views:
    return Views(own=views.own[:n], mirrored=views.mirrored[:n], second=views.second[:n])


def _size(picture: Image) -> tuple[int, int]:
    return int(picture.shape[1]), int(picture.shape[0])
