"""A camera's fault never starts a retraining; what several sound cameras show may."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tasks.domain.finding import Finding, Outcome, Report, Stage
from tasks.domain.judge import judge
from tasks.domain.subjects import CameraFault
from tasks.domain.verdict import Action, Cause, CauseKind

OK, BREACH = Outcome.OK, Outcome.BREACH
HARM = Report(stage=Stage.EVALUATE, findings=(Finding(check="performance", subject="map50_95", outcome=BREACH),))
NO_HARM = Report(stage=Stage.EVALUATE, findings=(Finding(check="performance", subject="map50_95", outcome=OK),))
FLEET = ("a", "b", "c", "d")


def drift(*cameras, subject="sharpness", **effects):
    """A finding of every camera of the fleet: a breach on `cameras`; the effects are those given, or -1.5 and 0."""
    found = [
        Finding(
            check="ks",
            subject=subject,
            slice=f"camera={name}",
            outcome=BREACH if name in cameras else OK,
            effect=effects.get(name, -1.5 if name in cameras else 0.0),
        )
        for name in FLEET
    ]
    return Report(stage=Stage.DRIFT, findings=tuple(found))


def health(fault, camera):
    finding = Finding(check="camera", subject=fault, slice=f"camera={camera}", outcome=BREACH)
    return Report(stage=Stage.CAMERA, findings=(finding,))


def product(*cameras):
    return Cause(kind=CauseKind.PRODUCT, summary="what is photographed changed", cameras=cameras)


def fault(*cameras):
    return Cause(kind=CauseKind.CAMERA, summary=f"camera {' and '.join(cameras)} is at fault", cameras=cameras)


@pytest.mark.parametrize("name", list(CameraFault))
def test_no_named_fault_starts_a_retraining_whatever_labels_say(name):
    reports = (health(name.value, "b"), drift("b"))
    assert judge(reports, (fault("b"),), HARM).action is Action.FIX_CAMERA
    assert judge(reports, (), HARM).action is Action.FIX_CAMERA, "also when no cause was made of it"


@pytest.mark.parametrize("name", list(CameraFault))
def test_a_fault_and_a_change_of_the_same_camera_start_no_retraining(name):
    verdict = judge((health(name.value, "b"), drift("b")), (fault("b"), product("b")), HARM)
    assert verdict.action is Action.FIX_CAMERA


def test_a_fault_and_an_unexplained_change_of_one_other_camera_start_no_retraining():
    verdict = judge((health("frame_rate", "b"), drift("c")), (fault("b"), product("c")), HARM)
    assert verdict.action is Action.FIX_CAMERA


def test_a_change_of_all_pictures_together_is_no_evidence_while_a_camera_is_at_fault():
    assert judge((health("clock", "b"), drift()), (fault("b"), product()), HARM).action is Action.FIX_CAMERA
    assert judge((drift(),), (product(),), HARM).action is Action.RETRAIN


def test_several_sound_cameras_may_retrain_beside_a_broken_one_and_without_its_images():
    verdict = judge((health("dirty_lens", "b"), drift("a", "c")), (fault("b"), product("a", "c")), HARM)
    assert verdict.action is Action.RETRAIN
    assert verdict.blocked_cameras() == {"b"}
    assert "without the images of b" in verdict.sentence


def test_one_camera_that_alone_changed_is_looked_at_before_anything_is_learnt():
    verdict = judge((drift("c"),), (product("c"),), HARM)
    assert verdict.action is Action.FIX_CAMERA
    assert "Only c shows it: look at that camera first." in verdict.sentence
    assert "retrain by hand" in verdict.sentence


def test_a_change_of_one_camera_that_the_others_show_half_of_is_the_fleet_s():
    shared = drift("c", c=-1.6, a=-0.9, b=-0.8, d=-1.0)
    assert judge((shared,), (product("c"),), HARM).action is Action.RETRAIN
    beside = (health("offline", "b"), drift("c", c=-1.6, a=-0.9, b=0.0, d=-1.0))
    assert judge(beside, (fault("b"), product("c")), HARM).action is Action.RETRAIN


@pytest.mark.parametrize("others", [{"a": 0.9, "b": 0.8, "d": 1.0}, {"a": -0.5, "b": -0.6, "d": -0.7}])
def test_others_that_move_the_other_way_or_much_less_share_nothing(others):
    assert judge((drift("c", c=-1.6, **others),), (product("c"),), HARM).action is Action.FIX_CAMERA


def test_a_distance_without_direction_is_shared_by_none():
    far = drift("c", subject="embedding", c=1.5, a=1.2, b=1.1, d=1.3)
    assert judge((far,), (product("c"),), HARM).action is Action.FIX_CAMERA


def test_an_installation_of_one_camera_has_nobody_to_ask_and_retrains():
    only = Finding(check="ks", subject="sharpness", slice="camera=c", outcome=BREACH, effect=-1.5)
    assert judge((Report(stage=Stage.DRIFT, findings=(only,)),), (product("c"),), HARM).action is Action.RETRAIN


def test_errors_while_nothing_moved_still_retrain():
    assert judge((drift(),), (), HARM).action is Action.RETRAIN


def test_without_harm_a_lone_change_asks_for_labels_as_ever():
    assert judge((drift("c"),), (product("c"),), None).action is Action.LABEL_MORE
    assert judge((drift("c"),), (product("c"),), NO_HARM).action is Action.WAIT


def close(cameras, value, fleet=FLEET):
    """A camera stage in which these cameras' dirt is at so much of a limit of 1, that of the others at nothing."""
    found = [
        Finding(
            check="camera",
            subject="dirty_lens",
            slice=f"camera={name}",
            outcome=OK,
            value=value if name in cameras else 0.0,
            limit=1.0,
        )
        for name in fleet
    ]
    return Report(stage=Stage.CAMERA, findings=tuple(found))


def test_errors_while_nothing_moved_and_one_camera_is_close_to_a_fault_send_somebody_to_look_first():
    verdict = judge((close("b", 0.8), drift()), (), HARM)
    assert verdict.action is Action.FIX_CAMERA
    assert "Camera b is close to a fault: look at it first. If it is sound, retrain by hand." in verdict.sentence


def test_a_camera_far_from_a_fault_or_a_change_of_the_fleet_holds_no_retraining_back():
    assert judge((close("b", 0.5), drift()), (), HARM).action is Action.RETRAIN
    fleet = drift(*FLEET)
    assert judge((close("b", 0.8), fleet), (product(*FLEET),), HARM).action is Action.RETRAIN


def waits(*cameras):
    """A change beyond its limit on these cameras that the next window decides about."""
    found = [
        replace(each, outcome=Outcome.INCONCLUSIVE, value=0.8, limit=0.25) if each.camera in cameras else each
        for each in drift(*cameras).findings
    ]
    return Report(stage=Stage.DRIFT, findings=tuple(found))


def test_a_change_of_one_camera_that_waits_for_a_second_window_holds_a_retraining_back():
    assert judge((waits("b"),), (), HARM).action is Action.FIX_CAMERA
    assert judge((waits("a", "b"),), (), HARM).action is Action.RETRAIN, "several in doubt at once are chance"
    assert judge((waits("b"),), (), None).action is Action.WAIT


def test_without_harm_a_camera_close_to_a_fault_is_healthy():
    assert judge((close("b", 0.8), drift()), (), NO_HARM).action is Action.NONE


def rose(camera):
    """A concept stage that saw the errors rise, on this camera only; on several with an empty name."""
    one = Finding(
        check="concept",
        subject="one_camera",
        slice=f"camera={camera}" if camera else "all",
        outcome=BREACH if camera else OK,
        note=f"the errors rose on camera {camera} and on no other" if camera else "",
    )
    return Report(stage=Stage.CONCEPT, findings=(Finding(check="concept", subject="error", outcome=BREACH), one))


def test_errors_of_one_camera_that_no_picture_explains_are_looked_at_before_anything_is_learnt():
    verdict = judge((drift(), rose("b")), (), None)
    assert verdict.action is Action.FIX_CAMERA
    assert [cause.kind for cause in verdict.causes] == [CauseKind.MODEL]
    assert "Only b shows more errors" in verdict.sentence
    assert verdict.blocked_cameras() == frozenset(), "a sound camera that sees something new may be learnt from"


def test_errors_that_rose_on_several_cameras_retrain():
    assert judge((drift(), rose("")), (), None).action is Action.RETRAIN


def test_a_change_that_sound_cameras_share_is_learnt_also_where_one_of_them_errs_most():
    assert judge((drift("a", "c"), rose("a")), (product("a", "c"),), None).action is Action.RETRAIN


def test_errors_on_the_broken_camera_only_retrain_nothing_whatever_the_others_show():
    reports = (health("dirty_lens", "b"), drift("a", "c"))
    causes = (fault("b"), product("a", "c"))
    assert judge((*reports, rose("b")), causes, None).action is Action.FIX_CAMERA
    assert judge((*reports, rose("")), causes, None).action is Action.RETRAIN


def changes(**subjects):
    """A breach on each of these cameras in a subject of its own, with its shift; the others show nothing of it."""
    asked = dict(subjects.values())
    found = [
        Finding(
            check="ks",
            subject=subject,
            slice=f"camera={name}",
            outcome=BREACH if subjects.get(name, ("", 0))[0] == subject else OK,
            effect=subjects[name][1] if subjects.get(name, ("", 0))[0] == subject else 0.0,
        )
        for subject in asked
        for name in FLEET
    ]
    return Report(stage=Stage.DRIFT, findings=tuple(found))


@pytest.mark.parametrize(
    ("a", "c", "action"),
    [
        (("sharpness", -1.5), ("noise", 1.2), Action.FIX_CAMERA),
        (("sharpness", -1.5), ("sharpness", 1.5), Action.FIX_CAMERA),
        (("sharpness", -1.5), ("sharpness", -0.9), Action.RETRAIN),
        (("embedding", 0.0), ("embedding", 0.0), Action.RETRAIN),
        (("embedding", 0.0), ("noise", 1.2), Action.FIX_CAMERA),
    ],
)
def test_two_of_four_cameras_share_a_change_only_when_it_is_the_same_one(a, c, action):
    verdict = judge((changes(a=a, c=c),), (product("a", "c"),), HARM)
    assert verdict.action is action
    if action is Action.FIX_CAMERA:
        assert "a, c: each shows another change, so look at these cameras first." in verdict.sentence


def test_most_of_the_cameras_are_the_fleet_however_each_of_them_shows_it():
    seen = changes(a=("sharpness", -1.5), b=("noise", 1.2), c=("brightness", 1.0))
    assert judge((seen,), (product("a", "b", "c"),), HARM).action is Action.RETRAIN


def test_a_change_of_all_pictures_together_may_come_from_the_one_camera_that_errs_or_is_close_to_a_fault():
    assert judge((drift(), rose("a")), (product(),), None).action is Action.FIX_CAMERA
    assert judge((close("b", 0.9), drift()), (product(),), HARM).action is Action.FIX_CAMERA
    assert judge((drift(), rose("")), (product(),), None).action is Action.RETRAIN
    assert judge((close("b", 0.5), drift()), (product(),), HARM).action is Action.RETRAIN


def test_several_cameras_close_to_a_fault_while_nothing_moved_are_looked_at_first():
    verdict = judge((close("bd", 0.8), drift()), (), HARM)
    assert verdict.action is Action.FIX_CAMERA
    assert "b, d are close to a fault: look at these cameras first" in verdict.sentence


def test_a_change_that_only_cameras_close_to_a_fault_share_is_no_new_product():
    assert judge((close("bd", 0.8), drift("b", "d")), (product("b", "d"),), HARM).action is Action.FIX_CAMERA
    assert judge((close("bd", 0.5), drift("b", "d")), (product("b", "d"),), HARM).action is Action.RETRAIN
    assert judge((close("d", 0.8), drift("b", "d")), (product("b", "d"),), HARM).action is Action.FIX_CAMERA


def test_the_fault_of_one_camera_that_others_show_too_faintly_to_be_named_is_theirs_as_well():
    reports = (health("dirty_lens", "a"), close("bc", 0.8), drift("a", "b", "c"))
    assert judge(reports, (fault("a"), product("b", "c")), HARM).action is Action.FIX_CAMERA


def test_what_most_cameras_show_at_once_is_no_fault_of_one_and_no_reason_to_learn_from_it():
    assert judge((close("abc", 1.2), drift("a", "b", "c")), (product("a", "b", "c"),), HARM).action is Action.FIX_CAMERA


def test_a_new_product_on_most_cameras_is_learnt_although_one_of_them_is_close_to_a_fault():
    assert judge((close("d", 0.8), drift(*FLEET)), (product(*FLEET),), HARM).action is Action.RETRAIN


def test_the_only_camera_of_an_installation_is_looked_at_first_when_it_is_close_to_a_fault():
    only = Finding(check="ks", subject="sharpness", slice="camera=c", outcome=BREACH, effect=-1.5)
    seen = Report(stage=Stage.DRIFT, findings=(only,))
    assert judge((close("c", 0.55, "c"), seen), (product("c"),), HARM).action is Action.FIX_CAMERA
    assert judge((close("c", 0.45, "c"), seen), (product("c"),), HARM).action is Action.RETRAIN


def together(subject, effect, **cameras):
    """A change that all cameras together show, and how much of it each does, none for sure."""
    what = {"effect": effect} if effect else {}
    whole = Finding(check="ks", subject=subject, outcome=BREACH, value=0.5, **what)
    parts = [
        Finding(
            check="ks",
            subject=subject,
            slice=f"camera={name}",
            outcome=OK,
            value=abs(size),
            effect=size if effect else None,
        )
        for name, size in cameras.items()
    ]
    return Report(stage=Stage.DRIFT, findings=(whole, *parts))


@pytest.mark.parametrize(
    ("seen", "action"),
    [
        (together("brightness", 0.4, a=0.1, b=0.9, c=0.2, d=0.0), Action.FIX_CAMERA),
        (together("brightness", -0.4, a=0.1, b=-0.9, c=-0.2, d=0.3), Action.FIX_CAMERA),
        (together("brightness", 0.4, a=0.5, b=0.6, c=0.3, d=0.4), Action.RETRAIN),
        (together("embedding", None, a=0.2, b=0.8, c=0.3, d=0.2), Action.FIX_CAMERA),
        (together("embedding", None, a=0.5, b=0.6, c=0.5, d=0.4), Action.RETRAIN),
    ],
)
def test_what_all_cameras_together_show_belongs_to_the_one_that_carries_it(seen, action):
    assert judge((seen,), (product(),), HARM).action is action


def test_changes_that_different_cameras_carry_are_the_fleet_s():
    one, other = together("brightness", 0.4, a=0.0, b=0.9, c=0.1), together("noise", 0.4, a=0.9, b=0.0, c=0.1)
    assert judge((one, other), (product(),), HARM).action is Action.RETRAIN
