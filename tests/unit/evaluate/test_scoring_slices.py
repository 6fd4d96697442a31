"""A small slice is shown with its own score and judged by a steadier one."""

import math

import numpy as np
import pytest

from tasks.domain.prediction import Prediction
from tasks.domain.scoring.classification import score_classes
from tasks.domain.scoring.detection import score_detections
from tasks.domain.scoring.slices import shrink, slices, worst_gap
from tasks.domain.scoring.truth import Truth
from tests.unit.evaluate.scoring_sets import CLASSES, random_set


def answered(rights, cameras):
    """A classify set in which each image is a session of its own."""
    truths = [
        Truth(image_id=f"i{i}", session=f"s{i}", camera=c, classes=np.zeros(1, int), boxes=np.zeros((1, 4), np.float32))
        for i, c in enumerate(cameras)
    ]
    odds = [np.array([0.9, 0.1] if right else [0.1, 0.9], np.float32) for right in rights]
    return score_classes(truths, [Prediction(probabilities=row) for row in odds], ("a", "b"))


def test_a_slice_scores_like_its_images_alone():
    truths, answers = random_set(2, 40)
    scored = score_detections(truths, answers, CLASSES)
    for part in slices(scored, {"camera": scored.images.cameras}):
        picks = [i for i, one in enumerate(truths) if one.camera == part.name]
        alone = score_detections([truths[i] for i in picks], [answers[i] for i in picks], CLASSES)
        assert part.raw == pytest.approx(alone.headline()[0])
        assert (part.n, part.instances) == (len(picks), alone.instances.sum())
        assert part.low <= part.raw <= part.high


def test_a_small_slice_is_pulled_to_the_others_and_a_large_one_hardly():
    rng = np.random.default_rng(0)
    sizes, rates = {"a": 400, "b": 400, "c": 400, "d": 8}, {"a": 0.9, "b": 0.8, "c": 0.6, "d": 0.0}
    cameras = [name for name, size in sizes.items() for _ in range(size)]
    scored = answered([rng.random() < rates[name] for name in cameras], cameras)
    parts = {part.name: part for part in slices(scored, {"camera": cameras})}
    assert abs(parts["a"].shrunk - parts["a"].raw) < 0.01
    assert parts["d"].shrunk > parts["d"].raw + 0.1
    assert not parts["d"].enough


def test_pooled_scores_lie_nearer_to_the_truth_than_raw_ones():
    rng = np.random.default_rng(1)
    off = []
    for _ in range(60):
        real, sessions = rng.normal(0.8, 0.05, 12), rng.integers(3, 60, 12).astype(float)
        noise = 0.3 / np.sqrt(sessions)
        seen = real + rng.normal(0, noise)
        guessed = noise**2 * rng.chisquare(sessions - 1) / (sessions - 1)
        off.append([((seen - real) ** 2).mean(), ((shrink(seen, guessed, sessions) - real) ** 2).mean()])
    raw, pooled = np.mean(off, axis=0)
    assert pooled < 0.6 * raw


def test_slices_that_differ_by_chance_alone_are_drawn_together():
    cameras, widths = [f"c{i % 10}" for i in range(300)], []
    for seed in range(8):
        rights = np.random.default_rng(seed).random(300) < 0.8
        parts = slices(answered(rights, cameras), {"camera": cameras})
        widths.append([np.ptp([part.shrunk for part in parts]), np.ptp([part.raw for part in parts])])
    shrunk, raw = np.mean(widths, axis=0)
    assert shrunk < 0.5 * raw


def test_the_worst_slice_is_one_with_enough_images():
    cameras = ["a"] * 100 + ["b"] * 100 + ["c"] * 3
    rights = [i % 10 != 0 for i in range(100)] + [i % 10 > 4 for i in range(100)] + [False] * 3
    scored = answered(rights, cameras)
    gap = worst_gap(scored, slices(scored, {"camera": cameras}))
    assert gap is not None
    assert gap.worst.name == "b"
    assert gap.raw == pytest.approx(scored.headline()[0] - 0.5)
    assert 0 < gap.shrunk <= gap.raw


def test_one_slice_has_no_worst_and_nothing_to_lean_on():
    scored = answered([True] * 40, ["a"] * 40)
    (part,) = slices(scored, {"camera": ["a"] * 40})
    assert part.shrunk == part.raw == 1
    assert worst_gap(scored, [part]) is None


def test_a_slice_of_a_single_session_has_no_interval():
    parts = slices(answered([True] * 41, ["a"] * 40 + ["b"]), {"camera": ["a"] * 40 + ["b"]})
    assert math.isnan(parts[1].low)


def test_a_column_of_another_length_is_refused():
    with pytest.raises(ValueError, match="one per image"):
        slices(answered([True], ["a"]), {"line": ["x", "y"]})
