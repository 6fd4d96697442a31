"""Numbers about whole images are scikit-learn's."""

import numpy as np
import pytest
from sklearn import metrics as sk

from tasks.domain.prediction import Prediction
from tasks.domain.scoring.classification import score_classes, top_k
from tasks.domain.scoring.truth import Truth

NAMES = tuple(f"class {i}" for i in range(7))


def truth(label, i=0):
    classes = np.array([] if label is None else [label], np.int64)
    return Truth(image_id=f"i{i}", session=f"s{i}", classes=classes, boxes=np.zeros((len(classes), 4), np.float32))


def random_answers(seed, n=120, known=7):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, known, n)
    raw = rng.random((n, len(NAMES)))
    raw[np.arange(n), labels] += rng.random(n)
    probabilities = (raw / raw.sum(1, keepdims=True)).astype(np.float32)
    return labels, probabilities, [Prediction(probabilities=row) for row in probabilities]


@pytest.mark.parametrize(("seed", "known"), [(0, 7), (1, 7), (2, 4), (3, 2)])
def test_numbers_are_those_of_scikit_learn(seed, known):
    labels, probabilities, answers = random_answers(seed, known=known)
    guess = probabilities.argmax(1)
    numbers = score_classes([truth(x, i) for i, x in enumerate(labels)], answers, NAMES).metrics()
    assert numbers["accuracy"] == pytest.approx(sk.accuracy_score(labels, guess))
    recalls = sk.recall_score(labels, guess, average=None, labels=np.unique(labels), zero_division=0)
    assert numbers["balanced_accuracy"] == pytest.approx(recalls.mean())
    assert numbers["f1"] == pytest.approx(sk.f1_score(labels, guess, average="macro", zero_division=0))
    top5 = sk.top_k_accuracy_score(labels, probabilities, k=5, labels=range(len(NAMES)))
    assert numbers["top5"] == pytest.approx(top5)


def test_the_confusion_matrix_is_that_of_scikit_learn():
    labels, probabilities, answers = random_answers(5)
    scored = score_classes([truth(x, i) for i, x in enumerate(labels)], answers, NAMES)
    expected = sk.confusion_matrix(labels, probabilities.argmax(1), labels=range(len(NAMES)))
    assert np.array_equal(scored.confusion(), expected)


def test_scores_are_one_for_right_and_zero_for_wrong():
    answers = [Prediction(probabilities=np.array([0.9, 0.1], np.float32))] * 2
    assert score_classes([truth(0), truth(1)], answers, ("a", "b")).scores() == (1.0, 0.0)


def test_an_image_whose_label_names_no_class_has_no_truth():
    answers = [Prediction(probabilities=np.array([0.9, 0.1], np.float32))] * 2
    assert score_classes([truth(None), truth(0)], answers, ("a", "b")).n == 1


def test_an_answer_with_nan_is_wrong_and_counted():
    answers = [Prediction(probabilities=np.array([np.nan, 0.1], np.float32))]
    scored = score_classes([truth(0)], answers, ("a", "b"))
    assert (scored.nonfinite, scored.metrics()["accuracy"], scored.confusion().sum()) == (1, 0.0, 0)


def test_without_images_every_number_is_unknown():
    scored = score_classes([], [], NAMES)
    assert np.isnan(scored.metrics()["accuracy"])
    assert np.isnan(top_k(scored.rank, 5))
