"""Numbers are drawn once for the same scores, and never taken for those of others."""

from dataclasses import asdict, replace

import numpy as np
import pytest

from tasks.adapters import summary_cache
from tasks.adapters.answer_cache import AnswerCache
from tasks.adapters.summary_cache import SummaryCache
from tasks.domain.prediction import Prediction
from tasks.domain.scoring.classification import score_classes
from tasks.domain.scoring.detection import score_detections
from tasks.domain.scoring.scored import summary
from tasks.domain.scoring.truth import Truth
from tests.unit.evaluate.scoring_sets import CLASSES, random_set


@pytest.fixture
def drawn(monkeypatch):
    calls = []

    def counted(scored, seed):
        calls.append(seed)
        return summary(scored, seed)

    monkeypatch.setattr(summary_cache, "summary", counted)
    return calls


def scores(seed=1, **changes):
    truths, answers = random_set(seed, 20)
    return score_detections(truths, answers, CLASSES, **changes)


def same(first, second):
    return np.array_equal(list(first.metrics.values()), list(second.metrics.values()), equal_nan=True) and (
        list(first.metrics) == list(second.metrics)
        and np.array_equal(
            list(asdict(first.headline).values()), list(asdict(second.headline).values()), equal_nan=True
        )
    )


def test_the_same_scores_are_summed_up_once_and_to_the_last_digit_alike(tmp_path, drawn):
    found = scores()
    first, second = SummaryCache(tmp_path).of(found, 0), SummaryCache(tmp_path).of(scores(), 0)
    assert drawn == [0]
    assert same(first, second) and same(second, summary(found))


@pytest.mark.parametrize(
    "changes", [{"seed": 2}, {"confidence": 0.7}, {"size_limits": (16.0, 48.0)}], ids=["scores", "confidence", "sizes"]
)
def test_other_scores_or_another_way_to_sum_up_are_other_numbers(tmp_path, drawn, changes):
    cache = SummaryCache(tmp_path)
    cache.of(scores(), 0)
    other = scores(**changes)
    assert same(cache.of(other, 0), summary(other)) and drawn == [0, 0]
    cache.of(scores(), 5)
    assert drawn == [0, 0, 5], "another seed"
    renamed = replace(scores(), classes=tuple(f"{name}'" for name in CLASSES))
    assert any("'" in name for name in cache.of(renamed, 0).metrics)


def test_a_program_that_computes_otherwise_reads_nothing_of_this_one(tmp_path, drawn, monkeypatch):
    SummaryCache(tmp_path).of(scores(), 0)
    monkeypatch.setattr(summary_cache, "_source", lambda: "another")
    SummaryCache(tmp_path).of(scores(), 0)
    assert drawn == [0, 0]


@pytest.mark.parametrize("damage", [b"", b"{}", b'{"headline": 1, "metrics": 2}', b"\xff\xfe"])
def test_a_damaged_file_is_drawn_again(tmp_path, drawn, damage):
    first = SummaryCache(tmp_path).of(scores(), 0)
    (path,) = tmp_path.glob("*.json")
    path.write_bytes(damage)
    assert same(SummaryCache(tmp_path).of(scores(), 0), first)
    assert same(SummaryCache(tmp_path).of(scores(), 0), first) and drawn == [0, 0]


def test_only_the_newest_are_kept_and_a_cache_that_keeps_nothing_keeps_none(tmp_path, drawn, monkeypatch):
    monkeypatch.setattr(summary_cache, "MOST", 3)
    for seed in range(6):
        SummaryCache(tmp_path).of(scores(), seed)
    assert len(list(tmp_path.glob("*.json"))) == 3
    AnswerCache(tmp_path / "none", 0).summaries.of(scores(), 0)
    assert not (tmp_path / "none").exists()


def test_a_disk_that_takes_nothing_costs_no_evaluation(tmp_path, drawn):
    (tmp_path / "file").write_text("")
    found = SummaryCache(tmp_path / "file").of(scores(), 0)
    assert same(found, summary(scores()))


def test_classification_is_kept_too(tmp_path, drawn):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 4, 30)
    empty = np.zeros((1, 4), np.float32)
    truths = [
        Truth(image_id=f"i{n}", session=f"s{n}", classes=np.array([c]), boxes=empty) for n, c in enumerate(labels)
    ]
    answers = [Prediction(probabilities=rng.dirichlet(np.ones(4)).astype(np.float32)) for _ in labels]
    found = score_classes(truths, answers, CLASSES)
    assert same(SummaryCache(tmp_path).of(found, 0), SummaryCache(tmp_path).of(found, 0)) and drawn == [0]
