"""Random labelled sets with everything that trips a scorer, and what pycocotools says of them."""

import io
from contextlib import redirect_stdout

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from tasks.domain.prediction import Prediction
from tasks.domain.scoring.truth import Truth

CLASSES = ("crack", "scratch", "hole", "never seen")


def boxes_in(rng, n, largest=130):
    corner = rng.uniform(0, 220, (n, 2))
    sides = rng.uniform(2, rng.choice([20, 60, largest], (n, 1)), (n, 2))
    return np.concatenate([corner, corner + sides], 1).astype(np.float32)


def random_pair(rng, i, crowded=False, digits=None):
    """One image: labels, and answers that hit them more or less; now and then empty, degenerate or unanswered."""
    n = 0 if rng.random() < 0.2 else int(rng.integers(101, 130) if crowded else rng.integers(1, 7))
    boxes, classes = boxes_in(rng, n, 40 if crowded else 130), rng.integers(0, 3, n)
    near = boxes + rng.normal(0, rng.choice([0.5, 2, 6]), boxes.shape).astype(np.float32)
    keep = rng.random(n) < 0.85
    extra = boxes_in(rng, int(rng.integers(0, 4)))
    shown = np.concatenate([near[keep], near[keep][:2], extra])
    named = np.concatenate([classes[keep], classes[keep][:2], rng.integers(0, 3, len(extra))])
    named = np.where(rng.random(len(named)) < 0.1, rng.integers(0, 4, len(named)), named)
    shown[:, 2:] = np.maximum(shown[:, 2:], shown[:, :2])
    if rng.random() < 0.1 and len(shown):
        shown[0, 2:] = shown[0, :2]  # no area
    if rng.random() < 0.15:
        shown, named = shown[:0], named[:0]
    confidence = rng.random(len(named)).astype(np.float32)
    confidence = confidence if digits is None else confidence.round(digits)
    truth = Truth(image_id=f"i{i}", session=f"s{i // 3}", camera=f"c{i % 2}", classes=classes, boxes=boxes)
    return truth, Prediction(boxes=shown, classes=named, confidences=confidence)


def random_set(seed, n_images=6, crowded=False, digits=None):
    rng = np.random.default_rng(seed)
    pairs = [random_pair(rng, i, crowded and i == 0, digits) for i in range(n_images)]
    return [truth for truth, _ in pairs], [answer for _, answer in pairs]


def xywh(box):
    return [float(box[0]), float(box[1]), float(box[2]) - float(box[0]), float(box[3]) - float(box[1])]


def run_coco(images, annotations, results, kind="bbox", classes=CLASSES):
    """The `COCOeval` of annotations and results, accumulated and summarised."""
    data = {
        "images": [{"id": i + 1, "height": 400, "width": 400} for i in range(images)],
        "categories": [{"id": c + 1, "name": name} for c, name in enumerate(classes)],
        "annotations": [{"iscrowd": 0, **each, "id": k + 1} for k, each in enumerate(annotations)],
    }
    with redirect_stdout(io.StringIO()):
        gt = COCO()
        gt.dataset = data
        gt.createIndex()
        answers = gt.loadRes(results) if results else COCO()
        judge = COCOeval(gt, answers, kind)
        if not results:
            judge.params.imgIds, judge.params.catIds = sorted(gt.getImgIds()), sorted(gt.getCatIds())
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
    return judge


def coco_boxes(truths, answers):
    annotations = [
        {"image_id": i + 1, "category_id": int(c) + 1, "bbox": xywh(box), "area": xywh(box)[2] * xywh(box)[3]}
        for i, one in enumerate(truths)
        for c, box in zip(one.classes, one.boxes, strict=True)
    ]
    results = [
        {"image_id": i + 1, "category_id": int(c) + 1, "bbox": xywh(box), "score": float(s)}
        for i, one in enumerate(answers)
        for c, box, s in zip(one.classes, one.boxes, one.confidences, strict=True)
    ]
    return run_coco(len(truths), annotations, results)
