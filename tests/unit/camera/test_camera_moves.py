"""Which of several signs of a move counts: numbers of one camera as they were measured, and what they are called."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tasks.camera.case import Case
from tasks.camera.colours import Cast
from tasks.camera.damage import unlike
from tasks.camera.frames import Frames
from tasks.camera.measures import Measures, measures
from tasks.camera.rules import CameraRules
from tasks.camera.signs import signs
from tasks.camera.spots import Spots
from tasks.camera.stance import Stance
from tasks.camera.tone import Tone


def numbers(**what: object) -> Measures:
    """A camera over an even belt to which nothing happened, but for this."""
    usual: dict[str, object] = {
        "light": 0.0, "weather": 0.0, "burnt": 0.0, "colour": math.nan, "differing": math.nan, "cast": Cast(),
        "blur": 0.0, "lost": 0.0, "inside": 0.0, "gained": 0.0,
        "poorer": 0.0, "richer": 0.0,
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
    assert name(numbers(lost=0.03, poorer=0.03, inside=0.03, spots=new, stance=Stance(gain=0.5, across=-0.12))) == fault


@pytest.mark.parametrize(("weather", "fault"), [(0.0, "too_dark"), (0.3, "too_dark"), (0.5, "none")])
def test_light_that_comes_and_goes_by_chance_is_no_lamp_that_failed(weather: float, fault: str):
    assert name(numbers(light=-0.4, weather=weather)) == fault


def frames(view: np.ndarray, detail: np.ndarray) -> Frames:
    """Thirty images of a fixed view (32, 32), with its detail (16, 16), in which little passes."""
    rng = np.random.default_rng(2)
    luma = np.clip(view + rng.normal(0, 3, (30, 32, 32)), 0, 255)
    return Frames(
        luma=luma,
        detail=detail + rng.normal(0, 0.02, (30, 16, 16)),
        orientation=np.full((30, 36), 1 / 36),
        octaves=np.full((30, 4), 5.0),
        burnt=np.zeros(30),
        colour=np.zeros(30),
        tint=np.full((30, 8, 8, 3), 128.0),
        hour=np.zeros(30),
        moment=np.arange(30) * 600.0,
    )


def test_a_view_of_which_no_place_is_as_it_was_is_compared_as_a_whole():
    rng = np.random.default_rng(3)
    one, other = rng.uniform(30, 200, (2, 32, 32))
    rich, poor = np.full((16, 16), 2.0), np.tile([0.2, 2.0], (16, 8))
    before = frames(one, rich)
    assert measures(before, frames(other, poor)).strange > 0.5
    assert measures(before, frames(one, poor)).strange < 0.05, "lost detail alone is no other view"
    assert unlike(before, frames(0.5 * one, rich)) < 0.05, "nor is less light"


@pytest.mark.parametrize(("gain", "fault"), [(0.6, "moved"), (0.05, "too_dark")])
def test_a_dark_edge_of_a_picture_that_is_plainly_elsewhere_is_no_less_light(gain: float, fault: str):
    shot = numbers(light=-0.4, lost=0.4, strange=0.6, stance=Stance(gain=gain, zoom=0.68, told=True))
    case = Case(
        now=shot,
        healthy=[numbers(stance=Stance(told=True))] * 4,
        others=[numbers(stance=Stance(told=True))] * 2,
        rules=CameraRules(),
    )
    assert next(sign.fault.value for sign in signs(case) if sign.over) == fault
