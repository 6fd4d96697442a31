"""How much of the shift each cause carries, and that no cause hides another."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import numpy as np
import pytest

from tasks.domain.finding import ALL, Finding, Outcome, Report, Stage
from tasks.domain.judge import judge
from tasks.domain.verdict import CauseKind
from tasks.drift.answers import Answers
from tasks.drift.cause import causes_of
from tasks.drift.explained import explained, parts_of
from tasks.drift.onset import key
from tasks.drift.sample import Sample

CAMERAS = ["a", "b", "c", "d"]
NAMES = ("brightness", "contrast", "noise", "sharpness")
TUESDAY = datetime(2026, 11, 17, 14, tzinfo=UTC)
CORRELATION = np.array([[1, 0.8, 0, 0.2], [0.8, 1, 0, 0.3], [0, 0, 1, 0.4], [0.2, 0.3, 0.4, 1]])


def sample(seed, per_camera, shifts=None, correlation=None, width=0, moved=()):
    """Scenes of four cameras; `shifts` are in standard deviations, `moved` cameras shift in the embedding."""
    rng = np.random.default_rng(seed)
    cameras = np.repeat(np.asarray(CAMERAS, dtype=object), per_camera)
    values = rng.multivariate_normal(np.zeros(4), np.eye(4) if correlation is None else correlation, len(cameras))
    for (camera, name), shift in (shifts or {}).items():
        values[cameras == camera, NAMES.index(name)] += shift
    embedding = rng.normal(size=(len(cameras), width))
    for camera in moved:
        embedding[cameras == camera, :2] += 2.0
    return Sample(
        cameras=cameras,
        photometric=Answers(scalars={name: values[:, place] for place, name in enumerate(NAMES)}),
        answers=Answers(),
        embedding=embedding,
        images=dict.fromkeys(CAMERAS, per_camera),
    )


def shares(before, after):
    return {f.camera: f.value for f in explained(before, after, CAMERAS)}


@pytest.mark.parametrize(("first", "second"), [(1.5, 1.5), (1.5, 0.75), (1.8, 0.6)])
def test_two_planted_changes_get_shares_in_the_ratio_of_their_squares(first, second):
    truth = first**2 / (first**2 + second**2)
    found = [
        shares(sample(seed, 400), sample(seed + 100, 60, {("a", "brightness"): -first, ("c", "noise"): second}))
        for seed in range(10)
    ]
    assert np.mean([each["a"] for each in found]) == pytest.approx(truth, abs=0.05)
    assert np.mean([each.get("c", 0.0) for each in found]) == pytest.approx(1 - truth, abs=0.05)
    assert all(sum(each.values()) == pytest.approx(1, abs=0.03) for each in found)


def test_what_is_gone_when_a_camera_is_as_it_was_is_its_share():
    before = sample(1, 400, correlation=CORRELATION)
    sick = sample(2, 60, {("a", "sharpness"): -1.5, ("b", "brightness"): 1.0}, CORRELATION)
    healed = sample(2, 60, {("b", "brightness"): 1.0}, CORRELATION)
    size = [sum(part.size for part in parts_of(before, after, CAMERAS)) for after in (sick, healed)]
    assert shares(before, sick)["a"] == pytest.approx(1 - size[1] / size[0], abs=0.02)


def test_within_a_camera_the_planted_number_carries_most_even_among_numbers_that_say_nearly_the_same():
    before = sample(3, 400, correlation=CORRELATION)
    after = sample(4, 60, {("b", "brightness"): -2.0}, CORRELATION)
    (found,) = [part for part in parts_of(before, after, CAMERAS) if part.camera == "b"]
    assert max(found.numbers, key=found.numbers.__getitem__) == "brightness"
    assert found.numbers["brightness"] > 0.6 * found.size
    assert math.fsum(found.numbers.values()) == pytest.approx(found.size)


def test_the_parts_of_the_classic_distance_add_up():
    """Oracle: without correlation the whole is the plain sum of squared mean shifts, weighed by the scenes."""
    after = sample(5, 200, {("a", "brightness"): 1.0, ("a", "noise"): 0.5})
    found = sum(part.size for part in parts_of(sample(6, 4000), after, CAMERAS))
    assert found == pytest.approx((1.0**2 + 0.5**2) / 4, rel=0.3)


def test_healthy_cameras_carry_next_to_nothing_in_the_mean():
    found = [part.size for seed in range(20) for part in parts_of(sample(seed, 200), sample(seed + 50, 40), CAMERAS)]
    assert np.mean(found) < 0.02


def test_a_change_that_only_the_models_own_view_shows_has_a_share_too():
    found = shares(sample(1, 200, width=6), sample(2, 60, {("c", "noise"): 1.0}, width=6, moved=("a",)))
    assert found["a"] > found["c"] > 0


def finding(camera, subject, effect, outcome=Outcome.BREACH, check="ks", note="rose from 1 % to 4 %; p = 1e-9", n=60):
    where = ALL if camera is None else f"camera={camera}"
    return Finding(
        check=check, subject=subject, slice=where, outcome=outcome, value=abs(effect), effect=effect, n=n, note=note
    )


def measured(camera, share):
    return Finding(check="explained", subject="pictures", slice=f"camera={camera}", outcome=Outcome.OK, value=share)


def fine(subject, effects, check="ks"):
    return [finding(c, subject, effect, Outcome.OK, check) for c, effect in effects.items()]


def drift(*findings):
    return (Report(stage=Stage.DRIFT, findings=tuple(findings)),)


STRANGE = {"a": 0.2, "c": 0.22, "d": 0.18}


@pytest.mark.parametrize("subject", ["brightness", "embedding"])  # a lamp that fails, a product new to one camera
def test_a_breach_on_one_camera_does_not_hide_strange_images_of_the_whole_fleet(subject):
    alone = finding("b", subject, -2.4, note="fell 61 % (142 → 55); p = 1e-9")
    fleet = finding(None, "strange_images", 0.21, check="outliers", n=240)
    others = [*fine(subject, dict.fromkeys("acd", 0.0)), *fine("strange_images", STRANGE | {"b": 0.2}, "outliers")]
    reports = drift(alone, fleet, *others, measured("b", 0.97))
    found = causes_of(reports, {key(alone): TUESDAY})
    assert [cause.cameras for cause in found] == [("b",), ()]
    assert found[1].kind is CauseKind.PRODUCT
    sentence = judge(reports, found, None).sentence
    assert "brightness fell" in sentence or "embedding fell" in sentence
    assert "over all cameras together: strange images rose" in sentence
    assert "since 2026-11-17 14:00 UTC, explains 97 % of the shift" in sentence


def test_a_product_that_some_cameras_show_more_than_others_does_not_hide_strange_images_on_all():
    changed = [finding(camera, "objects", 0.9, note="rose 20 % (5 → 6)") for camera in "ac"]
    fleet = finding(None, "strange_images", 0.21, check="outliers", n=240)
    calm = fine("objects", dict.fromkeys("bd", 0.1))
    found = causes_of(drift(*changed, fleet, *calm, *fine("strange_images", STRANGE | {"b": 0.2}, "outliers")), {})
    assert [cause.cameras for cause in found] == [("a", "c"), ()]


def test_what_a_new_product_on_one_camera_does_to_the_whole_is_no_change_of_all():
    product = [finding("a", "embedding", 1.2), finding(None, "sharpness", 0.3, n=240)]
    shown = fine("sharpness", {"a": 1.1, "b": 0.0, "c": 0.05, "d": -0.05})
    (cause,) = causes_of(drift(*product, *shown, *fine("embedding", dict.fromkeys("bcd", 0.0))), {})
    assert cause.cameras == ("a",)


def test_strange_images_that_one_sick_camera_sends_are_no_change_of_the_fleet():
    fleet = finding(None, "strange_images", 0.3, check="outliers", n=240)
    quiet = fine("strange_images", {"a": 0.02, "c": -0.03, "d": 0.01}, "outliers")
    sick = [finding("b", "brightness", -2.4), finding("b", "strange_images", 1.2, check="outliers")]
    (cause,) = causes_of(drift(fleet, *quiet, *sick, *fine("brightness", dict.fromkeys("acd", 0.0))), {})
    assert (cause.kind, cause.cameras) == (CauseKind.CAMERA, ("b",))


def test_a_change_that_most_cameras_show_by_themselves_is_told_once():
    moved = [finding(camera, "brightness", -1.0) for camera in "abc"]
    weaker = finding("d", "brightness", -0.7, Outcome.OK)
    (cause,) = causes_of(drift(*moved, weaker, finding(None, "brightness", -0.9, n=240)), {})
    assert cause.cameras == ("a", "b", "c")


def test_a_change_of_all_that_is_significant_on_one_camera_only_is_told_as_one_of_all():
    weak = fine("entropy", {"a": -0.6, "c": -0.55, "d": -0.6})
    (cause,) = causes_of(drift(*weak, finding("b", "entropy", -0.8), finding(None, "entropy", -0.64, n=240)), {})
    assert (cause.kind, cause.cameras) == (CauseKind.PRODUCT, ())


def test_three_independent_changes_are_all_said_the_heaviest_first():
    dark, other = finding("b", "brightness", -3.0), finding("c", "objects", 1.0, note="rose 2-fold (1 → 2)")
    fleet = finding(None, "noise", 0.5, n=240, note="rose 30 % (2 → 2.6)")
    calm = fine("brightness", dict.fromkeys("acd", 0.0)) + fine("noise", dict.fromkeys("abcd", 0.5))
    shift = [measured("b", 0.7), measured("c", 0.2), measured("a", 0.06), measured("d", 0.04)]
    found = causes_of(drift(dark, other, fleet, *calm, *shift), {})
    assert [cause.share for cause in found] == [0.7, 0.2, 0.1]
    sentence = judge(drift(dark, other, fleet), found, None).sentence
    assert all(word in sentence for word in ("brightness", "objects", "noise", "70 %", "20 %", "10 %"))


@pytest.mark.parametrize(("share", "told"), [(0.71, True), (0.97, False)])
def test_a_single_cause_says_what_it_explains_when_something_is_left_over(share, told):
    fall = finding("b", "sharpness", -2.0, note="fell 61 % (6.1 → 2.4); p = 1e-9")
    calm = fine("sharpness", dict.fromkeys("acd", 0.0))
    (cause,) = causes_of(drift(fall, *calm, measured("b", share), measured("a", 1 - share)), {key(fall): TUESDAY})
    words = "camera b: sharpness fell 61 % (6.1 → 2.4) since 2026-11-17 14:00 UTC"
    assert cause.summary == words + (", explains 71 % of the shift" if told else "")


def test_an_incident_of_the_fleet_is_said_beside_a_broken_camera():
    fleet = finding(None, "sharpness", -0.3, check="fleet", note="fell lastingly, by 0.3 sd; on 4 of 4 cameras")
    found = causes_of(drift(fleet, finding("b", "noise", 2.4), *fine("noise", dict.fromkeys("acd", 0.0))), {})
    assert {cause.kind for cause in found} == {CauseKind.CAMERA, CauseKind.PRODUCT}


def test_with_a_single_camera_everything_is_about_that_camera():
    found = causes_of(drift(finding("a", "embedding", 0.5), finding(None, "strange_images", 0.3, check="outliers")), {})
    assert [cause.cameras for cause in found] == [("a",)]
    assert "strange images" in found[0].summary


def test_a_cause_that_moves_no_mean_has_no_share_rather_than_none_of_the_shift():
    strange = finding(None, "strange_images", 0.2, check="outliers", n=240)
    (cause,) = causes_of(drift(strange, *fine("strange_images", STRANGE, "outliers"), measured("a", 1.0)), {})
    assert cause.share is None
