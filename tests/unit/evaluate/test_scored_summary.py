"""An evaluation says under which protocol it was made, and refuses labels of another model."""

import math

import numpy as np
import pyarrow as pa
import pytest

from tasks.domain.errors import ContractError
from tasks.domain.model import Kind, ModelRef
from tasks.domain.prediction import Prediction
from tasks.domain.scoring.scored import Protocol, evaluation, score
from tasks.domain.scoring.truth import truths
from tasks.domain.tables import DATASETS
from tasks.evaluate.plots import plots

PROTOCOL = Protocol(
    imgsz=64, conf=0.001, iou=0.7, batch=4, rect=False, half=False, device="cpu", versions=("torch==1",)
)


def ref(kind=Kind.DETECT, classes=("crack", "hole")):
    return ModelRef(name="line", sha256="a" * 64, uri="s3://b/k", kind=kind, classes=classes, imgsz=64)


def rows(n, class_id=0, boxes=True):
    moment = pa.scalar(0, pa.timestamp("us", tz="UTC")).as_py()
    box = [0.0, 0.0, 10.0, 10.0] if boxes else None
    one = {"class_id": class_id, "box": box, "polygon": None, "corners": None, "keypoints": None}
    return pa.Table.from_pylist(
        [
            {
                "image_id": f"i{i}",
                "key": "k",
                "sha256": "s",
                "camera": "c",
                "session": f"s{i}",
                "split": "test",
                "source": "recent",
                "objects": [one],
                "labelled_at": moment,
            }
            for i in range(n)
        ],
        schema=DATASETS,
    )


def hit():
    return Prediction(
        boxes=np.array([[0, 0, 10, 10]], np.float32),
        classes=np.zeros(1, np.int64),
        confidences=np.ones(1, np.float32),
    )


def test_any_change_of_the_protocol_changes_its_digest():
    changed = Protocol(
        imgsz=96, conf=0.001, iou=0.7, batch=4, rect=False, half=False, device="cpu", versions=("torch==1",)
    )
    assert changed.digest != PROTOCOL.digest


def test_a_manifest_becomes_an_evaluation_with_one_score_per_image():
    found = evaluation(ref(), score(ref(), truths(rows(6)), [hit()] * 6), "recent", "digest", PROTOCOL)
    assert (found.n, found.metric, found.protocol) == (6, "map50_95", PROTOCOL.digest)
    assert found.image_ids == tuple(f"i{i}" for i in range(6))
    assert found.scores == (1.0,) * 6
    assert found.headline.value == pytest.approx(1.0)


def test_no_labelled_image_is_no_score_instead_of_zero():
    found = evaluation(ref(), score(ref(), truths(rows(0)), []), "recent", "digest", PROTOCOL)
    assert found.n == 0
    assert math.isnan(found.headline.value)


def test_a_truth_knows_where_and_when_and_with_what_chance_also_where_the_manifest_is_old():
    table = rows(1)
    assert (truths(table)[0].camera, truths(table)[0].chance) == ("c", None)
    drawn = table.set_column(table.schema.get_field_index("chance"), "chance", pa.array([0.5]))
    assert truths(drawn)[0].chance == 0.5
    assert truths(table.drop_columns(["chance", "captured_at"]))[0].captured_at is None


def test_a_label_with_a_class_the_model_does_not_have_is_refused():
    with pytest.raises(ContractError, match="2 classes"):
        score(ref(), truths(rows(1, class_id=2)), [hit()])


def test_pictures_are_png_and_an_empty_set_has_none():
    classify = ref(Kind.CLASSIFY)
    answer = Prediction(probabilities=np.array([0.7, 0.3], np.float32))
    scored = score(classify, truths(rows(3, boxes=False)), [answer] * 3)
    boxes = score(ref(), truths(rows(3)), [hit()] * 3)
    assert all(png.startswith(b"\x89PNG") for png in (plots(scored) | plots(boxes)).values())
    assert plots(score(ref(), [], [])) == {}
