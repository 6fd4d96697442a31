"""What is kept of every image is enough: any number comes back without the model, and a drawn sample is weighed."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from tasks.adapters.tables import TableStore
from tasks.domain.model import Kind, ModelRef
from tasks.domain.prediction import Prediction
from tasks.domain.scoring.classification import score_classes
from tasks.domain.scoring.detection import score_detections
from tasks.domain.scoring.intervals import session_weights
from tasks.domain.scoring.scored import Protocol, evaluation
from tasks.domain.scoring.stored import from_table, scores_digest, to_table
from tasks.domain.scoring.taxonomy import confusion
from tasks.domain.scoring.truth import Truth
from tests.fakes.memory_store import MemoryStore
from tests.unit.evaluate.scoring_sets import CLASSES, random_set

PROTOCOL = Protocol(imgsz=64, conf=0.001, iou=0.7, batch=4, rect=False, half=False, device="cpu", versions=())
MOMENT = datetime(2026, 11, 20, tzinfo=UTC)


def ref(kind=Kind.DETECT):
    return ModelRef(name="line", sha256="a" * 64, uri="s3://b/k", kind=kind, classes=CLASSES, imgsz=64)


def summed_up(scored, kind=Kind.DETECT):
    return repr(evaluation(ref(kind), scored, "recent", "digest", PROTOCOL))


def boxes(n=40, chances=None, **changes):
    truths, answers = random_set(7, n)
    given = chances if chances is not None else [None] * n
    truths = [replace(one, captured_at=MOMENT, chance=chance) for one, chance in zip(truths, given, strict=True)]
    answers[3] = replace(answers[3], boxes=np.full((1, 4), np.nan, np.float32), classes=np.zeros(1, np.int64))
    return score_detections(truths, answers, CLASSES, **changes)


def classes(n=30):
    rng = np.random.default_rng(2)
    odds = rng.dirichlet(np.ones(len(CLASSES)), n).astype(np.float32)
    odds[4] = np.nan
    truths = [
        Truth(image_id=f"i{i}", session=f"s{i}", classes=rng.integers(0, 4, 1), boxes=np.zeros((1, 4), np.float32))
        for i in range(n)
    ]
    return score_classes(truths, [Prediction(probabilities=row) for row in odds], CLASSES)


def test_an_evaluation_of_boxes_comes_back_from_the_bucket_to_the_last_digit(tmp_path):
    scored = boxes(chances=np.linspace(0.1, 1, 40), size_limits=(20.0, 50.0))
    ref_to = TableStore(MemoryStore(), tmp_path).write(to_table(scored), "scores", "m/scores.parquet")
    back = from_table(TableStore(MemoryStore(), tmp_path).read(ref_to), ref())
    assert summed_up(back) == summed_up(scored)
    assert np.array_equal(confusion(back), confusion(scored))
    weights = session_weights(scored.sessions, 20, 3, scored.images.cameras)
    assert np.array_equal(back.headline(weights), scored.headline(weights))
    assert scores_digest(back) == scores_digest(scored)


def test_an_evaluation_of_classes_comes_back_from_its_table():
    scored = classes()
    assert summed_up(from_table(to_table(scored), ref(Kind.CLASSIFY)), Kind.CLASSIFY) == summed_up(
        scored, Kind.CLASSIFY
    )


@pytest.mark.parametrize("kind", [Kind.DETECT, Kind.CLASSIFY])
def test_no_image_is_an_empty_table(kind):
    scored = score_detections([], [], CLASSES) if kind is Kind.DETECT else score_classes([], [], CLASSES)
    assert summed_up(from_table(to_table(scored), ref(kind)), kind) == summed_up(scored, kind)


def test_a_part_of_the_table_scores_like_the_part_of_the_set():
    truths, answers = random_set(7, 40)
    chosen = [i for i, one in enumerate(truths) if one.camera == "c1"]
    whole = score_detections(truths, answers, CLASSES, 0.4)
    alone = score_detections([truths[i] for i in chosen], [answers[i] for i in chosen], CLASSES, 0.4)
    assert summed_up(from_table(to_table(whole).take(chosen), ref())) == summed_up(alone)


def test_a_drawn_sample_recovers_the_whole_only_when_it_is_weighed():
    """Hard images are looked at ten times as often as easy ones; each sample is scored as it is, and weighed."""
    truths, answers = random_set(11, 300)
    whole = score_detections(truths, answers, CLASSES, 0.3)
    expected = whole.metrics()
    hard = np.array(whole.scores()) < 0.5
    chances = np.where(hard, 0.9, 0.25)
    rng, names = np.random.default_rng(0), ("map50_95", "map50", "precision", "recall", "f1")
    found: dict[bool, list[list[float]]] = {True: [], False: []}
    for _ in range(40):
        picks = np.flatnonzero(rng.random(300) < chances)
        for weighed, samples in found.items():
            chosen = [replace(truths[i], chance=float(chances[i]) if weighed else None) for i in picks]
            numbers = score_detections(chosen, [answers[i] for i in picks], CLASSES, 0.3).metrics()
            samples.append([numbers[name] for name in names])
    wanted = np.array([expected[name] for name in names])
    off = {weighed: np.abs(np.mean(samples, axis=0) - wanted) for weighed, samples in found.items()}
    assert (off[True] < 0.02).all()
    assert (off[False][1:] > 0.05).all()


def test_whole_numbered_weights_are_copies_of_images():
    truths, answers = random_set(5, 30)
    chances = np.where(np.arange(30) % 2 == 0, 1.0, 1 / 3)
    weighed = [replace(one, chance=float(chance)) for one, chance in zip(truths, chances, strict=True)]
    picks = np.repeat(np.arange(30), np.where(np.arange(30) % 2 == 0, 1, 3))
    ours = score_detections(weighed, answers, CLASSES, 0.3).metrics()
    copied = score_detections([truths[i] for i in picks], [answers[i] for i in picks], CLASSES, 0.3).metrics()
    assert ours == pytest.approx(copied, abs=1e-3, nan_ok=True)


def test_a_set_with_an_unknown_chance_is_not_weighed():
    chances = [0.1, *[1.0] * 38, None]
    assert boxes(chances=chances).metrics() == pytest.approx(boxes().metrics(), nan_ok=True)


def test_many_draws_score_like_each_of_them():
    scored = boxes(60)
    weights = session_weights(scored.sessions, 30, 1)
    single = np.array([scored.headline(weights[i : i + 1])[0] for i in range(30)])
    assert scored.headline(weights) == pytest.approx(single, abs=2e-3)
    assert np.abs(scored.headline(weights) - single).mean() < 2e-4
