"""Only what nobody has inferred yet is inferred, and the model is not even loaded without need."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from tasks.adapters.answer_cache import AnswerCache
from tasks.adapters.answering import Answering
from tasks.domain.errors import ContractError
from tasks.domain.prediction import Prediction
from tasks.domain.protocol import Protocol
from tasks.evaluate.shards import Shard, shards_of

USED = Protocol(
    imgsz=64, conf=0.001, iou=0.7, batch=4, rect=False, half=False, device="cpu", versions=("torch==1", "python==3")
)


def table(numbers):
    return pa.table({"key": [f"k{i}" for i in numbers], "sha256": [f"{i:064x}" for i in numbers]})


class Model:
    """Answers with the number in the path; counts what it was asked."""

    def __init__(self):
        self.loaded, self.seen, self.broken = 0, [], None

    def load(self):
        self.loaded += 1
        return self

    def follow(self, used, paths):
        if self.broken in paths:
            raise ContractError(f"{self.broken} cannot be decoded")
        self.seen += paths
        return [
            Prediction(
                boxes=np.full((1, 4), int(p[1:]), np.float32), classes=np.zeros(1, np.int64), confidences=np.ones(1)
            )
            for p in paths
        ]


class Images:
    def fetch(self, key, sha256=""):
        return key


@pytest.fixture
def model():
    return Model()


@pytest.fixture
def asking(tmp_path, model):
    def ask(used=USED, sha256="a" * 64):
        cache = AnswerCache(tmp_path, 2**24)
        return Answering(sha256=sha256, protocol=used, load=model.load, images=Images(), cache=cache)

    return ask


def numbers(answers):
    return [int(one.boxes[0, 0]) for one in answers]


def test_a_second_evaluation_infers_nothing_and_loads_nothing(asking, model):
    assert numbers(asking().answers(table(range(9)))) == list(range(9))
    assert numbers(asking().answers(table(range(8, -1, -1)))) == list(range(8, -1, -1))
    assert (model.loaded, len(model.seen)) == (1, 9)


def test_of_a_set_with_new_images_only_those_are_inferred(asking, model):
    asking().answers(table(range(5)))
    assert asking().unknown(table(range(7)))["key"].to_pylist() == ["k5", "k6"]
    asking().answers(table(range(7)))
    assert model.seen == [f"k{i}" for i in range(7)]


def test_the_same_image_twice_in_a_set_is_inferred_once(asking, model):
    assert numbers(asking().answers(table([3, 1, 3]))) == [3, 1, 3]
    assert model.seen == ["k3", "k1"]


def test_another_batch_is_no_reason_to_infer_again_but_another_size_or_file_is(asking, model):
    asking().answers(table([1]))
    asking(replace(USED, batch=1)).answers(table([1]))
    assert len(model.seen) == 1
    asking(replace(USED, imgsz=32)).answers(table([1]))
    asking(sha256="b" * 64).answers(table([1]))
    assert len(model.seen) == 3


def test_no_image_needs_no_model(asking, model):
    assert asking().answers(table([])) == []
    assert model.loaded == 0


def test_what_was_inferred_before_a_failure_is_not_inferred_again(asking, model, monkeypatch):
    monkeypatch.setattr("tasks.adapters.answering.PIECE", 2)
    model.broken = "k5"
    with pytest.raises(ContractError, match="k5 cannot be decoded"):
        asking().answers(table(range(8)))
    model.broken = None
    asking().answers(table(range(8)))
    assert sorted(model.seen) == [f"k{i}" for i in range(8)]


def test_what_another_machine_answered_is_taken(asking, model, tmp_path):
    there = asking()
    rows = table(range(4))
    packed = there.packed(rows, there.answers(rows))
    here = AnswerCache(tmp_path / "elsewhere", 2**24)
    mine = Answering(sha256="a" * 64, protocol=USED, load=model.load, images=Images(), cache=here)
    mine.unpack(packed)
    assert numbers(mine.answers(rows)) == [0, 1, 2, 3]
    assert len(model.seen) == 4


def test_shards_share_all_images_and_no_image_twice():
    hashes = [f"{i * 7919:064x}" for i in range(200)]
    shards = shards_of(len(hashes), 3, "here")
    rows = [row for shard in shards for row in shard.rows_of(hashes)]
    assert sorted(rows) == list(range(200))
    assert len({shard.asker for shard in shards}) == 1
    assert Shard(number=0, count=1, asker="").rows_of(hashes) == list(range(200))
