"""Oriented boxes have the mAP that `yolo val` computes of the same boxes.

Overlap and matching are the same. Averaging differs by what it differs for every kind: COCO, and so we, read the
precision at 101 recalls, ultralytics joins its points by lines, which is half of such a step more at the last recall.
"""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from tasks.adapters.yolo_load import ultralytics
from tasks.domain.model import Kind
from tasks.domain.prediction import Prediction
from tasks.domain.scoring import overlaps
from tasks.domain.scoring.curves import exact
from tasks.domain.scoring.detection import score_detections
from tasks.domain.scoring.truth import Truth

CLASSES = ("bar", "plate", "ring")
SIDES = np.array([[60, 12], [40, 30], [25, 25]])


def corners_of(boxes):
    """(n, 4, 2) corners of (n, 5) middle, sides and angle in radians."""
    turn = np.stack([np.cos(boxes[:, 4]), np.sin(boxes[:, 4])], -1)
    along, across = turn * boxes[:, 2:3] / 2, turn[:, ::-1] * [-1, 1] * boxes[:, 3:4] / 2
    middle = boxes[:, :2]
    return np.stack([middle + along + across, middle - along + across, middle - along - across,
                     middle + along - across], 1).astype(np.float32)  # fmt: skip


def drawn(seed, images=400):
    """What is there and what was answered, image by image: class, (n, 5) boxes, and of answers the confidence."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(images):
        n = int(rng.integers(0, 8))
        classes = rng.integers(0, 3, n)
        boxes = np.c_[
            rng.uniform(40, 600, (n, 2)), SIDES[classes] * rng.uniform(0.8, 1.2, (n, 2)), rng.uniform(0, 3, n)
        ]
        off = rng.normal(0, rng.choice([0.5, 2, 4], (n, 1)), (n, 5)) * [1, 1, 1, 1, 0.04]
        keep, extra = rng.random(n) < 0.85, int(rng.integers(0, 3))
        phantoms = np.c_[rng.uniform(40, 600, (extra, 2)), rng.uniform(10, 60, (extra, 2)), rng.uniform(0, 3, extra)]
        answers = np.r_[(boxes + off)[keep], phantoms]
        answers[:, 2:4] = np.maximum(answers[:, 2:4], 2)
        named = np.r_[classes[keep], rng.integers(0, 3, extra)]
        sure = np.r_[rng.beta(4, 2, keep.sum()), rng.beta(2, 4, extra)].astype(np.float32)
        found.append((classes, boxes, named, answers, sure))
    return found


def by_ultralytics(images):
    """mAP50 and mAP50-95 as the validator of oriented boxes gets them, and the same hits averaged as COCO does."""
    ultralytics()
    from ultralytics.models.yolo.obb import OBBValidator
    from ultralytics.utils.metrics import ap_per_class

    judge = SimpleNamespace(iouv=torch.linspace(0.5, 0.95, 10), niou=10)
    judge.match_predictions = lambda *given: OBBValidator.match_predictions(judge, *given)
    hits, sure, named, labels = [], [], [], []
    for classes, boxes, answered, answers, confidence in images:
        order = np.argsort(-confidence, kind="stable")
        said = {"cls": torch.tensor(answered[order]), "bboxes": torch.tensor(answers[order])}
        there = {"cls": torch.tensor(classes), "bboxes": torch.tensor(boxes)}
        hits.append(OBBValidator._process_batch(judge, said, there)["tp"])
        sure.append(confidence[order])
        named.append(answered[order])
        labels.append(classes)
    result = ap_per_class(*(np.concatenate(each) for each in (hits, sure, named, labels)))
    ap, coco = result[5], averaged(hits, sure, named, labels)
    return (float(ap[:, 0].mean()), float(ap.mean())), (float(coco[:, 0].mean()), float(coco.mean()))


def averaged(hits, sure, named, labels):
    """(classes, 10) area under the precision by our own averaging."""
    image = np.concatenate([np.full(len(each), n) for n, each in enumerate(sure)])
    right, confidence, answered = (np.concatenate(each) for each in (hits, sure, named))
    order = np.argsort(-confidence, kind="stable")
    found = []
    for label in range(len(CLASSES)):
        mine = order[answered[order] == label]
        there = np.array([(each == label).sum() for each in labels], np.float64)
        found.append(exact(image[mine], right[mine].T, None, there, np.ones((1, len(labels))))[0])
    return np.array(found)


def by_us(images):
    truths, answers = [], []
    for n, (classes, boxes, named, answered, sure) in enumerate(images):
        shapes, said = corners_of(boxes), corners_of(answered)
        upright = np.concatenate([shapes.min(1), shapes.max(1)], 1)
        truths.append(Truth(image_id=str(n), session=str(n), classes=classes, boxes=upright, corners=shapes))
        around = np.concatenate([said.min(1), said.max(1)], 1)
        answers.append(Prediction(boxes=around, classes=named, confidences=sure, corners=said))
    numbers = score_detections(truths, answers, CLASSES, kind=Kind.OBB).metrics()
    return numbers["map50"], numbers["map50_95"]


@pytest.mark.parametrize("seed", range(2))
def test_the_map_of_oriented_boxes_is_that_of_yolo_val(seed, monkeypatch):
    images = drawn(seed)
    (theirs, averaged_alike), ours = by_ultralytics(images), by_us(images)
    assert 0.2 < theirs[1] < theirs[0] < 0.95
    assert ours == pytest.approx(averaged_alike, abs=1e-3)
    assert ours[1] == pytest.approx(theirs[1], abs=2e-3)
    assert ours[0] == pytest.approx(theirs[0], abs=4e-3)
    monkeypatch.setattr(overlaps, "gaussian_iou", overlaps.turned_iou)
    assert abs(by_us(images)[1] - theirs[1]) > 0.02, "by the exact overlap it would be another number"
