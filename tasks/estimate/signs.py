"""What answers say about their own quality, image by image and for a whole set, without any label."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tasks.domain.prediction import Prediction
from tasks.domain.scoring.agreement import alike
from tasks.domain.scoring.detection import RECALLS
from tasks.domain.scoring.matching import box_iou
from tasks.estimate.belief import Belief
from tasks.estimate.framed import framed

Numbers = NDArray[np.float64]

HINT = 0.05
"""Confidence below which a box hints at nothing."""

SAME = 0.45
"""Overlap (IoU) from which on two boxes are about one thing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signs:
    """Indicators of one set of answers, each lower when things are worse.

    `promised` is the mAP50 (whole pictures: the accuracy) that the calibrated confidences promise, `mirrored` how alike
    the answers are to those about the mirrored images, `agreement` to those of the second version, all 0..1; `rival` is
    how many boxes the second version keeps for each one that this version keeps. These two are nan without a second
    version. For each box that is kept `unclear` are dropped that are no mere noise, and `doubled` lie on a box of
    another class.
    """

    promised: float
    mirrored: float
    agreement: float = math.nan
    rival: float = math.nan
    unclear: float = 0.0
    doubled: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Views:
    """Answers about the same images: as they are, mirrored (turned back), and of a second version; () without one."""

    own: Sequence[Prediction]
    mirrored: Sequence[Prediction]
    second: Sequence[Prediction] = ()

    def framed(self) -> Views:
        """Answers about whole pictures as boxes around them; others as they are."""
        own, turned, second = ([framed(each) for each in part] for part in (self.own, self.mirrored, self.second))
        return Views(own=own, mirrored=turned, second=second)

    def and_then(self, more: Views) -> Views:
        """These images and those after them."""
        return Views(
            own=[*self.own, *more.own],
            mirrored=[*self.mirrored, *more.mirrored],
            second=[*self.second, *more.second],
        )


def signs_of(views: Views, belief: Belief, classes: int, confidences: tuple[float, float]) -> Signs:
    """The indicators of one set; `confidences` are the operating ones of this version and of the second."""
    own, second = confidences
    kept = sum(int((answer.confidences >= own).sum()) for answer in views.own)
    theirs = sum(int((answer.confidences >= second).sum()) for answer in views.second)
    return Signs(
        promised=_promised(belief, views.own, classes),
        mirrored=_mean(agreements(views.own, views.mirrored, (own, own))),
        agreement=_mean(agreements(views.own, views.second, confidences)) if views.second else math.nan,
        rival=theirs / max(kept, 1) if views.second else math.nan,
        unclear=sum(int(((a.confidences >= HINT) & (a.confidences < own)).sum()) for a in views.own) / max(kept, 1),
        doubled=sum(_doubled(answer) for answer in views.own) / max(kept, 1),
    )


def _promised(belief: Belief, answers: Sequence[Prediction], classes: int) -> float:
    if not belief.whole:
        return soft_map(belief, answers, classes)
    return float(sum(belief.of(answer).sum() for answer in answers)) / len(answers) if answers else math.nan


def _doubled(answer: Prediction) -> int:
    """Boxes, hints among them, that lie on a box of another class: what is there is two things at once."""
    hints = np.flatnonzero(answer.confidences >= HINT)
    over = box_iou(answer.boxes[hints], answer.boxes[hints]) >= SAME
    other = answer.classes[hints][:, None] != answer.classes[hints][None]
    return int((over & other).any(1).sum())


def _mean(values: Numbers) -> float:
    return float(values.mean()) if len(values) else math.nan


def soft_f1(belief: Belief, answer: Prediction, confidence: float) -> float:
    """The F1 that is to be expected of the boxes kept at this confidence, 0..1; 1 when nothing is expected at all.

    Objects are those that kept boxes are expected to find, and those that the dropped ones hint at.
    """
    kept, hits, objects = soft_counts(belief, answer, confidence)
    return 2 * hits / (kept + objects) if kept + objects > 0 else 1.0


def soft_counts(belief: Belief, answer: Prediction, confidence: float) -> tuple[float, float, float]:
    """Boxes kept at this confidence, how many of them are expected to hit, and how many objects there should be."""
    chance, sure = belief.of(answer), answer.confidences >= confidence
    objects = 1.0 if belief.whole else float(chance.sum()) / max(belief.recall, 1e-6)
    return float(sure.sum()), float(chance[sure].sum()), objects


def soft_map(belief: Belief, answers: Sequence[Prediction], classes: int) -> float:
    """mAP50 with expected hits in place of hits; nan when no class is expected to show any object."""
    label = np.concatenate([np.zeros(0, np.int64), *(a.classes for a in answers)])
    confidence = np.concatenate([np.zeros(0, np.float32), *(a.confidences for a in answers)])
    chance = np.concatenate([np.zeros(0), *(belief.of(a) for a in answers)])
    found = [_soft_ap(confidence[label == c], chance[label == c], belief.recall) for c in range(classes)]
    known = [value for value in found if np.isfinite(value)]
    return float(np.mean(known)) if known else float("nan")


def agreements(first: Sequence[Prediction], second: Sequence[Prediction], confidences: tuple[float, float]) -> Numbers:
    """(n,) how alike two answers about each image are, 0..1."""
    return np.array([alike(a, b, confidences) for a, b in zip(first, second, strict=True)], np.float64)


def mirrored(answers: Sequence[Prediction], widths: Sequence[int]) -> list[Prediction]:
    """Answers about mirrored images, turned back; `widths` are those of the images in pixels."""
    return [_turned(answer, width) for answer, width in zip(answers, widths, strict=True)]


def _turned(answer: Prediction, width: int) -> Prediction:
    boxes = answer.boxes.copy()
    boxes[:, [0, 2]] = width - boxes[:, [2, 0]]
    return replace(answer, boxes=boxes)


def _soft_ap(confidence: NDArray[np.float32], chance: Numbers, recall: float) -> float:
    order = np.argsort(-confidence, kind="stable")
    hits = np.cumsum(chance[order])
    positives = float(hits[-1]) / max(recall, 1e-6) if len(hits) else 0.0
    if positives < 0.5:
        return float("nan")
    envelope = np.maximum.accumulate((hits / np.arange(1, len(hits) + 1))[::-1])[::-1]
    at = np.searchsorted(hits / positives, RECALLS, side="left")
    return float(np.append(envelope, 0.0)[at].mean())
