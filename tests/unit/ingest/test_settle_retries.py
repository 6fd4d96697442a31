"""A request that production tried twice is one answer."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from tasks.domain.contract import PredictionRecord, parse_prediction
from tasks.domain.contract_reasons import Reason, Rejected
from tasks.ingest import records


def line(milliseconds: float, confidence: float = 0.9) -> PredictionRecord:
    answer = parse_prediction(
        json.dumps(
            {
                "schema": 1,
                "image_id": "a",
                "key": "m/images/c/2026/01/01/00/a.jpg",
                "captured_at": "2026-01-01T00:10:00+00:00",
                "camera": "c",
                "model_version": "1",
                "kind": "detect",
                "width": 10,
                "height": 10,
                "detections": [{"class_id": 0, "confidence": confidence, "box": [1, 1, 5, 5]}],
                "latency_ms": {"preprocess": 1, "inference": milliseconds, "postprocess": 1},
            }
        )
    )
    assert isinstance(answer, PredictionRecord)
    return answer


def settle(*answers: PredictionRecord) -> records.Brief | tuple[Sequence[records.Brief], Rejected]:
    texts = [answer.model_dump_json(exclude={"latency_ms"}) for answer in answers]
    return records.settled(
        [
            records.Brief(
                number=n, key="k", version="1", answer=records.answer_of(text), note="", failed=bool(answers[n].error)
            )
            for n, text in enumerate(texts)
        ]
    )


def test_the_same_answer_at_another_speed_counts_once() -> None:
    found = settle(line(5.0), line(9.0))
    assert isinstance(found, records.Brief)
    assert (found.number, found.note) == (0, "duplicate_record")


def test_another_answer_of_the_same_version_is_a_conflict() -> None:
    found = settle(line(5.0), line(5.0, confidence=0.4))
    assert isinstance(found, tuple)
    assert [each.number for each in found[0]] == [0, 1]
    assert found[1].reason is Reason.CONFLICTING_RECORDS


def failure(error: str) -> PredictionRecord:
    return line(5.0).model_copy(update={"detections": (), "error": error})


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_an_answer_supersedes_the_failure_before_it(order: tuple[int, int]) -> None:
    told = [failure("out of memory"), line(5.0)]
    found = settle(*(told[n] for n in order))
    assert isinstance(found, records.Brief)
    assert (order[found.number], found.note) == (1, "retried")


def test_requests_that_failed_in_different_words_are_one_failure() -> None:
    found = settle(failure("timeout after 30 s"), failure("timeout after 31 s"))
    assert isinstance(found, records.Brief)
    assert (found.number, found.failed, found.note) == (0, True, "duplicate_record")


def test_two_answers_stay_a_contradiction_whatever_failed_beside_them() -> None:
    found = settle(failure("timeout"), line(5.0), line(5.0, confidence=0.4))
    assert isinstance(found, tuple)
    assert [each.number for each in found[0]] == [0, 1, 2]
