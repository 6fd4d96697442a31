"""A number only where damaged pictures were seen to give one; what no confidence knows of gets none."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from tasks.domain.finding import Finding, Outcome, Report, Stage
from tasks.domain.prediction import Prediction
from tasks.domain.scoring.detection import score_detections
from tasks.estimate import calibration_json
from tasks.estimate.alarms import alarms_of
from tasks.estimate.calibration import Calibration, drops
from tasks.estimate.fitting import looking_at
from tasks.estimate.flag import Alarms, Flag, Verdict, judge
from tasks.estimate.look import shifts
from tasks.estimate.signs import Signs, Views, signs_of
from tests.unit.estimate.made_up import CLASSES, SIDE, calibration, truths, views

N = 250
NOTHING = Alarms()


@pytest.fixture(scope="module")
def known() -> Calibration:
    return calibration()


@pytest.fixture(scope="module")
def reference() -> Views:
    return views(truths(400, 2), 0.95, 3)


def told(known: Calibration, before: Views, after: Views, alarms: Alarms = NOTHING) -> tuple[float, Verdict]:
    signs = signs_of(after, known.belief, 2, known.confidences)
    looks = [looking_at(each.own, [(SIDE, SIDE)] * len(each.own), known.confidences[0]) for each in (before, after)]
    moved = shifts(*looks)
    return known.estimate(signs, moved.found.size), judge(known, signs, moved, alarms)


def measured(known: Calibration, truth: list, after: Views) -> float:
    return score_detections(truth, after.own, CLASSES, known.confidences[0]).metrics()["map50"]


def test_an_unchanged_window_is_valid_and_its_estimate_is_near(known: Calibration, reference: Views) -> None:
    truth = truths(N, 5)
    seen = views(truth, 0.95, 6)
    value, verdict = told(known, reference, seen)
    assert (verdict.flag, verdict.reasons) == (Flag.VALID, ())
    assert value == pytest.approx(measured(known, truth, seen), abs=0.02)


@pytest.mark.parametrize("skill", [0.82, 0.72])
def test_a_window_that_got_worse_is_extrapolated_and_its_estimate_falls_with_it(
    known: Calibration, reference: Views, skill: float
) -> None:
    truth = truths(N, 7)
    seen = views(truth, skill, 8)
    value, verdict = told(known, reference, seen)
    assert verdict.flag is Flag.EXTRAPOLATING
    assert value < known.quality - 0.01
    assert value == pytest.approx(measured(known, truth, seen), abs=0.07)


def test_an_alarm_about_the_inputs_makes_an_estimate_an_extrapolation(known: Calibration, reference: Views) -> None:
    seen = views(truths(N, 5), 0.95, 6)
    _, verdict = told(known, reference, seen, Alarms(inputs=("brightness changed",)))
    assert verdict == Verdict(flag=Flag.EXTRAPOLATING, reasons=("brightness changed",))


def test_a_product_that_the_model_does_not_see_gets_no_number(known: Calibration, reference: Views) -> None:
    """It is as sure as ever of what it finds: no confidence tells that half of the objects are missing."""
    _, verdict = told(known, reference, views(truths(N, 9), 0.95, 10, blind=0.4))
    assert verdict.flag is Flag.UNVERIFIABLE
    assert "objects are missing although the model is as sure as before" in verdict.reasons


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"side": 22.0}, "the objects are of another size"),
        ({"shift": 18.0}, "the objects are elsewhere"),
        ({"more": 2}, "there are more objects than before"),
    ],
)
def test_what_damage_cannot_do_gets_no_number(known: Calibration, reference: Views, change: dict, reason: str) -> None:
    _, verdict = told(known, reference, views(truths(N, 11, **change), 0.95, 12))
    assert verdict.flag is Flag.UNVERIFIABLE
    assert reason in verdict.reasons


def test_another_mix_of_classes_and_objects_that_the_edge_cuts_get_no_number(
    known: Calibration, reference: Views
) -> None:
    seen = views(truths(N, 11), 0.95, 12)
    nuts = [_only(answer, answer.classes == 0) for answer in seen.own]
    _, mixed = told(known, reference, replace(seen, own=nuts))
    assert "the mix of classes is another" in mixed.reasons
    cut = [_moved(answer) for answer in seen.own]
    _, edge = told(known, reference, replace(seen, own=cut))
    assert "more objects are cut off by the edge of the picture" in edge.reasons


def test_new_things_that_are_half_taken_for_objects_get_no_number(known: Calibration, reference: Views) -> None:
    """Confidences promise less then, although the objects are found as before: the estimate would be too low."""
    seen = views(truths(N, 11), 0.95, 12)
    strange = [_with(answer, 0.18, 0) for answer in seen.own]
    _, half = told(known, reference, replace(seen, own=strange))
    assert "there are more things that it half takes for objects" in half.reasons
    _, whole = told(known, reference, replace(seen, own=[_with(answer, 0.18, 1) for answer in strange]))
    assert "more things look like two classes at once" in whole.reasons


def _only(answer: Prediction, kept: np.ndarray) -> Prediction:
    return Prediction(boxes=answer.boxes[kept], classes=answer.classes[kept], confidences=answer.confidences[kept])


def _moved(answer: Prediction) -> Prediction:
    """The leftmost column of objects touches the edge."""
    boxes = answer.boxes.copy()
    boxes[boxes[:, 0] < 20, 0] = 0
    return Prediction(boxes=boxes, classes=answer.classes, confidences=answer.confidences)


def _with(answer: Prediction, confidence: float, label: int) -> Prediction:
    """Something more in a place of its own."""
    return Prediction(
        boxes=np.concatenate([answer.boxes, [[165, 165, 195, 195]]]).astype(np.float32),
        classes=np.append(answer.classes, label),
        confidences=np.append(answer.confidences, np.float32(confidence)),
    )


def test_a_model_that_finds_hardly_anything_gets_no_number(known: Calibration, reference: Views) -> None:
    _, verdict = told(known, reference, views(truths(N, 13), 0.15, 14))
    assert verdict.flag is Flag.UNVERIFIABLE
    empty = [views(truths(1, 1), 0.0, 1).own[0]] * N
    _, nothing = told(known, reference, Views(own=empty, mirrored=empty))
    assert nothing.flag is Flag.UNVERIFIABLE


def test_two_versions_that_contradict_each_other_give_no_number(reference: Views) -> None:
    """The second version sees the new product, the first one does not."""
    known = calibration(second=0.9)
    seen = views(truths(N, 15), 0.95, 16, blind=0.2, second=0.9)
    signs = signs_of(seen, known.belief, 2, known.confidences)
    looks = [looking_at(each.own, [(SIDE, SIDE)] * len(each.own), known.confidences[0]) for each in (reference, seen)]
    assert "two versions of the model contradict each other" in judge(known, signs, shifts(*looks), Alarms()).reasons


def test_a_second_version_that_is_gone_speaks_neither_for_nor_against() -> None:
    clean = Signs(promised=0.9, mirrored=0.9, agreement=0.9, rival=1.0)
    assert drops(Signs(promised=0.9, mirrored=0.9), clean, 0.0).tolist() == [0, 0, 0, 0]
    assert drops(Signs(promised=math.nan, mirrored=0.45), clean, -0.25) == pytest.approx([1, 0.5, 0, 0.25])


def test_strange_images_and_a_moved_camera_are_semantic_and_light_is_not() -> None:
    def breach(subject: str, stage: Stage) -> Report:
        return Report(stage=stage, findings=(Finding(check="c", subject=subject, outcome=Outcome.BREACH),))

    found = alarms_of(
        [breach("strange_images", Stage.DRIFT), breach("moved", Stage.CAMERA), breach("brightness", Stage.DRIFT)]
    )
    assert found.semantic == ("images are unlike any of the reference", "a camera was moved")
    assert found.inputs == ("brightness changed",)
    assert alarms_of([breach("strange_images", Stage.EVALUATE)]) == Alarms()
    assert alarms_of([breach("brightness", Stage.DRIFT)], turned=True).semantic == ("a camera was moved",)


def test_a_calibration_survives_being_written_down(known: Calibration, reference: Views) -> None:
    again = calibration_json.read(calibration_json.written(known))
    seen = views(truths(N, 17), 0.8, 18)
    assert told(again, reference, seen) == told(known, reference, seen)
    assert calibration_json.written(again) == calibration_json.written(known)


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"version": 99}', b'{"version": 1, "n": 3}'])
def test_what_is_no_calibration_is_refused_with_what_to_do(data: bytes) -> None:
    from tasks.domain.errors import ContractError

    with pytest.raises(ContractError, match="evergreen evaluate"):
        calibration_json.read(data)
