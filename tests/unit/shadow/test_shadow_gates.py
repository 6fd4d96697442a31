"""A gate opens on evidence only: better on recent images, not worse on golden ones, in every class."""

import math

import numpy as np
import pytest

from tasks.domain.finding import Outcome
from tasks.domain.prediction import Prediction, Speed
from tasks.domain.scoring.agreement import agreement
from tasks.domain.scoring.classification import score_classes
from tasks.domain.scoring.detection import score_detections
from tasks.domain.scoring.truth import Truth
from tasks.shadow.gates import Pair, agreed, finite, latency, non_inferiority, per_class, superiority
from tasks.shadow.rules import ShadowRules

RULES = ShadowRules(min_recent=100, min_golden=50, min_instances=30)
CLASSES = ("a", "b")


def pair(champion, challenger, n=200, seed=0, sessions=None):
    """Classifiers that are right with these chances, per class or overall."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, n)
    truths = [
        Truth(
            image_id=f"i{i}",
            session=f"s{i % (sessions or n)}",
            classes=np.array([c]),
            boxes=np.zeros((1, 4), np.float32),
        )
        for i, c in enumerate(labels)
    ]

    def scored(chance):
        by_class = chance if isinstance(chance, tuple) else (chance, chance)
        right = rng.random(n) < np.array(by_class)[labels]
        guess = np.where(right, labels, 1 - labels)
        answers = [Prediction(probabilities=np.eye(2, dtype=np.float32)[g]) for g in guess]
        return score_classes(truths, answers, CLASSES)

    return Pair(champion=scored(champion), challenger=scored(challenger))


def test_a_much_better_challenger_is_shown_to_be_better():
    finding = superiority(pair(0.6, 0.95), RULES)
    assert finding.outcome is Outcome.OK
    assert finding.value > 0.2


def test_a_much_worse_challenger_is_shown_to_be_worse():
    assert superiority(pair(0.95, 0.6), RULES).outcome is Outcome.BREACH


def test_the_same_answers_are_not_better():
    same = pair(0.8, 0.8)
    twin = Pair(champion=same.champion, challenger=same.champion)
    assert superiority(twin, RULES).outcome is not Outcome.OK
    assert non_inferiority(twin, RULES).outcome is Outcome.OK


def test_few_labels_are_inconclusive_however_large_the_difference():
    finding = superiority(pair(0.1, 1.0, n=60), RULES)
    assert finding.outcome is Outcome.INCONCLUSIVE
    assert "40 more" in finding.note


def test_no_labels_are_inconclusive():
    nothing = pair(0.5, 0.5, n=0)
    for finding in (superiority(nothing, RULES), non_inferiority(nothing, RULES), *per_class(nothing, RULES)):
        assert finding.outcome is Outcome.INCONCLUSIVE
        assert finding.value is None


def test_many_images_of_few_sessions_are_inconclusive():
    assert superiority(pair(0.2, 1.0, sessions=3), RULES).outcome is Outcome.INCONCLUSIVE


def test_forgetting_the_golden_set_closes_the_gate():
    assert non_inferiority(pair(0.95, 0.7), RULES).outcome is Outcome.BREACH


def test_two_equal_models_are_rarely_called_better():
    outcomes = [superiority(pair(0.8, 0.8, seed=seed), RULES).outcome for seed in range(40)]
    assert outcomes.count(Outcome.OK) <= 6


def test_a_strictly_worse_challenger_never_passes_where_a_better_one_failed():
    order = {Outcome.BREACH: 0, Outcome.INCONCLUSIVE: 1, Outcome.OK: 2}
    base = pair(0.8, 0.8)
    truth, guess = base.champion.truth, base.challenger.guess.copy()
    last = 3
    for flips in range(0, 200, 20):
        worse = guess.copy()
        worse[:flips] = 1 - truth[:flips]
        answers = [Prediction(probabilities=np.eye(2, dtype=np.float32)[g]) for g in worse]
        truths = [
            Truth(image_id=i, session=s, classes=np.array([t]), boxes=np.zeros((1, 4), np.float32))
            for i, s, t in zip(base.champion.image_ids, base.champion.sessions, truth, strict=True)
        ]
        found = superiority(Pair(champion=base.champion, challenger=score_classes(truths, answers, CLASSES)), RULES)
        assert order[found.outcome] <= last
        last = order[found.outcome]


def test_a_class_that_got_worse_is_found_though_the_whole_got_better():
    findings = {finding.subject: finding for finding in per_class(pair((0.95, 0.3), (0.6, 0.99), n=400), RULES)}
    assert findings["a"].outcome is Outcome.BREACH
    assert findings["b"].outcome is Outcome.OK


def test_a_rare_class_is_insufficient_instead_of_passed():
    findings = per_class(pair(0.9, 0.9, n=40), RULES)
    assert {finding.outcome for finding in findings} == {Outcome.INCONCLUSIVE}
    assert all("more needed" in finding.note for finding in findings)


def test_gates_work_on_boxes():
    rng = np.random.default_rng(0)
    truths, good, bad = [], [], []
    for i in range(120):
        corner = rng.uniform(0, 60, 2)
        box = np.array([[*corner, *(corner + 20)]], np.float32)
        truths.append(Truth(image_id=f"i{i}", session=f"s{i}", classes=np.array([i % 2]), boxes=box))
        answer = {"classes": np.array([i % 2]), "confidences": np.array([0.5 + i / 300], np.float32)}
        good.append(Prediction(boxes=box + 1, **answer))
        bad.append(Prediction(boxes=box + (1 if i % 3 else 12), **answer))
    both = Pair(champion=score_detections(truths, bad, CLASSES), challenger=score_detections(truths, good, CLASSES))
    assert superiority(both, RULES).outcome is Outcome.OK
    assert {finding.outcome for finding in per_class(both, RULES)} == {Outcome.OK}
    back = Pair(champion=both.challenger, challenger=both.champion)
    assert superiority(back, RULES).outcome is Outcome.BREACH


def timed(milliseconds, n=9):
    return [Prediction(speed=Speed(inference=milliseconds))] * n


@pytest.mark.parametrize(
    ("before", "after", "outcome"),
    [(10, 14, Outcome.OK), (10, 16, Outcome.BREACH), (0, 5, Outcome.INCONCLUSIVE)],
)
def test_a_slower_challenger_is_stopped(before, after, outcome):
    assert latency(timed(before), timed(after), RULES).outcome is outcome


def test_nothing_timed_is_inconclusive():
    assert latency([], [], RULES).outcome is Outcome.INCONCLUSIVE


def test_an_answer_with_nan_closes_the_gate_and_no_answer_does_not_open_it():
    broken = Prediction(probabilities=np.array([np.nan, 1], np.float32))
    assert finite([Prediction(), broken]).outcome is Outcome.BREACH
    assert finite([Prediction()]).outcome is Outcome.OK
    assert finite([]).outcome is Outcome.INCONCLUSIVE


def boxes(corners, confidence=0.9, label=0):
    array = np.array([[x, 0, x + 10, 10] for x in corners], np.float32).reshape(-1, 4)
    n = len(corners)
    return Prediction(boxes=array, classes=np.full(n, label), confidences=np.full(n, confidence, np.float32))


@pytest.mark.parametrize(
    ("first", "second", "value"),
    [
        (boxes([0, 50]), boxes([0, 50]), 1.0),
        (boxes([0, 50]), boxes([0]), 2 / 3),
        (boxes([0]), boxes([0], label=1), 0.0),
        (boxes([0]), boxes([30]), 0.0),
        (boxes([]), boxes([]), 1.0),
        (boxes([0], confidence=0.1), boxes([]), 1.0),
        (boxes([math.nan]), boxes([0]), 0.0),
    ],
)
def test_agreement_is_the_f1_of_two_sets_of_boxes(first, second, value):
    assert agreement([first], [second], (0.5, 0.5)) == pytest.approx(value)


def test_classifiers_agree_when_they_name_the_same_class():
    one, two = (Prediction(probabilities=np.array(p, np.float32)) for p in ([0.6, 0.4], [0.4, 0.6]))
    assert agreement([one, one], [one, two], (0.5, 0.5)) == 0.5
    assert agreement([], [], (0.5, 0.5)) is None


@pytest.mark.parametrize(
    ("limit", "value", "outcome"),
    [
        (None, 0.1, Outcome.OK),
        (None, None, Outcome.OK),
        (0.8, 0.9, Outcome.OK),
        (0.8, 0.7, Outcome.BREACH),
        (0.8, None, Outcome.INCONCLUSIVE),
    ],
)
def test_agreement_decides_only_when_a_limit_is_set(limit, value, outcome):
    assert agreed(value, 10, ShadowRules(min_agreement=limit)).outcome is outcome
