"""What is kept for the page of an evaluation: the same numbers as the scores, the worst images, and bounded."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from tasks.domain.comparing import sheets, split_form
from tasks.domain.contrast import Photo
from tasks.domain.model import Kind, ModelRef
from tasks.domain.portrait import Portrait, portrait_bytes
from tasks.domain.prediction import Prediction
from tasks.domain.scoring.scored import Protocol, evaluation, score
from tasks.domain.scoring.truth import Truth
from tasks.evaluate.portraits import POINTS, portrait, thinned
from tasks.evaluate.shots import SHOWN, Labelled, worst

CLASSES = ("crack", "pore", "stain")


def detect(classes: tuple[str, ...] = CLASSES, kind: Kind = Kind.DETECT) -> ModelRef:
    return ModelRef(name="m", sha256="a" * 64, uri="s3://b/k", kind=kind, classes=classes, imgsz=64, version=1)


def a_set(n: int = 60, seed: int = 0, classes: int = 3) -> Labelled:
    """Images of two cameras; the second one finds half of its objects, the first all; now and then a false box."""
    rng = np.random.default_rng(seed)
    photos, truths, answers = [], [], []
    for i in range(n):
        camera, count = f"cam-{i % 2}", int(rng.integers(1, 5))
        corner = rng.uniform(0, 400, (count, 2)).astype(np.float32)
        boxes = np.concatenate([corner, corner + rng.uniform(20, 120, (count, 2)).astype(np.float32)], 1)
        labels = rng.integers(0, classes, count)
        found = np.ones(count, bool) if i % 2 == 0 else rng.random(count) < 0.5
        false = np.array([[500, 500, 560, 560]], np.float32)[: int(rng.random() < 0.2)]
        photos.append(Photo(image_id=str(i), key=f"k/{i}.jpg", sha256="0" * 64, camera=camera,
                            captured_at=datetime(2026, 11, 20, tzinfo=UTC)))  # fmt: skip
        truths.append(Truth(image_id=str(i), session=f"s{i // 3}", camera=camera, classes=labels, boxes=boxes))
        answers.append(
            Prediction(
                boxes=np.concatenate([boxes[found], false]),
                classes=np.concatenate([labels[found], np.zeros(len(false), np.int64)]),
                confidences=rng.uniform(0.3, 1.0, int(found.sum()) + len(false)).astype(np.float32),
            )
        )
    return Labelled(photos=photos, truths=truths, predictions=answers)


def drawn(seen: Labelled, ref: ModelRef | None = None) -> Portrait:
    return portrait(score(ref or detect(), seen.truths, seen.predictions), seen)


def test_parts_and_curves_are_those_of_the_scores() -> None:
    seen = a_set()
    scored = score(detect(), seen.truths, seen.predictions)
    found = portrait(scored, seen)
    metrics = scored.metrics()
    classes = {part.name: part for part in found.parts if part.kind == "class"}
    assert {name: part.value for name, part in classes.items()} == {
        name: pytest.approx(metrics[f"map50_95/{name}"], abs=1e-6) for name in CLASSES
    }
    assert {curve.name: curve.value for curve in found.curves} == {
        name: pytest.approx(metrics[f"map50/{name}"], abs=1e-6) for name in CLASSES
    }
    assert sum(part.objects for part in classes.values()) == int(scored.instances.sum())
    for part in found.parts:
        assert part.low is None or part.value is None or part.low <= part.value <= (part.high or 1)


def test_the_camera_that_misses_half_is_the_worst_one() -> None:
    cameras = {part.name: part for part in drawn(a_set()).parts if part.kind == "camera"}
    good, bad = cameras["cam-0"], cameras["cam-1"]
    assert good.value is not None and bad.value is not None and bad.high is not None
    assert bad.high < good.value and (good.n, bad.n) == (30, 30)
    own = [i for i in range(60) if i % 2]
    seen = a_set()
    alone = score(detect(), [seen.truths[i] for i in own], [seen.predictions[i] for i in own])
    assert bad.value == pytest.approx(float(alone.headline()[0]), abs=1e-6)


def test_the_confusion_has_every_object_in_its_row() -> None:
    seen = a_set()
    found = drawn(seen).confusion
    assert found is not None and found.names == (*CLASSES, "background")
    scored = score(detect(), seen.truths, seen.predictions)
    assert [sum(row) for row in found.rows[:-1]] == scored.instances.tolist()


def test_worst_misses_and_surest_false_answers_come_first_and_from_different_sessions() -> None:
    seen = a_set()
    misses, phantoms = worst(score(detect(), seen.truths, seen.predictions), seen)
    assert len(misses) == len(phantoms) == SHOWN
    assert len({int(shot.photo.image_id) // 3 for shot in misses}) == SHOWN
    missed = [len(shot.missed) for shot in misses]
    assert missed == sorted(missed, reverse=True) and missed[0] == 4
    sure = [max(mark.confidence or 0 for mark in shot.wrong) for shot in phantoms]
    assert sure == sorted(sure, reverse=True)


def test_every_box_of_a_shot_is_right_or_wrong_and_every_object_found_or_missed() -> None:
    seen = a_set()
    for shot in [*worst(score(detect(), seen.truths, seen.predictions), seen)[0]]:
        truth = next(t for t in seen.truths if t.image_id == shot.photo.image_id)
        assert len(shot.right) + len(shot.missed) == len(truth.classes) == len(shot.truth)


def test_an_answer_that_holds_nan_missed_everything() -> None:
    seen = a_set(6)
    broken = Prediction(
        boxes=np.full((1, 4), np.nan, np.float32), classes=np.zeros(1, np.int64), confidences=np.ones(1, np.float32)
    )
    told = Labelled(photos=seen.photos, truths=seen.truths, predictions=[broken] * 6)
    misses, phantoms = worst(score(detect(), told.truths, told.predictions), told)
    assert len(misses) == 6 and phantoms == ()


def test_a_classifier_shows_what_it_was_sure_of_and_wrong() -> None:
    ref = detect(("good", "bad"), Kind.CLASSIFY)
    odds = [(0.9, 0.1), (0.8, 0.2), (0.4, 0.6), (0.95, 0.05)]
    photos = [Photo(image_id=str(i), key=f"{i}", sha256="", camera="c") for i in range(4)]
    truths = [
        Truth(
            image_id=str(i), session=str(i), camera="c", classes=np.array([i % 2]), boxes=np.zeros((1, 4), np.float32)
        )
        for i in range(4)
    ]
    answers = [Prediction(probabilities=np.array(each, np.float32)) for each in odds]
    seen = Labelled(photos=photos, truths=truths, predictions=answers)
    found = portrait(score(ref, truths, answers), seen)
    assert [shot.photo.image_id for shot in found.phantoms] == ["3", "1", "2"]
    assert found.phantoms[0].wrong[0].label == "good" and found.phantoms[0].missed[0].label == "bad"
    assert found.confusion is not None and found.confusion.rows == ((1, 1), (2, 0))
    assert found.curves == () and found.reliability


def test_without_an_image_there_is_nothing_to_draw() -> None:
    assert drawn(Labelled(photos=[], truths=[], predictions=[])) == Portrait()


def test_many_classes_boxes_and_cameras_make_a_small_portrait() -> None:
    many = tuple(f"class {i}" for i in range(200))
    seen = a_set(400, classes=200)
    found = drawn(seen, detect(many))
    assert len(portrait_bytes(found)) < 1_000_000
    assert len(found.curves) <= 80 and found.confusion is not None and len(found.confusion.names) <= 31
    assert len(thinned(1_000_000)) <= POINTS


def test_tables_have_the_same_columns_for_every_version() -> None:
    seen = a_set()
    scored = score(detect(), seen.truths, seen.predictions)
    used = Protocol(imgsz=64, conf=0.001, iou=0.7, batch=1, rect=False, half=False, device="cpu", versions=())
    result = evaluation(detect(), scored, "golden", "d", used)
    found = {sheet.name: sheet for sheet in sheets(result, portrait(scored, seen), "m v1")}
    assert set(found) == {"numbers", "parts", "errors", "confusion", "worst_images"}
    for sheet in found.values():
        form = split_form(sheet)
        assert all(len(row) == len(form["columns"]) for row in form["data"])  # type: ignore[arg-type]
        assert sheet.columns[0] == "dataset" and sheet.columns[-1] == "version"
    rows = {row[1]: row[2] for row in found["numbers"].rows}
    assert rows["map50_95"] == result.headline.value
