"""Which of several signs of a move counts: numbers of one camera as they were measured, and what they are called."""

from __future__ import annotations

import math

import pytest

from tasks.camera.case import Case
from tasks.camera.measures import Measures
from tasks.camera.rules import CameraRules
from tasks.camera.signs import signs
from tasks.camera.spots import Spots
from tasks.camera.stance import Stance
from tasks.camera.tone import Tone


def numbers(**what: object) -> Measures:
    """A camera over an even belt to which nothing happened, but for this."""
    usual: dict[str, object] = {
        "light": 0.0, "burnt": 0.0, "colour": math.nan, "blur": 0.0, "lost": 0.0, "inside": 0.0, "gained": 0.0,
        "strange": 0.3, "blind": 0.0, "level": 0.0, "depth": 0.0, "repeats": 0.0, "familiar": True, "bare": False,
        "tone": Tone(level=0.0, slope=1.0, fade=0.0), "spots": Spots(apart=0.0, calm=1.0), "stance": Stance(),
    }  # fmt: skip
    return Measures(**(usual | what))  # type: ignore[arg-type]


def name(now: Measures) -> str:
    """The first fault of a camera beside two sound ones."""
    case = Case(now=now, healthy=[numbers()] * 4, others=[numbers()] * 2, rules=CameraRules())
    return next((sign.fault.value for sign in signs(case) if sign.over), "none")


@pytest.mark.parametrize(("blur", "fault"), [(0.4, "moved"), (1.0, "out_of_focus")])
def test_a_turn_is_told_through_the_slight_blur_of_a_picture_that_is_nearer(blur: float, fault: str):
    assert name(numbers(blur=blur, stance=Stance(turn=7.0))) == fault


def test_a_slight_blur_without_a_turn_is_out_of_focus():
    assert name(numbers(blur=0.4, stance=Stance(turn=2.0))) == "out_of_focus"


@pytest.mark.parametrize(("side", "fault"), [(1.0, "moved"), (0.3, "dirty_lens")])
def test_what_is_new_along_a_whole_side_came_into_view_and_is_no_stain(side: float, fault: str):
    new = Spots(apart=0.12, calm=0.88, side=side)
    assert name(numbers(lost=0.03, inside=0.03, spots=new, stance=Stance(gain=0.5, across=-0.12))) == fault
