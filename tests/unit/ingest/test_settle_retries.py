"""A request that production tried twice is one answer."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from tasks.domain.contract import PredictionRecord, parse_prediction
from tasks.domain.contract_reasons import Reason
from tasks.domain.window import Window
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


WINDOW = Window(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, 1, tzinfo=UTC))


def settled(*answers: PredictionRecord) -> records.Settled:
    rows = [records.Found(source=f"p#{n}", size=1, etag="e", answer=answer) for n, answer in enumerate(answers)]
    return records.settle(rows, WINDOW)


def test_the_same_answer_at_another_speed_counts_once() -> None:
    found = settled(line(5.0), line(9.0))
    assert len(found.standing) == 1 and not found.refused
    assert "duplicate_record" in found.standing[0].note


def test_another_answer_of_the_same_version_is_a_conflict() -> None:
    found = settled(line(5.0), line(5.0, confidence=0.4))
    assert not found.standing
    assert {each.why.reason for each in found.refused} == {Reason.CONFLICTING_RECORDS}
