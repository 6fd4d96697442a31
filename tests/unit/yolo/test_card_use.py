"""How busy a GPU was is told where somebody can tell, and never costs an evaluation."""

import time
from dataclasses import replace
from types import SimpleNamespace

import pyarrow as pa
import pytest
import torch

from tasks.adapters import card_use
from tasks.adapters.answer_cache import AnswerCache
from tasks.adapters.answering import Answering
from tasks.domain.evaluation import CARD_USE
from tasks.domain.prediction import Prediction
from tests.unit.evaluate.test_protocol import BASE

TABLE = pa.table({"key": ["k"], "sha256": ["0" * 64]})


class Card:
    """A network on a GPU that takes a moment."""

    device = "0"

    def follow(self, used, paths):
        time.sleep(3 * card_use.EVERY)
        return [Prediction() for _ in paths]


@pytest.fixture
def asked(tmp_path, monkeypatch):
    monkeypatch.setattr(card_use, "EVERY", 0.01)
    images = SimpleNamespace(fetch=lambda key, sha256: key)
    cache = AnswerCache(tmp_path, 2**20)
    used = replace(BASE, device="cuda")
    return Answering(sha256="a" * 64, protocol=used, load=Card, images=images, cache=cache)


def test_the_share_of_the_time_is_sampled_while_it_infers(asked, monkeypatch):
    cards = []
    monkeypatch.setattr(torch.cuda, "utilization", lambda card: cards.append(card) or 60)
    asked.answers(TABLE)
    assert asked.numbers() == {CARD_USE: pytest.approx(0.6)}
    assert set(cards) == {0} and len(cards) >= 2


@pytest.mark.parametrize(
    "error",
    [
        ModuleNotFoundError("nvidia-ml-py does not seem to be installed"),
        RuntimeError("cuda driver can't be loaded, is cuda enabled?"),
        *(each("not supported") for each in card_use._nvml_errors()),
    ],
    ids=lambda error: type(error).__name__,
)
def test_nobody_who_can_tell_is_no_number_and_no_failure(asked, monkeypatch, error):
    def fails(card):
        raise error

    monkeypatch.setattr(torch.cuda, "utilization", fails)
    assert len(asked.answers(TABLE)) == 1
    assert asked.numbers() == {}


def test_answers_that_were_kept_and_processors_have_no_such_number(asked, monkeypatch):
    monkeypatch.setattr(torch.cuda, "utilization", lambda card: 60)
    asked.answers(TABLE)
    again = replace(asked, use=[])
    again.answers(TABLE)
    assert again.numbers() == {}
    assert card_use.asker("cpu") is None
