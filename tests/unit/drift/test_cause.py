"""Camera, product or data, and since when."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tasks.domain.finding import ALL, Finding, Outcome, Report, Stage
from tasks.domain.verdict import CauseKind
from tasks.domain.window import Window
from tasks.drift.cause import causes_of
from tasks.drift.onset import key, onset

DAY = Window(datetime(2026, 11, 20, tzinfo=UTC), datetime(2026, 11, 21, tzinfo=UTC))


def finding(camera, subject, effect, outcome=Outcome.BREACH, note="fell 61 % (142 → 55); p = 1e-9"):
    where = ALL if camera is None else f"camera={camera}"
    return Finding(
        check="ks", subject=subject, slice=where, outcome=outcome, value=abs(effect), effect=effect, n=60, note=note
    )


def fine(*cameras, subject="brightness"):
    return [finding(camera, subject, 0.05, Outcome.OK) for camera in cameras]


def drift(*findings):
    return (Report(stage=Stage.DRIFT, findings=tuple(findings)),)


def test_no_breach_has_no_cause():
    assert causes_of(drift(*fine("a", "b")), {}) == ()


def test_light_on_one_of_four_cameras_is_that_cameras_fault():
    bad = finding("b", "brightness", -2.4)
    (cause,) = causes_of(drift(*fine("a", "c", "d"), bad), {key(bad): DAY.start})
    assert (cause.kind, cause.cameras, cause.properties) == (CauseKind.CAMERA, ("b",), ("brightness",))
    assert cause.summary == "camera b: brightness fell 61 % (142 → 55) since 2026-11-20 00:00 UTC"
    assert (cause.since, cause.share) == (DAY.start, 1.0)


def test_light_on_one_of_two_cameras_is_that_cameras_fault():
    (cause,) = causes_of(drift(*fine("a"), finding("b", "noise", 2.0)), {})
    assert (cause.kind, cause.cameras) == (CauseKind.CAMERA, ("b",))


def test_a_change_of_the_fleet_that_is_significant_on_one_camera_only_is_no_camera_fault():
    weaker = [finding(camera, "entropy", -0.6, Outcome.OK) for camera in "acd"]
    (cause,) = causes_of(drift(*weaker, finding("b", "entropy", -0.9)), {})
    assert cause.kind is CauseKind.PRODUCT


def test_light_on_most_cameras_is_the_product():
    moved = [finding(camera, "brightness", -1.0) for camera in "abc"]
    (cause,) = causes_of(drift(*moved, *fine("d"), finding(None, "brightness", -0.9)), {})
    assert cause.kind is CauseKind.PRODUCT
    assert cause.cameras == ("a", "b", "c")
    assert "3 of 4 cameras" in cause.summary


def test_a_new_product_and_a_dark_camera_stay_two_causes():
    moved = [finding(camera, "embedding", 0.6) for camera in "abcd"]
    light = [finding(camera, "brightness", 0.1, Outcome.OK) for camera in "acd"]
    found = causes_of(drift(*moved, *light, finding("b", "brightness", -3.0)), {})
    assert [(cause.kind, cause.cameras) for cause in found] == [
        (CauseKind.CAMERA, ("b",)),
        (CauseKind.PRODUCT, ("a", "c", "d")),
    ]
    assert sum(cause.share for cause in found) == pytest.approx(1, abs=1e-3)


def test_while_the_fleet_moves_a_camera_that_moves_with_it_is_not_at_fault():
    moved = [
        finding(camera, "brightness", effect) for camera, effect in zip("abcd", (-1, -1.2, -0.9, -1.1), strict=True)
    ]
    assert [cause.kind for cause in causes_of(drift(*moved), {})] == [CauseKind.PRODUCT]


def test_a_change_that_only_shows_over_all_cameras_is_the_product():
    (cause,) = causes_of(drift(*fine("a", "b"), finding(None, "embedding", 0.2)), {})
    assert (cause.kind, cause.cameras) == (CauseKind.PRODUCT, ())


@pytest.mark.parametrize(
    ("subject", "effect", "kind"),
    [
        ("brightness", -2.0, CauseKind.CAMERA),
        ("sharpness", -2.0, CauseKind.CAMERA),
        ("brightness", -0.6, CauseKind.PRODUCT),
        ("brightness", 2.0, CauseKind.PRODUCT),
        ("entropy", -2.0, CauseKind.PRODUCT),
    ],
)
def test_a_lone_camera_is_at_fault_only_when_plainly_dark_or_blurred(subject, effect, kind):
    (cause,) = causes_of(drift(finding("a", subject, effect)), {})
    assert cause.kind is kind


def test_a_camera_that_freezes_is_a_camera_fault_not_drift():
    frozen = Finding(
        check="frozen",
        subject="distinct_scenes",
        slice="camera=a",
        outcome=Outcome.BREACH,
        value=0.9,
        note="90 % of 50 images repeat an earlier one",
    )
    (cause,) = causes_of(drift(frozen, *fine("b", "c")), {})
    assert (cause.kind, cause.cameras) == (CauseKind.CAMERA, ("a",))
    assert "90 % of 50 images repeat" in cause.summary


def health(*faults):
    """A report of the camera stage: (camera, subject, note), ok without a note."""
    found = tuple(
        Finding(
            check="camera",
            subject=subject,
            slice=f"camera={camera}",
            outcome=Outcome.BREACH if note else Outcome.OK,
            note=note,
        )
        for camera, subject, note in faults
    )
    return Report(stage=Stage.CAMERA, findings=found)


BLURRED = ("b", "out_of_focus", "is out of focus: fine detail fell 80 %")


def test_a_fault_with_a_name_is_the_cameras_one_cause_with_the_changes_that_it_explains():
    report = health(BLURRED, ("a", "moved", ""))
    bad = finding("b", "sharpness", -2.4)
    onsets = {key(report.findings[0]): DAY.start, key(bad): DAY.start - timedelta(days=1)}
    (cause,) = causes_of((*drift(*fine("a", "c"), bad), report), onsets)
    assert (cause.kind, cause.cameras, cause.share) == (CauseKind.CAMERA, ("b",), 1.0)
    assert cause.summary == "camera b is out of focus: fine detail fell 80 % since 2026-11-20 00:00 UTC"
    assert cause.properties == ("out_of_focus", "sharpness")


def test_two_faults_of_a_camera_are_one_cause():
    (cause,) = causes_of((health(BLURRED, ("b", "frame_rate", "sends too few images: 9 instead of 30")),), {})
    assert cause.summary == "camera b is out of focus: fine detail fell 80 % and sends too few images: 9 instead of 30"
    assert cause.share is None


def test_what_the_whole_window_shows_because_of_a_sick_camera_is_no_new_product():
    reports = (*drift(*fine("a", "b", "c"), finding(None, "sharpness", -0.5)), health(BLURRED))
    assert [cause.kind for cause in causes_of(reports, {})] == [CauseKind.CAMERA]


def undirected(camera, value, outcome):
    return replace(finding(camera, "places", 0.0, outcome), check="largest_shift", effect=None, value=value)


def test_a_dirty_lens_that_shows_in_all_places_together_is_no_new_product():
    """Distances between few scenes are large without any change: only a breach elsewhere is a witness."""
    lens = undirected("b", 4.0, Outcome.BREACH)
    quiet = [undirected(camera, 3.0, Outcome.OK) for camera in "ac"]
    whole = undirected(None, 3.5, Outcome.BREACH)
    assert [cause.kind for cause in causes_of((*drift(lens, *quiet, whole), health(BLURRED)), {})] == [CauseKind.CAMERA]
    loud = [undirected(camera, 4.0, Outcome.BREACH) for camera in "ac"]
    both = causes_of((*drift(lens, *loud, whole), health(BLURRED)), {})
    assert {cause.kind for cause in both} == {CauseKind.CAMERA, CauseKind.PRODUCT}


def test_what_all_cameras_show_together_belongs_to_the_product_that_most_of_them_show():
    moved = [finding(camera, "contrast", -0.9) for camera in "abc"]
    answers = [finding(camera, "class[nut]", -0.3, Outcome.OK) for camera in "abc"]
    (cause,) = causes_of(drift(*moved, *answers, finding(None, "class[nut]", -0.3)), {})
    assert cause.cameras == ("a", "b", "c") and cause.properties == ("contrast", "class[nut]")


def test_a_silent_camera_explains_no_change_of_pictures():
    silent = health(("d", "offline", "is offline: no image in this window"))
    moved = [finding(camera, "embedding", 0.6) for camera in "abc"]
    found = causes_of((*drift(*moved), silent), {})
    assert {(cause.kind, cause.cameras) for cause in found} == {
        (CauseKind.PRODUCT, ("a", "b", "c")),
        (CauseKind.CAMERA, ("d",)),
    }


def test_a_lone_camera_that_was_looked_at_and_found_sound_sees_a_new_product():
    sound = health(("b", "out_of_focus", ""), ("b", "too_dark", ""))
    (cause,) = causes_of((*drift(*fine("a", "c"), finding("b", "contrast", -2.1)), sound), {})
    assert (cause.kind, cause.cameras) == (CauseKind.PRODUCT, ("b",))


def test_a_sound_camera_whose_noise_rose_strongly_is_at_fault_without_a_name():
    sound = health(("b", "out_of_focus", ""))
    for effect, kind in ((2.0, CauseKind.CAMERA), (0.9, CauseKind.PRODUCT), (-2.0, CauseKind.PRODUCT)):
        (cause,) = causes_of((*drift(*fine("a", "c"), finding("b", "noise", effect)), sound), {})
        assert cause.kind is kind


def test_a_camera_that_could_not_be_looked_at_is_judged_by_its_drift():
    few = Finding(check="camera", subject="images", slice="camera=b", outcome=Outcome.INCONCLUSIVE)
    report = Report(stage=Stage.CAMERA, findings=(few,))
    (cause,) = causes_of((*drift(*fine("a", "c"), finding("b", "contrast", -2.1)), report), {})
    assert cause.kind is CauseKind.CAMERA


def test_broken_data_comes_first():
    broken = Finding(
        check="range", subject="detections.confidence", outcome=Outcome.BREACH, note="7 of 9 rows break it"
    )
    reports = (Report(stage=Stage.QUALITY, findings=(broken,)), *drift(*fine("a", "b"), finding("c", "noise", 2.0)))
    found = causes_of(reports, {})
    assert [cause.kind for cause in found] == [CauseKind.DATA, CauseKind.CAMERA]
    assert "7 of 9 rows" in found[0].summary


def windows(*outcomes):
    """History newest first, one window a day before DAY."""
    back = timedelta(days=1)
    answer = {"b": Outcome.BREACH, "o": Outcome.OK, "i": Outcome.INCONCLUSIVE}
    return [
        (Window(DAY.start - back * (i + 1), DAY.start - back * i), finding("a", "noise", 1.0, answer[letter]))
        for i, letter in enumerate(outcomes)
    ]


@pytest.mark.parametrize(
    ("history", "days"),
    [("", 0), ("o", 0), ("bbo", 2), ("bob", 1), ("ibo", 2), ("bi", 1), ("iio", 0)],
)
def test_the_onset_is_the_first_window_of_the_unbroken_run(history, days):
    assert onset(DAY, finding("a", "noise", 1.0), windows(*history)) == DAY.start - timedelta(days=days)


def test_a_change_into_the_other_direction_is_another_story():
    assert onset(DAY, finding("a", "noise", -1.0), windows("b", "b")) == DAY.start


def test_the_fleet_changed_when_most_cameras_had_changed_not_when_the_first_was_at_fault():
    moved = [finding(camera, "entropy", 1.0) for camera in ("a", "b", "c")]
    early, late = DAY.start - timedelta(days=3), DAY.start
    onsets = {key(each): early if each.camera == "a" else late for each in moved}
    (product,) = causes_of(drift(*moved), onsets)
    assert (product.kind, product.since) == (CauseKind.PRODUCT, late)
