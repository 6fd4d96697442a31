"""A window against its reference: planted changes are found, healthy windows stay silent, too little is said to be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tasks.domain.confirmation import unsure
from tasks.domain.finding import ALL, Outcome
from tasks.domain.subjects import Topic, topic
from tasks.domain.tables import PROPERTIES
from tasks.drift.answers import Answers
from tasks.drift.compare import compare, matched
from tasks.drift.rules import DriftRules
from tasks.drift.sample import Sample

RULES = DriftRules()
MIX = np.random.default_rng(99).standard_normal((12, 12))


def scenes(rng, counts, *, light=0.0, seen=0.0, answered=0.0, camera=None, embedding=True):
    """Healthy scenes (`counts` per camera), moved by so many standard deviations on `camera` or everywhere."""
    cameras = np.array([name for name, count in counts.items() for _ in range(count)], dtype=object)
    moved = np.ones(len(cameras)) if camera is None else (cameras == camera).astype(float)
    common = rng.standard_normal(len(cameras))
    place = np.array([sorted(counts).index(name) * 3.0 for name in cameras])
    photometric = {p: 90 + 5 * (0.6 * common + 0.8 * rng.standard_normal(len(cameras)) + place) for p in PROPERTIES}
    photometric["brightness"] = photometric["brightness"] + 5 * light * moved
    vectors = rng.standard_normal((len(cameras), 12)) @ MIX + seen * moved[:, None] * np.abs(MIX).sum(axis=0) / 4
    objects = rng.poisson(2 + 3 * answered * moved).astype(float)
    dark = (rng.random(len(cameras)) < 0.03).astype(float)
    return Sample(
        cameras=cameras,
        photometric=Answers(scalars=photometric, rates={"dark_images": dark, "bright_images": np.zeros(len(cameras))}),
        answers=Answers(scalars={"objects": objects}, rates={"no_objects": (objects == 0).astype(float)}),
        embedding=vectors if embedding else np.empty((len(cameras), 0)),
        images=dict(counts),
    )


def breaches(findings):
    return [finding for finding in findings if finding.outcome is Outcome.BREACH]


@pytest.mark.parametrize(("size", "repeats"), [(50, 130), (200, 70)])
def test_a_healthy_window_raises_no_alarm(size, repeats):
    rng = np.random.default_rng(size)
    half = {"a": size // 2, "b": size - size // 2}
    alarms = 0
    for _ in range(repeats):
        reference = scenes(rng, {"a": 150, "b": 150}, embedding=False)
        alarms += bool(breaches(compare(reference, scenes(rng, half, embedding=False), RULES)))
    assert alarms <= 0.05 * repeats


def test_a_healthy_window_raises_no_alarm_with_embeddings():
    rng = np.random.default_rng(1)
    counts = {"a": 120, "b": 120}
    alarms = [breaches(compare(scenes(rng, counts), scenes(rng, {"a": 40, "b": 40}), RULES)) for _ in range(20)]
    assert sum(map(bool, alarms)) <= 1


def test_one_window_of_a_month_must_be_surer_than_one_that_somebody_asked_about():
    rng = np.random.default_rng(5)
    reference, counts = scenes(rng, {"a": 150, "b": 150}), {"a": 40, "b": 40}
    slight, plain = scenes(rng, counts, light=0.6), scenes(rng, counts, light=2.0)
    asked, scheduled = (compare(reference, slight, RULES, month=part) for part in (1.0, 1 / 720))
    open_ones = [each for each in scheduled if unsure(each)]
    assert breaches(asked) and open_ones and not breaches(scheduled)
    keys = [(each.subject, each.slice) for each in breaches(asked)]
    assert keys == [(each.subject, each.slice) for each in open_ones]
    assert any(each.subject == "brightness" for each in breaches(compare(reference, plain, RULES, month=1 / 720)))


def test_one_camera_that_darkens_is_named_with_direction_and_amount():
    rng = np.random.default_rng(2)
    found = compare(
        scenes(rng, {"a": 200, "b": 200, "c": 200}),
        scenes(rng, {"a": 60, "b": 60, "c": 60}, light=-8, camera="b"),
        RULES,
    )
    dark = next(f for f in breaches(found) if f.slice == "camera=b")
    assert dark.subject == "brightness"
    assert dark.effect < -2
    assert dark.note.startswith("fell ")
    assert {f.camera for f in breaches(found)} <= {"b", None}


def test_a_change_that_only_the_model_sees_is_found_in_the_embedding():
    rng = np.random.default_rng(3)
    found = compare(scenes(rng, {"a": 300}), scenes(rng, {"a": 80}, seen=1.5), RULES)
    assert {f.subject for f in breaches(found)} == {"embedding"}


def test_answers_that_change_are_found_per_image():
    rng = np.random.default_rng(4)
    found = compare(scenes(rng, {"a": 300}), scenes(rng, {"a": 100}, answered=1), RULES)
    assert "objects" in {f.subject for f in breaches(found)}
    assert {topic(f.subject) for f in breaches(found)} == {Topic.PREDICTION}


def test_the_same_small_shift_does_not_matter_with_many_images():
    rng = np.random.default_rng(5)
    reference = scenes(rng, {"a": 20_000}, embedding=False)
    assert not breaches(compare(reference, scenes(rng, {"a": 20_000}, light=0.1, embedding=False), RULES))


def test_identical_samples_show_nothing():
    sample = scenes(np.random.default_rng(6), {"a": 100, "b": 60})
    found = compare(sample, sample, RULES)
    assert {f.outcome for f in found} == {Outcome.OK}
    assert all(f.value == pytest.approx(0, abs=1e-9) for f in found if f.check in ("anderson_darling", "fisher"))


def test_too_few_scenes_are_inconclusive_and_say_how_many_are_missing():
    rng = np.random.default_rng(7)
    found = compare(scenes(rng, {"a": 100, "b": 100}), scenes(rng, {"a": 20, "b": 18}), RULES)
    assert {f.outcome for f in found} <= {Outcome.INCONCLUSIVE, Outcome.OK}
    notes = {f.slice: f.note for f in found if f.check == "sample"}
    assert "5 more" in notes["camera=a"]
    assert "12 more" in notes[ALL]


def test_an_empty_window_is_inconclusive():
    rng = np.random.default_rng(8)
    empty = scenes(rng, {"a": 0})
    found = compare(scenes(rng, {"a": 100}), empty, RULES)
    assert [f.outcome for f in found] == [Outcome.INCONCLUSIVE]


def test_a_camera_that_is_switched_off_is_not_drift_of_all_pictures():
    rng = np.random.default_rng(9)
    found = compare(scenes(rng, {"a": 200, "b": 200}), scenes(rng, {"a": 100}), RULES)
    assert not breaches(found)
    silent = [f for f in found if f.camera == "b"]
    assert [f.outcome for f in silent] == [Outcome.INCONCLUSIVE]


def test_a_camera_that_the_reference_never_saw_is_inconclusive():
    rng = np.random.default_rng(10)
    found = compare(scenes(rng, {"a": 200}), scenes(rng, {"a": 60, "new": 60}), RULES)
    assert [f.outcome for f in found if f.camera == "new" and f.check == "sample"] == [Outcome.INCONCLUSIVE]
    assert not breaches(found)


def test_matching_keeps_the_proportions_of_the_window():
    rng = np.random.default_rng(11)
    before, after = matched(scenes(rng, {"a": 100, "b": 100}), scenes(rng, {"a": 50, "b": 10}), 25)
    assert before.scenes() == {"a": 100, "b": 20}
    assert len(after) == 60


def test_a_frozen_camera_is_a_breach_even_with_one_scene():
    rng = np.random.default_rng(12)
    window = replace(scenes(rng, {"a": 60, "b": 1}), images={"a": 60, "b": 80})
    found = breaches(compare(scenes(rng, {"a": 200, "b": 200}), window, RULES))
    assert [(f.check, f.camera) for f in found] == [("frozen", "b")]


def test_a_camera_that_always_repeats_itself_is_not_frozen():
    rng = np.random.default_rng(13)
    reference = replace(scenes(rng, {"a": 100}), images={"a": 1_000})
    window = replace(scenes(rng, {"a": 50}), images={"a": 500})
    assert not breaches(compare(reference, window, RULES))


def test_unreadable_pictures_never_count_as_healthy():
    rng = np.random.default_rng(14)
    window = scenes(rng, {"a": 60})
    window.photometric.scalars["noise"][:20] = np.nan
    found = compare(scenes(rng, {"a": 200}), window, RULES)
    assert {f.outcome for f in found if f.subject == "noise"} == {Outcome.INCONCLUSIVE}


def test_a_single_camera_is_asked_once_and_has_the_whole_level():
    rng = np.random.default_rng(16)
    found = compare(scenes(rng, {"a": 200}), scenes(rng, {"a": 60}, light=0.7), RULES)
    together = [replace(f, slice="") for f in found if f.slice == ALL and f.check != "sample"]
    alone = [
        replace(f, slice="") for f in found if f.camera == "a" and f.check not in ("sample", "frozen", "explained")
    ]
    assert together == alone
    assert len(together) > 5


def bursts(rng, cameras, frames):
    """Sessions of so many frames that show the same part; a new part each time."""
    one = scenes(rng, cameras, embedding=False)
    names = np.repeat(np.arange(len(one)), frames)
    return replace(one.take(names), sessions=names, images={c: n * frames for c, n in cameras.items()})


def test_bursts_of_the_same_part_are_no_drift_when_they_are_said_to_be_sessions():
    rng = np.random.default_rng(17)
    alarms = {"sessions": 0, "frames": 0}
    for _ in range(15):
        before, after = bursts(rng, {"a": 40}, 10), bursts(rng, {"a": 20}, 10)
        alarms["sessions"] += bool(breaches(compare(before, after, RULES)))
        alone = [replace(side, sessions=None) for side in (before, after)]
        alarms["frames"] += bool(breaches(compare(*alone, RULES)))
    assert alarms["sessions"] <= 1
    assert alarms["frames"] >= 8


def test_too_few_sessions_are_inconclusive_however_many_frames_they_have():
    rng = np.random.default_rng(18)
    found = compare(bursts(rng, {"a": 40}, 10), bursts(rng, {"a": 6}, 30), RULES)
    assert {f.outcome for f in found if f.subject == "sessions"} == {Outcome.INCONCLUSIVE}
    assert any("6 sessions, 4 more" in f.note for f in found)
    assert not breaches(found)


def with_mix(rng, counts, share):
    one = scenes(rng, counts, embedding=False)
    crack = (rng.random(len(one)) < share).astype(float)
    size = rng.geometric(0.4, len(one))
    return replace(one, answers=Answers(mix={"crack": crack * size, "scratch": (1 - crack) * size}))


def test_a_class_mix_that_changes_is_named_with_its_shares():
    rng = np.random.default_rng(19)
    found = compare(with_mix(rng, {"a": 300}, 0.2), with_mix(rng, {"a": 120}, 0.6), RULES)
    mix = next(f for f in breaches(found) if f.subject == "class_mix")
    assert mix.check == "chi_square"
    assert mix.note.startswith("share of crack rose from ") or mix.note.startswith("share of scratch fell from ")


def test_after_an_alarm_the_property_that_moved_is_ranked_first_and_nobody_is_asked_before():
    rng = np.random.default_rng(20)
    before = scenes(rng, {"a": 300}, embedding=False)
    found = compare(before, scenes(rng, {"a": 150}, light=-2, embedding=False), RULES)
    told = next(f for f in found if f.check == "domain_classifier" and f.slice == ALL)
    assert told.outcome is Outcome.OK
    assert told.note.startswith("told apart by brightness ")
    quiet = compare(before, scenes(rng, {"a": 150}, embedding=False), RULES)
    assert not [f for f in quiet if f.check == "domain_classifier"]
    silent = compare(before, scenes(rng, {"a": 150}, light=-2, embedding=False), DriftRules(explainer=""))
    assert not [f for f in silent if f.check == "domain_classifier"]


def test_numbers_that_never_vary_take_no_part_of_the_level():
    rng = np.random.default_rng(21)
    finds = {"varied": 0, "alone": 0}
    for _ in range(20):
        before, after = scenes(rng, {"a": 300}, embedding=False), scenes(rng, {"a": 60}, light=0.6, embedding=False)
        finds["varied"] += "brightness" in {f.subject for f in breaches(compare(before, after, RULES))}
        for side in (before, after):
            for subject in set(side.photometric.scalars) - {"brightness"}:
                side.photometric.scalars[subject][:] = 7.0
        finds["alone"] += "brightness" in {f.subject for f in breaches(compare(before, after, RULES))}
    assert finds["alone"] > finds["varied"]


def test_the_findings_come_in_the_same_order_every_time():
    rng = np.random.default_rng(15)
    reference, window = scenes(rng, {"a": 100, "b": 100}), scenes(rng, {"b": 40, "a": 40})
    assert compare(reference, window, RULES) == compare(reference, window, RULES)
    assert compare(reference, window, RULES)[0].slice == ALL


def test_a_change_below_the_resolution_of_the_measure_is_none():
    rng = np.random.default_rng(32)
    before, after = scenes(rng, {"a": 200}, embedding=False), scenes(rng, {"a": 80}, embedding=False)
    for side, value in ((before, 5.0), (after, 5 + 1e-9)):
        for name in PROPERTIES:
            side.photometric.scalars[name][:] = value
    before.photometric.scalars["noise"][:3] = 7.0  # it varies, so it is asked about
    assert not [f for f in breaches(compare(before, after, RULES)) if topic(f.subject) is Topic.PHOTOMETRIC]
    after.photometric.scalars["noise"][:] = 5.01
    assert "noise" in {f.subject for f in breaches(compare(before, after, RULES))}
