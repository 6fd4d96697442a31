"""Masks, turned boxes and poses are scored as their own oracles say."""

import cv2
import numpy as np
import pytest
from pycocotools import mask as coco_mask

from tasks.adapters.yolo_load import ultralytics
from tasks.domain.errors import ContractError
from tasks.domain.model import Kind, ModelRef
from tasks.domain.prediction import Prediction
from tasks.domain.protocol import Protocol, differences, protocol_of, scored_as
from tasks.domain.scoring.details import details
from tasks.domain.scoring.detection import score_detections
from tasks.domain.scoring.outlines import area, fill
from tasks.domain.scoring.overlaps import POSE_AREA, gaussian_iou, keypoint_similarity, outline_iou, turned_iou
from tasks.domain.scoring.scored import score
from tasks.domain.scoring.truth import Truth
from tests.unit.evaluate.scoring_sets import CLASSES, run_coco, xywh

SIDE = 400


def star(rng, at=None, corners=9):
    """A closed outline (k, 2) around a middle, not convex."""
    middle = rng.uniform(60, 300, 2) if at is None else at
    turn = np.sort(rng.uniform(0, 2 * np.pi, corners))
    return (middle + rng.uniform(8, 50, (corners, 1)) * np.c_[np.cos(turn), np.sin(turn)]).astype(np.float32)


def around(shapes):
    return np.array([[*each.min(0), *each.max(0)] for each in shapes], np.float32).reshape(-1, 4)


def on_image(outline):
    """The outline as pycocotools' run lengths, drawn as `fill` draws it."""
    patch, grid = fill(outline), np.zeros((SIDE + 400, SIDE + 400), np.uint8)
    left, top = patch.left + 200, patch.top + 200
    grid[top : top + patch.mask.shape[0], left : left + patch.mask.shape[1]] = patch.mask
    return coco_mask.encode(np.asfortranarray(grid))


def shifted(rng, shapes, spread=(1, 4, 10)):
    return [shape + rng.normal(0, rng.choice(spread), 2).astype(np.float32) for shape in shapes]


def outlined(seed):
    rng = np.random.default_rng(seed)
    truths, answers = [], []
    for i in range(5):
        shapes = [star(rng) for _ in range(int(rng.integers(0, 6)))]
        classes = rng.integers(0, 3, len(shapes))
        shown = [*shifted(rng, shapes), *(star(rng) for _ in range(2))] if rng.random() < 0.9 else []
        named = np.r_[classes, rng.integers(0, 3, 2)] if shown else np.zeros(0, np.int64)
        truths.append(
            Truth(image_id=f"i{i}", session="s", classes=classes, boxes=around(shapes), polygons=tuple(shapes))
        )
        sure = rng.random(len(shown)).astype(np.float32)
        answers.append(Prediction(boxes=around(shown), classes=named, confidences=sure, polygons=tuple(shown)))
    return truths, answers


@pytest.mark.parametrize("seed", range(8))
def test_masks_score_as_pycocotools_says(seed):
    truths, answers = outlined(seed)
    annotations = [
        {
            "image_id": i + 1,
            "category_id": int(c) + 1,
            "segmentation": on_image(p),
            "area": area(p),
            "bbox": [0, 0, 1, 1],
        }
        for i, one in enumerate(truths)
        for c, p in zip(one.classes, one.polygons, strict=True)
    ]
    results = [
        {"image_id": i + 1, "category_id": int(c) + 1, "segmentation": on_image(p), "score": float(s)}
        for i, one in enumerate(answers)
        for c, p, s in zip(one.classes, one.polygons, one.confidences, strict=True)
    ]
    judge = run_coco(len(truths), annotations, results, "segm")
    numbers = score_detections(truths, answers, CLASSES, kind=Kind.SEGMENT).metrics()
    assert [numbers["map50_95"], numbers["map50"]] == pytest.approx(judge.stats[:2].tolist(), abs=1e-3)


def test_a_drawn_outline_covers_what_the_outline_encloses():
    rng = np.random.default_rng(0)
    for _ in range(30):
        shape = star(rng)
        drawn = np.zeros((SIDE, SIDE), np.uint8)
        assert fill(shape).cells == pytest.approx(area(shape), rel=0.03, abs=6)
        cv2.fillPoly(drawn, [np.rint((shape - 0.5) * 16).astype(np.int32)], 1, shift=4)
        edge = cv2.arcLength(shape, closed=True)
        assert abs(int(drawn.sum()) - fill(shape).cells) <= edge  # OpenCV draws the edge as well


def test_a_coarser_grid_hardly_changes_the_overlap():
    rng = np.random.default_rng(1)
    first = [star(rng, at=np.array([100.0, 100.0])) * 10 for _ in range(4)]
    second = [star(rng, at=np.array([105.0, 100.0])) * 10 for _ in range(4)]
    assert outline_iou(first, second) == pytest.approx(outline_iou(first, second, raster=200), abs=0.01)


def squares(*placed):
    return [np.array([[x, y], [x + s, y], [x + s, y + s], [x, y + s]], np.float32) for x, y, s in placed]


@pytest.mark.parametrize("side", [1280, 4096, 20_000])
def test_a_thing_that_fills_the_picture_makes_the_small_ones_beside_it_no_coarser(side):
    rng = np.random.default_rng(side)
    small = squares(*(rng.integers(20, 500, 3) % (480, 480, 10) + (0, 0, 6) for _ in range(8)))
    moved = [each + rng.integers(-1, 2, 2) for each in small]
    masks = [
        coco_mask.frPyObjects([each.reshape(-1).astype(float).tolist() for each in shapes], 600, 600)
        for shapes in (moved, small)
    ]
    expected = coco_mask.iou(*masks, [0] * len(small))
    whole = squares((0, 0, side))
    found = outline_iou([*whole, *moved], [*whole, *small])
    assert found[1:, 1:] == pytest.approx(expected, abs=1e-9)
    assert found[0, 0] == 1.0
    assert found[1:, 0] == pytest.approx(np.array([area(each) for each in moved]) / side**2, abs=1e-3)


def test_outlines_that_do_not_meet_are_not_drawn_at_all(monkeypatch):
    monkeypatch.setattr("tasks.domain.scoring.overlaps.fill", None)
    assert not outline_iou(squares((0, 0, 50), (200, 0, 50)), squares((50, 0, 50), (0, 60, 9000))).any()


def test_an_outline_without_area_overlaps_nothing():
    line = np.array([[0, 0], [5, 5]], np.float32)
    assert outline_iou([line], [line])[0, 0] == 0


def turned(rng, n):
    """Turned boxes: corners (n, 4, 2), and what OpenCV calls them."""
    rects = [
        (tuple(rng.uniform(40, 90, 2)), tuple(rng.uniform(3, 50, 2)), float(rng.uniform(0, 180))) for _ in range(n)
    ]
    return np.array([cv2.boxPoints(rect) for rect in rects], np.float32).reshape(-1, 4, 2), rects


def opencv_iou(first, second):
    state, points = cv2.rotatedRectangleIntersection(first, second)
    if state == cv2.INTERSECT_NONE or points is None:
        return 0.0
    both = cv2.contourArea(cv2.convexHull(points))
    return both / (np.prod(first[1]) + np.prod(second[1]) - both)


def test_turned_boxes_overlap_as_opencv_says():
    rng = np.random.default_rng(0)
    for _ in range(30):
        (a, first), (b, second) = turned(rng, 6), turned(rng, 5)
        expected = np.array([[opencv_iou(x, y) for y in second] for x in first])
        assert turned_iou(a, b) == pytest.approx(expected, abs=2e-3)
        assert turned_iou(a, b[:, ::-1]) == pytest.approx(expected, abs=2e-3)  # corners the other way round


def test_a_turned_box_is_itself_and_not_its_upright_neighbour():
    a, _ = turned(np.random.default_rng(3), 5)
    assert np.diag(turned_iou(a, a)) == pytest.approx(1, abs=1e-6)
    assert turned_iou(a[:0], a).shape == (0, 5)


def as_ultralytics(rects):
    """Middle, sides and angle in radians, as `batch_probiou` wants them."""
    return np.array([(*rect[0], *rect[1], np.deg2rad(rect[2])) for rect in rects], np.float64).reshape(-1, 5)


def test_turned_boxes_are_compared_as_yolo_val_compares_them():
    ultralytics()
    from ultralytics.utils.metrics import batch_probiou

    rng = np.random.default_rng(0)
    for _ in range(30):
        (a, first), (b, second) = turned(rng, 6), turned(rng, 5)
        expected = batch_probiou(as_ultralytics(first), as_ultralytics(second)).numpy()
        assert gaussian_iou(a, b) == pytest.approx(expected, abs=1e-4)
        assert gaussian_iou(a, b[:, ::-1]) == pytest.approx(expected, abs=1e-4)  # corners the other way round
        assert gaussian_iou(np.roll(a, 1, axis=1), b) == pytest.approx(expected, abs=1e-4)  # another first corner
    assert gaussian_iou(a[:0], b).shape == (0, 5) and gaussian_iou(a, b[:0]).shape == (6, 0)
    flat = np.zeros((2, 4, 2), np.float32)
    assert np.isfinite(gaussian_iou(flat, a)).all(), "a box without area is no error"


def test_oriented_boxes_are_scored_under_a_protocol_of_their_own_and_their_answers_are_kept_as_before():
    used = Protocol(imgsz=64, conf=0.1, iou=0.7, batch=1, rect=False, half=False, device="cpu", versions=("a==1",))
    turned_, upright = scored_as(used, Kind.OBB), scored_as(used, Kind.DETECT)
    assert (upright, upright.digest, upright.conditions("")) == (used, used.digest, used.conditions(""))
    assert turned_.digest != used.digest and turned_.recipe == used.recipe
    assert str(differences(used.conditions(""), turned_.conditions(""))[0]) == "overlap nothing against probiou"
    assert protocol_of(turned_.conditions("d")) == turned_ and protocol_of(used.conditions("d")) == used
    assert "overlap" not in used.conditions("d"), "what was kept before goes on comparing"


def posed(seed, points=17):
    rng = np.random.default_rng(seed)
    truths, answers = [], []
    for i in range(8):
        n = int(rng.integers(0, 5))
        corner = rng.uniform(0, 200, (n, 2))
        boxes = np.concatenate([corner, corner + rng.uniform(30, 150, (n, 2))], 1).astype(np.float32)
        spots = boxes[:, None, :2] + rng.random((n, points, 2)) * (boxes[:, None, 2:] - boxes[:, None, :2])
        seen = rng.integers(0, 3, (n, points, 1)) * (rng.random((n, 1, 1)) > 0.15)
        labels = np.concatenate([spots, seen], -1).astype(np.float32)
        near = spots + rng.normal(0, rng.choice([1, 4, 9], (n, 1, 1)), spots.shape)
        shown = np.concatenate([near, np.ones((n, points, 1))], -1).astype(np.float32)
        truths.append(
            Truth(image_id=f"i{i}", session="s", classes=np.zeros(n, np.int64), boxes=boxes, keypoints=labels)
        )
        sure = rng.random(n).astype(np.float32)
        answers.append(Prediction(boxes=boxes, classes=np.zeros(n, np.int64), confidences=sure, keypoints=shown))
    return truths, answers


@pytest.mark.parametrize("seed", range(8))
def test_poses_score_as_pycocotools_says(seed):
    truths, answers = posed(seed)
    annotations = [
        {
            "image_id": i + 1,
            "category_id": 1,
            "keypoints": [float(x) for x in points.ravel()],
            "num_keypoints": int((points[:, 2] > 0).sum()),
            "bbox": xywh(box),
            "area": xywh(box)[2] * xywh(box)[3] * POSE_AREA,
        }
        for i, one in enumerate(truths)
        for points, box in zip(one.keypoints, one.boxes, strict=True)
    ]
    results = [
        {"image_id": i + 1, "category_id": 1, "keypoints": [float(x) for x in points.ravel()], "score": float(s)}
        for i, one in enumerate(answers)
        for points, s in zip(one.keypoints, one.confidences, strict=True)
    ]
    judge = run_coco(len(truths), annotations, results, "keypoints", ("person",))
    scored = score_detections(truths, answers, ("person",), kind=Kind.POSE)
    numbers = scored.metrics() | details(scored)
    ours = [numbers[name] for name in ("map50_95", "map50", "map75", "map50_95_medium", "map50_95_large")]
    assert ours == pytest.approx([value if value > -1 else np.nan for value in judge.stats[:5]], abs=1e-3, nan_ok=True)


def test_keypoints_other_than_seventeen_are_all_held_to_the_same_tolerance():
    label = np.array([[[10, 10, 2], [20, 20, 2]]], np.float32)
    off = label + np.array([3, 0, 0], np.float32)
    found = keypoint_similarity(off, label, np.array([[0, 0, 30, 30]], np.float32), np.array([400.0]))
    assert found[0, 0] == pytest.approx(np.exp(-9 / (2 * 0.5) ** 2 / 400 / 2))


def test_every_kind_is_scored_from_a_model_reference():
    corners, _ = turned(np.random.default_rng(0), 1)
    box, classes, sure = around(corners), np.zeros(1, np.int64), np.ones(1, np.float32)
    truth = Truth(image_id="i", session="s", classes=classes, boxes=box, corners=corners)
    answer = Prediction(boxes=box, classes=classes, confidences=sure, corners=corners)
    ref = ModelRef(name="line", sha256="a" * 64, uri="s3://b/k", kind=Kind.OBB, classes=("a",), imgsz=64)
    assert score(ref, [truth], [answer]).headline()[0] == pytest.approx(1)
    other = Prediction(
        boxes=box, classes=classes, confidences=sure, corners=corners.mean(1, keepdims=True) + corners / 9
    )
    assert score(ref, [truth], [other]).headline()[0] == 0


@pytest.mark.parametrize(("labelled", "answered"), [(5, 17), (1, 17), (17, 1), (2, 3)])
def test_labels_with_other_keypoints_than_the_model_has_are_refused_in_a_sentence(labelled, answered):
    truth, answer = one_pose(labelled), one_pose(answered)
    with pytest.raises(ContractError, match=rf"i0: its labels have {labelled} keypoints .* answers {answered}"):
        score_detections([truth[0]], [answer[1]], ["a"], kind=Kind.POSE)
    assert score_detections([truth[0]], [truth[1]], ["a"], kind=Kind.POSE).metrics()["map50"] == pytest.approx(1.0)


def one_pose(keypoints):
    box, points = np.array([[10, 10, 60, 60]], np.float32), np.full((1, keypoints, 3), 20, np.float32)
    truth = Truth(image_id="i0", session="s", classes=np.zeros(1, np.int64), boxes=box, keypoints=points)
    sure = np.array([0.9], np.float32)
    return truth, Prediction(boxes=box, classes=np.zeros(1, np.int64), confidences=sure, keypoints=points)
