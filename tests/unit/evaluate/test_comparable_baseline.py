"""After an upgrade a baseline is measured again on the labels of then; if they are gone a sentence says what to do."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tasks.adapters.ledger.store import Ledger
from tasks.adapters.tables import TableStore
from tasks.domain.evaluation import Evaluation
from tasks.domain.finding import Finding, Outcome
from tasks.domain.model import ModelRef
from tasks.domain.prediction import Prediction
from tasks.domain.protocol import Protocol, refusal
from tasks.domain.scoring.scored import evaluation, score, summary
from tasks.domain.scoring.truth import truths
from tasks.domain.snapshot import TableRef
from tasks.domain.tables import DATASETS
from tasks.evaluate import task as stage
from tasks.evaluate.rules import EvaluateRules
from tests.fakes.memory_store import MemoryStore
from tests.unit.ledger.ledger_cases import MODEL, bootstrap, content_hash, reference

THEN = Protocol(
    imgsz=64, conf=0.001, iou=0.7, batch=16, rect=False, half=False, device="cpu",
    versions=("torch==2.15.0", "python==3.11.7"),
)  # fmt: skip
NOW = replace(THEN, versions=("torch==2.16.0", "python==3.11.9"))
RULES = EvaluateRules(min_labels=20)
BOX = np.array([[4, 4, 24, 24]], np.float32)
BARE = dict.fromkeys(("polygon", "corners", "keypoints"))


class Answers:
    """Finds what is there on all images but every `misses`-th; counts how often it was asked."""

    def __init__(self, misses: int = 10) -> None:
        self.misses, self.asked = misses, 0

    def about(self, count: int) -> list[Prediction]:
        one = Prediction(boxes=BOX, classes=np.zeros(1, np.int64), confidences=np.ones(1, np.float32))
        return [Prediction() if n % self.misses == 0 else one for n in range(count)]

    def answering(self, used: Protocol) -> Any:
        def answers(table: pa.Table) -> list[Prediction]:
            self.asked += 1
            return self.about(table.num_rows)

        return SimpleNamespace(protocol=used, answers=answers, numbers=dict, summary=summary)


class World:
    """A champion that was measured when it became one, under the packages of then."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        url = f"sqlite:///{folder / 'ledger.db'}"
        Ledger.upgrade(url)
        self.book, self.bucket, self.cache = Ledger.open(url), MemoryStore(), folder / "tables"
        self.tables = TableStore(self.bucket, self.cache)  # type: ignore[arg-type]
        bootstrap(self.book)
        found = self.book.promotions.champion(MODEL)
        assert found is not None
        self.champion: ModelRef = found
        self.answers, self.used = Answers(), NOW
        for name, thing in (("ledger", self.book), ("tables", self.tables), ("store", self.bucket)):
            monkeypatch.setattr(stage, name, lambda thing=thing: thing)
        monkeypatch.setattr(stage, "registry", lambda: SimpleNamespace(log_evaluation=lambda *_: None))
        monkeypatch.setattr(stage, "_answering", lambda ref, rules: self.answers.answering(self.used))
        monkeypatch.setattr(stage, "plots", lambda scored: {})

    def labels(self, name: str, count: int = 60, splits: Sequence[str] = ("test",)) -> TableRef:
        rows = [
            {"image_id": f"{name}{n}", "key": f"{name}{n}", "sha256": content_hash(f"{name}{n}"), "camera": "c",
             "session": f"s{n // 2}", "split": splits[n % len(splits)], "source": "recent",
             "labelled_at": datetime(2026, 1, 1, tzinfo=UTC),
             "objects": [{**BARE, "class_id": 0, "box": BOX[0].tolist()}]}
            for n in range(count)
        ]  # fmt: skip
        return self.tables.write(pa.Table.from_pylist(rows, schema=DATASETS), "datasets", f"{name}.parquet")

    def measured(self, name: str, used: Protocol, labels: TableRef, keep: bool = True) -> Evaluation:
        table = self.tables.read(labels)
        scored = score(self.champion, truths(table), Answers().about(table.num_rows))
        found = evaluation(self.champion, scored, name, labels.digest, used)
        found = replace(found, labels_table=labels if keep else None)
        self.book.evaluations.save(MODEL, found)
        return found

    def judged(self) -> tuple[Evaluation | None, Finding]:
        recent = self.measured("recent", self.used, self.labels("recent"))
        baseline = stage.comparable_baseline.fn(self.champion, recent, RULES)
        return baseline, stage.judge_performance.fn(recent, baseline, RULES).findings[0]


def named(found: Evaluation | None) -> tuple[str, ...]:
    """What an evaluation is of; its numbers hold nan."""
    return (found.dataset, found.digest, found.lock, str(found.headline.value)) if found else ()


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    made = World(tmp_path, monkeypatch)
    yield made
    made.book.close()


def test_a_baseline_of_the_same_protocol_is_not_measured_again(world: World) -> None:
    then = world.measured("baseline", NOW, world.labels("then"))
    baseline, found = world.judged()
    assert named(baseline) == named(then) and world.answers.asked == 0
    assert found.outcome is not Outcome.BREACH and "protocol" not in found.note


@pytest.mark.parametrize(
    "used", [NOW, replace(THEN, imgsz=128), replace(THEN, half=True, device="cuda")], ids=["upgrade", "size", "half"]
)
def test_under_another_protocol_the_same_labels_are_measured_again_and_then_compared(
    world: World, used: Protocol
) -> None:
    then, world.used = world.measured("baseline", THEN, world.labels("then")), used
    baseline, found = world.judged()
    assert baseline is not None and (baseline.dataset, baseline.digest) == ("baseline", then.digest)
    assert baseline.protocol == used.digest and baseline.labels_table == then.labels_table
    assert "protocol" not in found.note and "was 0." in found.note
    again, _ = world.judged()
    assert named(again) == named(baseline) and world.answers.asked == 1, "measured once, then kept"


def test_a_version_that_only_has_the_score_of_its_own_training_is_measured_on_that_split(world: World) -> None:
    whole = world.labels("training", 90, ("train", "train", "val"))
    card = {"dataset_uri": whole.uri, "dataset_digest": whole.digest}
    world.champion = world.book.versions.add(reference("second"), "retrain", "", whole.digest, card)
    world.measured("val", THEN, world.labels("val"), keep=False)
    baseline, found = world.judged()
    assert baseline is not None and (baseline.dataset, baseline.n) == ("val", 30)
    assert "protocol" not in found.note


def test_where_the_labels_of_then_are_gone_the_sentence_says_what_makes_it_comparable(world: World) -> None:
    labels = world.labels("then")
    world.measured("baseline", THEN, labels)
    del world.bucket.objects["then.parquet"]
    shutil.rmtree(world.cache)
    world.cache.mkdir()
    baseline, found = world.judged()
    assert baseline is not None and refusal(baseline, world.measured("recent", NOW, world.labels("recent")))
    assert found.outcome is Outcome.INCONCLUSIVE
    for words in (
        "torch 2.16.0 against 2.15.0", "packages were upgraded", "evergreen evaluate", "evergreen golden-freeze",
    ):  # fmt: skip
        assert words in found.note, found.note


def test_the_golden_set_that_the_sentence_asks_for_does_make_it_comparable(world: World) -> None:
    world.measured("baseline", THEN, world.labels("then"), keep=False)
    assert "golden-freeze" in world.judged()[1].note
    world.measured("golden", NOW, world.labels("golden"))
    baseline, found = world.judged()
    assert baseline is not None and baseline.dataset == "golden"
    assert "protocol" not in found.note and world.answers.asked == 0
