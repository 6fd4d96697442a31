"""Errors that rise on one camera of several are a question about that camera; those that several share are not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from tasks.concept import task as concept
from tasks.concept.answered import Answered
from tasks.concept.whose import one_camera
from tasks.domain.finding import ALL, Finding, Outcome
from tasks.domain.verdict import Action
from tests.fakes.labelled_line import LabelledLine, found, labelled_line, thing

__all__ = ["labelled_line"]

START = datetime(2026, 1, 1, tzinfo=UTC)
FLEET = ("a", "b", "c", "d")


def images(errors: dict[str, float], each: int, seed: int, per_session: int = 1) -> list[Answered]:
    """So many labelled images of every camera, right or wrong by chance; a session is right or wrong as a whole."""
    rng = np.random.default_rng(seed)
    made = []
    for camera, error in errors.items():
        wrong = np.repeat(rng.random(each // per_session) < error, per_session)
        for n, miss in enumerate(wrong):
            at = START + timedelta(minutes=n)
            made.append(
                Answered(
                    image_id=f"{camera}-{n}",
                    camera=camera,
                    session=f"{camera}-{n // per_session}",
                    version="1",
                    captured_at=at,
                    labelled_at=at + timedelta(hours=1),
                    annotator="ada",
                    golden=False,
                    score=0.0 if miss else 1.0,
                )
            )
    return made


def asked(since: dict[str, float], each: int = 40, seed: int = 0, per_session: int = 1) -> Finding:
    before = images(dict.fromkeys(since, 0.05), 40, 100 + seed)
    return one_camera(before, images(since, each, seed, per_session), 0.03)


def test_errors_that_rose_on_one_camera_of_four_are_that_camera_s():
    told = asked({"a": 0.05, "b": 0.5, "c": 0.05, "d": 0.05})
    assert (told.outcome, told.camera) == (Outcome.BREACH, "b")
    assert told.note.startswith("the errors rose on camera b and on no other:")


@pytest.mark.parametrize(
    "since",
    [dict.fromkeys(FLEET, 0.4), {"a": 0.05, "b": 0.5, "c": 0.5, "d": 0.05}, dict.fromkeys(FLEET, 0.05)],
    ids=["all alike", "two of four", "none"],
)
def test_errors_that_several_cameras_share_or_none_shows_are_nobody_s(since: dict[str, float]):
    seen = [asked(since, seed=seed) for seed in range(40)]
    assert sum(told.outcome is Outcome.BREACH for told in seen) <= 4, "a chance of one in twenty"
    assert all(told.slice == ALL for told in seen if told.outcome is Outcome.OK)


def test_a_rise_that_the_others_show_half_of_is_shared():
    told = asked({"a": 0.3, "b": 0.5, "c": 0.3, "d": 0.3}, each=400)
    assert told.outcome is Outcome.OK


def test_two_cameras_are_enough_to_tell_and_one_has_nobody_to_be_held_against():
    assert asked({"a": 0.05, "b": 0.6}).camera == "b"
    assert asked({"b": 0.6}).outcome is Outcome.INCONCLUSIVE


def test_too_few_labels_on_the_others_say_nothing():
    before = images(dict.fromkeys(FLEET, 0.05), 40, 1)
    since = images({"b": 0.6}, 40, 2) + images({"a": 0.0}, 3, 3)
    told = one_camera(before, since, 0.03)
    assert told.outcome is Outcome.INCONCLUSIVE
    assert told.note == "1 of 4 cameras with labels have enough before and since to be told apart"


def test_frames_of_one_bad_session_are_one_witness():
    lasting = asked({"a": 0.0, "b": 0.6, "c": 0.0, "d": 0.0}, each=60)
    one = images({"a": 0.0, "c": 0.0, "d": 0.0}, 60, 0, 10)
    bad = images({"b": 1.0}, 10, 0, 10) + images({"b": 0.0}, 60, 0, 10)[10:]
    assert lasting.outcome is Outcome.BREACH
    assert one_camera(images(dict.fromkeys(FLEET, 0.05), 40, 1), one + bad, 0.03).outcome is Outcome.OK


CAMERAS = ("cam-1", "cam-2", "cam-3")
PER = 90


def live(
    line: LabelledLine,
    back: int,
    wrong: dict[str, float],
    annotators: dict[str, str] | None = None,
    faulty: tuple[str, ...] = (),
) -> None:
    """A window of 30 images of each camera, `wrong` of whose answers miss the object; labelled an hour later."""
    rng = np.random.default_rng(back)
    missed = [rng.random() < wrong.get(CAMERAS[n % 3], 0.03) for n in range(PER)]
    names = [f"w{back}-{n}" for n in range(PER)]
    answers = {
        name: [] if miss else [found(n // 3 % 2)] for n, (name, miss) in enumerate(zip(names, missed, strict=True))
    }
    line.judge(back, answers, cameras=CAMERAS, faulty=faulty)
    start = line.window(back).end + timedelta(minutes=1)
    for n, name in enumerate(names):
        by = (annotators or {}).get(CAMERAS[n % 3], "ada" if n % 2 else "kim")
        line.label(name, [thing(n // 3 % 2)], start + timedelta(seconds=n), by)


def verdict(
    line: LabelledLine, wrong: dict[str, float], annotators: dict[str, str] | None = None
) -> tuple[Action, str]:
    for back in (6, 5):
        live(line, back, {}, annotators)
    for back in (1, 0):
        live(line, back, wrong, annotators)
    return again(line)


def again(line: LabelledLine) -> tuple[Action, str]:
    line.evaluate()
    told = line.told[-1].verdict
    return told.action, told.sentence


def test_a_fault_that_no_picture_shows_sends_somebody_to_the_camera_whose_labels_show_it(labelled_line: LabelledLine):
    action, sentence = verdict(labelled_line, {"cam-2": 0.8})
    assert action is Action.FIX_CAMERA
    assert "rose on camera cam-2 and on no other" in sentence
    assert sentence.endswith(
        "Only cam-2 shows more errors: look at that camera, and at its labels, first. If it is sound, retrain by hand."
    )
    concept.audit_labels("welds", "eve", "fifty looked at, all right")
    assert again(labelled_line)[0] is Action.FIX_CAMERA, "right labels are no reason to learn from a spoilt camera"


def test_errors_that_rise_on_all_cameras_alike_still_retrain_once_the_labels_were_looked_at(
    labelled_line: LabelledLine,
):
    assert verdict(labelled_line, dict.fromkeys(CAMERAS, 0.6))[0] is Action.AUDIT_LABELS
    concept.audit_labels("welds", "eve", "fifty looked at, all right")
    assert again(labelled_line)[0] is Action.RETRAIN


def test_a_person_who_labels_that_camera_alone_is_asked_first_and_the_camera_after(labelled_line: LabelledLine):
    own = {"cam-1": "ada", "cam-2": "kim", "cam-3": "ada"}
    assert verdict(labelled_line, {"cam-2": 0.8}, own)[0] is Action.AUDIT_LABELS
    concept.audit_labels("welds", "eve", "fifty looked at, all right")
    assert again(labelled_line)[0] is Action.FIX_CAMERA


@pytest.mark.parametrize("faulty", [(), ("cam-1", "cam-2")], ids=["nobody blamed", "blamed then"])
def test_errors_on_what_broken_cameras_took_are_no_errors_of_the_model_once_they_are_mended(
    labelled_line: LabelledLine, faulty: tuple[str, ...]
):
    for back in (6, 5):
        live(labelled_line, back, {})
    for back in (2, 1):
        live(labelled_line, back, {"cam-1": 0.7, "cam-2": 0.7}, faulty=faulty)
    labelled_line.judge(0, {f"new-{n}": [found()] for n in range(PER)}, cameras=CAMERAS)  # not labelled yet
    concept.audit_labels("welds", "eve", "fifty looked at, all right")
    assert again(labelled_line)[0] is (Action.NONE if faulty else Action.RETRAIN)
