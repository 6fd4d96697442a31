"""Scores equal those of pycocotools and scikit-learn within 1e-3, on hundreds of sets with every oddity."""

import warnings

import numpy as np
import pytest
from sklearn import metrics as sk

from tasks.domain.prediction import Prediction
from tasks.domain.scoring.classification import score_classes
from tasks.domain.scoring.details import details
from tasks.domain.scoring.detection import score_detections
from tasks.domain.scoring.truth import Truth
from tests.unit.evaluate.scoring_sets import CLASSES, coco_boxes, random_set

STATS = ("map50_95", "map50", "map75", "map50_95_small", "map50_95_medium", "map50_95_large")
RECALLS = ("ar1", "ar10", "ar100", "ar_small", "ar_medium", "ar_large")


def same(ours, theirs):
    """Within 1e-3; pycocotools says -1 where nothing can be said."""
    return ours == pytest.approx(theirs, abs=1e-3) if theirs > -1 else np.isnan(ours)


@pytest.mark.parametrize("block", range(10))
def test_boxes_score_as_pycocotools_says(block):
    for seed in range(block * 20, block * 20 + 20):
        truths, answers = random_set(seed, crowded=seed % 20 == 0, digits=1 if seed % 3 == 0 else None)
        scored = score_detections(truths, answers, CLASSES)
        numbers = scored.metrics() | details(scored)
        judge = coco_boxes(truths, answers)
        assert all(same(numbers[name], value) for name, value in zip(STATS + RECALLS, judge.stats, strict=True)), seed
        precision = judge.eval["precision"][..., 0, 2].mean((0, 1))
        assert all(same(numbers[f"map50_95/{name}"], value) for name, value in zip(CLASSES, precision, strict=True))


def classified(seed):
    """Labels, probabilities and image weights; ties in probability, classes that nobody has or nobody answers."""
    rng = np.random.default_rng(seed)
    n, c = int(rng.integers(1, 60)), int(rng.integers(6, 9))
    labels = rng.integers(0, rng.integers(1, c + 1), n)
    raw = rng.random((n, c))
    raw[np.arange(n), labels] += rng.random(n) * rng.choice([0.0, 1.0])
    odds = (raw / raw.sum(1, keepdims=True)).astype(np.float32)
    return labels, odds.round(1) if seed % 3 == 0 else odds, rng.choice([0.1, 0.5, 1.0], n)


@pytest.mark.parametrize("block", range(4))
@pytest.mark.parametrize("weighted", [False, True])
def test_classes_score_as_scikit_learn_says(block, weighted):
    for seed in range(block * 60, block * 60 + 60):
        labels, odds, chances = classified(seed)
        weights = 1 / chances if weighted else np.ones(len(labels))
        names = tuple(f"class {i}" for i in range(odds.shape[1]))
        truths = [
            Truth(
                image_id=f"i{i}",
                session="s",
                classes=np.array([label]),
                boxes=np.zeros((1, 4), np.float32),
                chance=float(chances[i]) if weighted else None,
            )
            for i, label in enumerate(labels)
        ]
        numbers = score_classes(truths, [Prediction(probabilities=row) for row in odds], names).metrics()
        guess = odds.argmax(1)
        expected = {"accuracy": sk.accuracy_score(labels, guess, sample_weight=weights)}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # scikit-learn warns of classes that nobody has
            expected["balanced_accuracy"] = sk.balanced_accuracy_score(labels, guess, sample_weight=weights)
            for average, tail in (("macro", ""), ("weighted", "_weighted"), ("micro", "_micro")):
                parts = sk.precision_recall_fscore_support(
                    labels, guess, average=average, zero_division=0, sample_weight=weights
                )
                expected |= {f"{name}{tail}": parts[k] for k, name in enumerate(("precision", "recall", "f1"))}
        expected["top5"] = sk.top_k_accuracy_score(
            labels, odds, k=5, labels=range(odds.shape[1]), sample_weight=weights
        )
        truth = np.eye(odds.shape[1])[labels]
        expected["brier"] = np.average(((odds - truth) ** 2).sum(1), weights=weights)
        assert {name: numbers[name] for name in expected} == pytest.approx(expected, abs=1e-3), seed
