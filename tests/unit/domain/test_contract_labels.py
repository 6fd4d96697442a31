"""A label is whole or refused; nothing there is a label."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.domain.contract import Limits, Reason, Rejected
from tasks.domain.contract_labels import LabelRecord, parse_label
from tasks.domain.contract_tables import labels_table
from tasks.domain.tables import LABELS

GOOD: dict[str, Any] = {
    "schema": 1,
    "image_id": "a1",
    "kind": "detect",
    "objects": [{"class_id": 0, "box": [10, 20, 30, 40]}],
    "labelled_at": "2026-11-20T07:00:00Z",
    "annotator": "ada",
}
LIMITS = Limits(classes=2)


def line(**changes: Any) -> str:
    return json.dumps({**GOOD, **changes})


def boxes(*given_boxes: Any, **changes: Any) -> str:
    return line(objects=[{"class_id": 0, "box": box} for box in given_boxes], **changes)


BAD: list[tuple[str, str | bytes, Reason]] = [
    ("not JSON", "0 0.5 0.5 0.1 0.1", Reason.BAD_JSON),
    ("UTF-16", line().encode("utf-16"), Reason.BAD_JSON),
    ("newer", line(schema=9), Reason.SCHEMA_NEWER),
    ("NaN", boxes([float("nan"), 1, 2, 3]), Reason.NON_FINITE),
    ("normalised coordinates", boxes([0.1, 0.1, 0.6, 0.6]), Reason.DEGENERATE_BOX),
    ("no width", boxes([5, 5, 5, 50]), Reason.DEGENERATE_BOX),
    ("inside out", boxes([50, 5, 5, 50]), Reason.BAD_LABEL),
    ("far negative", boxes([-20, 5, 5, 50]), Reason.BAD_LABEL),
    ("outside the stated image", boxes([5, 5, 200, 50], width=100, height=100), Reason.BAD_LABEL),
    ("five numbers", boxes([1, 2, 30, 40, 5]), Reason.BAD_LABEL),
    ("one bad of three", boxes([1, 1, 9, 9], [9, 9, 1, 1], [2, 2, 8, 8]), Reason.BAD_LABEL),
    ("class out of range", line(objects=[{"class_id": 2, "box": [1, 1, 9, 9]}]), Reason.BAD_CLASS),
    ("class as name", line(objects=[{"class_id": "crack", "box": [1, 1, 9, 9]}]), Reason.BAD_CLASS),
    ("class as float", line(objects=[{"class_id": 1.0, "box": [1, 1, 9, 9]}]), Reason.BAD_CLASS),
    ("no objects field", json.dumps({k: v for k, v in GOOD.items() if k != "objects"}), Reason.BAD_LABEL),
    ("objects null", line(objects=None), Reason.BAD_LABEL),
    ("no box", line(objects=[{"class_id": 0}]), Reason.BAD_LABEL),
    ("naive time", line(labelled_at="2026-11-20T07:00:00"), Reason.BAD_TIME),
    ("two classes", line(kind="classify", objects=[{"class_id": 0}, {"class_id": 1}]), Reason.BAD_LABEL),
    ("unknown verdict", line(verdict="maybe"), Reason.BAD_LABEL),
    ("nobody", line(annotator=""), Reason.BAD_LABEL),
]


@pytest.mark.parametrize(("text", "reason"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_a_bad_label_is_refused_with_its_reason(text: str | bytes, reason: Reason) -> None:
    answer = parse_label(text, LIMITS)
    assert isinstance(answer, Rejected)
    assert answer.reason is reason, answer


def good(text: str) -> LabelRecord:
    answer = parse_label(text, LIMITS)
    assert isinstance(answer, LabelRecord), answer
    return answer


def test_the_note_names_the_bad_object_of_three() -> None:
    answer = parse_label(boxes([1, 1, 9, 9], [9, 9, 1, 1], [2, 2, 8, 8]))
    assert isinstance(answer, Rejected)
    assert "objects[1]" in answer.note


def test_nothing_there_is_a_label() -> None:
    assert good(line(objects=[])).objects == ()
    assert labels_table([good(line(objects=[]))]).to_pylist()[0]["objects"] == []


def test_repeated_objects_count_once() -> None:
    assert len(good(boxes([1, 1, 9, 9], [1, 1, 9, 9])).objects) == 1


def test_a_box_that_starts_half_a_pixel_outside_is_clipped() -> None:
    assert good(boxes([-0.5, 1, 9, 9])).objects[0].box == (0.0, 1.0, 9.0, 9.0)


def test_labels_become_the_declared_table() -> None:
    table = labels_table(
        [good(line(golden=True, verdict="wrong_box")), good(line(kind="classify", objects=[{"class_id": 1}]))]
    )
    assert table.schema.equals(LABELS)
    assert table["golden"].to_pylist() == [True, False]
    assert table["verdict"].to_pylist() == ["wrong_box", None]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=200))
def test_any_label_bytes_give_a_reason(data: bytes) -> None:
    assert isinstance(parse_label(data), Rejected)
