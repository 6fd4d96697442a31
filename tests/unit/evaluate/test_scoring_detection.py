"""Average precision is COCO's; everything else about boxes follows from the same matches."""

import io
from contextlib import redirect_stdout

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from tasks.domain.prediction import Prediction
from tasks.domain.scoring.detection import best_confidence, precision_recall, score_detections
from tasks.domain.scoring.intervals import session_weights
from tasks.domain.scoring.matching import box_iou
from tasks.domain.scoring.truth import Truth

CLASSES = ("crack", "scratch", "hole")


def boxes_in(rng, n):
    corner = rng.uniform(0, 80, (n, 2))
    return np.concatenate([corner, corner + rng.uniform(4, 40, (n, 2))], 1).astype(np.float32)


def truth(image_id, boxes=(), classes=(), session=None):
    return Truth(
        image_id=image_id,
        session=session or image_id,
        classes=np.array(classes, np.int64),
        boxes=np.array(boxes, np.float32).reshape(-1, 4),
    )


def found(boxes=(), classes=(), confidences=()):
    return Prediction(
        boxes=np.array(boxes, np.float32).reshape(-1, 4),
        classes=np.array(classes, np.int64),
        confidences=np.array(confidences, np.float32),
    )


def random_set(seed, n_images=25, empty=0.25, digits=None):
    """Labels, and answers that hit them more or less: shifted copies, wrong classes, inventions, doubled boxes."""
    rng = np.random.default_rng(seed)
    truths, answers = [], []
    for i in range(n_images):
        n = 0 if rng.random() < empty else int(rng.integers(1, 7))
        boxes, classes = boxes_in(rng, n), rng.integers(0, len(CLASSES), n)
        near = boxes + rng.normal(0, rng.choice([0.5, 2, 6]), boxes.shape).astype(np.float32)
        keep = rng.random(n) < 0.85
        extra = boxes_in(rng, int(rng.integers(0, 4)))
        shown = np.concatenate([near[keep], near[keep][:1], extra])
        named = np.concatenate([classes[keep], classes[keep][:1], rng.integers(0, len(CLASSES), len(extra))])
        swap = rng.random(len(named)) < 0.1
        named = np.where(swap, rng.integers(0, len(CLASSES), len(named)), named)
        shown[:, 2:] = np.maximum(shown[:, 2:], shown[:, :2] + 1)
        confidence = rng.random(len(named))
        truths.append(truth(f"i{i}", boxes, classes, session=f"s{i // 3}"))
        answers.append(found(shown, named, confidence if digits is None else confidence.round(digits)))
    return truths, answers


def coco(truths, answers):
    """(map50_95, map50, {class: ap50_95}) by pycocotools."""

    def xywh(box):
        return [float(box[0]), float(box[1]), float(box[2]) - float(box[0]), float(box[3]) - float(box[1])]

    images = [{"id": i + 1} for i in range(len(truths))]
    labels = [
        {"image_id": i + 1, "category_id": int(c) + 1, "bbox": (b := xywh(box)), "area": b[2] * b[3], "iscrowd": 0}
        for i, one in enumerate(truths)
        for c, box in zip(one.classes, one.boxes, strict=True)
    ]
    data = {
        "images": images,
        "categories": [{"id": c + 1, "name": name} for c, name in enumerate(CLASSES)],
        "annotations": [{**label, "id": k + 1} for k, label in enumerate(labels)],
    }
    results = [
        {"image_id": i + 1, "category_id": int(c) + 1, "bbox": xywh(box), "score": float(s)}
        for i, one in enumerate(answers)
        for c, box, s in zip(one.classes, one.boxes, one.confidences, strict=True)
    ]
    with redirect_stdout(io.StringIO()):
        gt = COCO()
        gt.dataset = data
        gt.createIndex()
        judge = COCOeval(gt, gt.loadRes(results), "bbox")
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
    precision = judge.eval["precision"][:, :, :, 0, 2]  # iou, recall, class
    per_class = {}
    for c, name in enumerate(CLASSES):
        values = precision[:, :, c][precision[:, :, c] > -1]
        per_class[name] = float(values.mean()) if len(values) else float("nan")
    return judge.stats[0], judge.stats[1], per_class


@pytest.mark.parametrize("seed", range(12))
def test_average_precision_is_that_of_pycocotools(seed):
    truths, answers = random_set(seed)
    numbers = score_detections(truths, answers, CLASSES).metrics()
    whole, at50, per_class = coco(truths, answers)
    assert numbers["map50_95"] == pytest.approx(whole, abs=1e-3)
    assert numbers["map50"] == pytest.approx(at50, abs=1e-3)
    for name, value in per_class.items():
        assert numbers[f"map50_95/{name}"] == pytest.approx(value, abs=1e-3, nan_ok=True)


def test_average_precision_with_tied_confidences_is_that_of_pycocotools():
    truths, answers = random_set(99, n_images=40, digits=1)
    whole, at50, _ = coco(truths, answers)
    numbers = score_detections(truths, answers, CLASSES).metrics()
    assert numbers["map50_95"] == pytest.approx(whole, abs=1e-3)
    assert numbers["map50"] == pytest.approx(at50, abs=1e-3)


def test_more_than_a_hundred_boxes_of_a_class_are_cut_as_coco_cuts_them():
    rng = np.random.default_rng(5)
    boxes = boxes_in(rng, 30)
    many = np.concatenate([boxes_in(rng, 120), boxes])
    confidence = np.concatenate([rng.uniform(0.3, 1, 120), rng.uniform(0, 1, 30)])
    truths, answers = [truth("a", boxes, [0] * 30)], [found(many, [0] * 150, confidence)]
    numbers = score_detections(truths, answers, CLASSES).metrics()
    assert numbers["map50_95"] == pytest.approx(coco(truths, answers)[0], abs=1e-3)


def test_a_drawn_set_scores_as_if_its_images_had_been_copied():
    truths, answers = random_set(3)
    scored = score_detections(truths, answers, CLASSES)
    weights = session_weights(scored.sessions, draws=4, seed=1)
    for draw, weight in enumerate(weights):
        picks = np.repeat(np.arange(len(truths)), weight)
        copied = score_detections([truths[i] for i in picks], [answers[i] for i in picks], CLASSES)
        assert scored.headline(weights)[draw] == pytest.approx(copied.headline()[0], abs=1e-3)


def test_perfect_answers_score_one():
    truths, _ = random_set(1)
    answers = [found(one.boxes, one.classes, np.ones(len(one.classes))) for one in truths]
    numbers = score_detections(truths, answers, CLASSES).metrics()
    assert numbers["map50_95"] == pytest.approx(1)
    assert numbers["f1"] == 1


def test_without_a_labelled_object_there_is_no_score_instead_of_zero():
    scored = score_detections([truth("a"), truth("b")], [found(), found([[0, 0, 9, 9]], [0], [0.5])], CLASSES)
    assert np.isnan(scored.headline()[0])


def test_without_an_image_there_is_no_score():
    scored = score_detections([], [], CLASSES)
    assert np.isnan(scored.headline()[0])
    assert scored.scores() == ()


def test_an_empty_image_left_empty_scores_one_and_an_invented_box_scores_zero():
    truths = [truth("a"), truth("b"), truth("c", [[0, 0, 10, 10]], [0])]
    answers = [found(), found([[0, 0, 9, 9]], [0], [0.9]), found([[0, 0, 10, 10]], [0], [0.8])]
    assert score_detections(truths, answers, CLASSES, confidence=0.5).scores() == (1.0, 0.0, 1.0)


def test_the_given_confidence_decides_which_boxes_count():
    truths = [truth("a", [[0, 0, 10, 10]], [0])]
    answers = [found([[0, 0, 10, 10], [40, 40, 50, 50]], [0, 0], [0.9, 0.3])]
    assert score_detections(truths, answers, CLASSES, confidence=0.2).metrics()["precision"] == 0.5
    assert score_detections(truths, answers, CLASSES, confidence=0.5).metrics()["precision"] == 1.0


def test_the_best_confidence_beats_every_other_one():
    truths, answers = random_set(8)
    scored = score_detections(truths, answers, CLASSES)
    best = scored.metrics()["f1"]
    for confidence in np.linspace(0, 1, 40):
        assert score_detections(truths, answers, CLASSES, float(confidence)).metrics()["f1"] <= best + 1e-12
    assert best_confidence(scored.boxes, int(scored.positives.sum())) == scored.confidence


def test_an_answer_with_nan_is_counted_and_finds_nothing():
    truths = [truth("a", [[0, 0, 10, 10]], [0])]
    broken = found([[0, 0, 10, 10]], [0], [np.nan])
    scored = score_detections(truths, [broken], CLASSES)
    assert scored.nonfinite == 1
    assert scored.metrics()["map50"] == 0


def test_boxes_without_area_overlap_nothing():
    nothing = np.array([[5, 5, 5, 5]], np.float32)
    assert box_iou(nothing, nothing)[0, 0] == 0


def test_the_precision_recall_curve_ends_at_the_recall_of_all_boxes():
    truths, answers = random_set(4)
    scored = score_detections(truths, answers, CLASSES, confidence=0.0)
    recall, precision = precision_recall(scored, 0)
    assert recall[-1] == pytest.approx(scored.metrics()["recall/crack"])
    assert precision[-1] == pytest.approx(scored.metrics()["precision/crack"])
