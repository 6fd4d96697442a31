"""A shape that no model draws is refused with its reason, and one that a sound model draws is not."""

import json
from typing import Any

import pytest

from tasks.domain.contract import PredictionRecord, Reason, Rejected, parse_prediction
from tasks.domain.contract_labels import LabelRecord, parse_label

BOX = [10, 10, 50, 50]


def answer(kind: str, *detections: dict[str, Any], width: int = 640, height: int = 480) -> PredictionRecord | Rejected:
    row = {
        "schema": 1,
        "image_id": "a",
        "captured_at": "2026-11-20T06:00:00Z",
        "camera": "c",
        "model_version": "1",
        "kind": kind,
        "width": width,
        "height": height,
        "detections": [{"class_id": 0, "confidence": 0.5, **each} for each in detections],
    }
    return parse_prediction(json.dumps(row))


@pytest.mark.parametrize(
    ("kind", "detections", "reason"),
    [
        ("detect", [{"box": [0.1, 0.2, 0.5, 0.6]}], Reason.NORMALISED_BOX),
        ("detect", [{"box": [0, 0, 1, 1]}, {"box": [0.4, 0.4, 0.41, 0.41]}], Reason.NORMALISED_BOX),
        ("segment", [{"box": [0.1, 0.2, 0.5, 0.6], "polygon": [0.1, 0.2, 0.5, 0.2, 0.5, 0.6]}], Reason.NORMALISED_BOX),
        ("obb", [{"corners": [0.1, 0.1, 0.5, 0.1, 0.5, 0.5, 0.1, 0.5]}], Reason.NORMALISED_BOX),
        ("obb", [{"corners": [10, 10, 50, 50, 10, 10, 50, 50]}], Reason.BAD_BOX),
        ("obb", [{"corners": [10, 10, 50, 50, 50, 10, 10, 50]}], Reason.BAD_BOX),
        ("obb", [{"corners": [10, 10, 60, 45, 50, 10, 10, 50]}], Reason.BAD_BOX),
        ("segment", [{"box": BOX, "polygon": [20, 20, 20, 20, 20, 20]}], Reason.BAD_BOX),
        ("segment", [{"box": BOX, "polygon": [300, 300, 310, 300, 310, 310]}], Reason.BAD_BOX),
        ("segment", [{"box": BOX, "polygon": [1, 1, 600, 1, 5, 5]}], Reason.BAD_BOX),
        ("pose", [{"box": BOX, "keypoints": [20, 20, 7.0]}], Reason.CONFIDENCE_RANGE),
        ("pose", [{"box": BOX, "keypoints": [20, 20, 0.5, 30, 30, -5.0]}], Reason.CONFIDENCE_RANGE),
    ],
)
def test_a_shape_that_no_model_draws_is_refused(kind: str, detections: list[dict[str, Any]], reason: Reason) -> None:
    found = answer(kind, *detections)
    assert isinstance(found, Rejected), found
    assert found.reason is reason
    assert found.note


@pytest.mark.parametrize(
    ("kind", "detections"),
    [
        ("detect", [{"box": [0.1, 0.2, 0.5, 0.6]}, {"box": BOX}]),
        ("detect", [{"box": [0, 0, 2, 2]}]),
        ("detect", []),
        ("obb", [{"corners": [30, 5, 50, 30, 30, 55, 10, 30]}]),
        ("obb", [{"corners": [30, 55, 50, 30, 30, 5, 10, 30]}]),
        ("segment", [{"box": BOX}]),
        ("segment", [{"box": BOX, "polygon": [8, 9, 52, 9, 52, 52, 30, 30]}]),
        ("segment", [{"box": [10, 10, 14, 14], "polygon": [8, 8, 30, 8, 30, 30]}]),
        ("pose", [{"box": BOX}]),
        ("pose", [{"box": BOX, "keypoints": [5, 5, 0.0, 30, 30, 1.0]}]),
    ],
)
def test_a_shape_that_a_sound_model_draws_is_kept(kind: str, detections: list[dict[str, Any]]) -> None:
    found = answer(kind, *detections)
    assert isinstance(found, PredictionRecord), found


def test_in_a_picture_of_few_pixels_a_small_box_is_a_box() -> None:
    assert isinstance(answer("detect", {"box": [0, 0, 1, 1]}, width=8, height=8), PredictionRecord)


@pytest.mark.parametrize(("more", "kept"), [({}, False), ({"verdict": "correct"}, True), ({"golden": None}, False)])
def test_a_label_of_classify_names_one_class_unless_a_verdict_speaks_for_it(more: dict[str, Any], kept: bool) -> None:
    row = {"schema": 1, "image_id": "a", "kind": "classify", "labelled_at": "2026-11-20T06:00:00Z", "annotator": "kim"}
    found = parse_label(json.dumps({**row, "objects": [], **more}))
    assert isinstance(found, LabelRecord) is kept, found
    assert isinstance(parse_label(json.dumps({**row, "objects": [{"class_id": 0}], **more})), LabelRecord)
