"""Pictures of one colour have lost theirs, a tint over all places is a cast, and a coloured product is neither."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from tasks.camera.colours import hue, size, variety
from tasks.camera.frames import COLOURS, by_camera
from tasks.camera.pictures import judge_pictures
from tasks.camera.rules import CameraRules
from tasks.domain.finding import Outcome


def one_colour(tone):
    def change(image):
        return np.clip(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)[:, :, None] * np.array(tone), 0, 255).astype(np.uint8)

    return change


def through(*kept):
    return lambda image: np.clip(image * np.array(kept), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("tone", [(0.2, 1.0, 0.3), (0.1, 0.6, 1.0), (0.9, 0.3, 0.8)])
def test_night_vision_in_one_colour_has_lost_its_colours(belts, views, tone):
    assert views.named({"hall": one_colour(tone)}) == {"hall": "colour_lost"}
    assert belts.named({"cam-2": one_colour(tone)}) == {"cam-2": "colour_lost"}


@pytest.mark.parametrize("kept", [(0.4, 0.7, 1.0), (1.0, 0.7, 0.4), (0.9, 0.6, 0.9)])
def test_a_filter_before_one_camera_is_a_cast(belts, views, kept):
    assert views.named({"hall": through(*kept)}) == {"hall": "colour_cast"}
    assert belts.named({"cam-2": through(*kept)}) == {"cam-2": "colour_cast"}


def test_the_words_name_the_tint_and_its_strength(views):
    found = views.judged({"hall": through(0.4, 0.7, 1.0)})
    words = next(each.note for each in found if each.outcome is Outcome.BREACH)
    assert words.startswith("has a colour cast: all of its picture is") and "more orange than it was" in words


def test_another_light_on_all_cameras_is_no_cast(belts, views):
    for place in (belts, views):
        assert place.named(dict.fromkeys(place.images, through(0.75, 0.95, 1.1))) == {}


def test_a_product_of_another_colour_is_no_cast(views):
    def painted(image):
        picture = image.copy()
        picture[:, 45:115] = np.clip(picture[:, 45:115] * np.array([0.3, 0.7, 1.3]), 0, 255)
        return picture

    assert "colour_cast" not in set(views.named({"hall": painted}).values())


@pytest.mark.parametrize("curve", [lambda x: 0.6 * x, lambda x: 255 * (x / 255) ** 1.6, lambda x: x * 0.8 - 10])
def test_less_light_and_another_curve_are_no_cast(belts, views, curve):
    def change(image):
        return np.clip(curve(image.astype(float)), 0, 255).astype(np.uint8)

    for place, camera in ((belts, "cam-2"), (views, "hall")):
        assert "colour_cast" not in set(place.named({camera: change}).values())


def test_a_camera_without_colours_has_none_to_judge(cells):
    assert not {"colour_lost", "colour_cast"} & {each.subject for each in cells.judged({})}


def test_a_reference_from_before_colours_were_measured_by_place_says_nothing_of_a_cast(views):
    before = by_camera(views.table(views.reference).drop_columns([COLOURS]))
    after = by_camera(views.table(views.current))
    found = judge_pictures(before, after, CameraRules())
    assert not [each for each in found if each.outcome is Outcome.BREACH or each.subject == "colour_cast"]


def test_variety_is_what_brightness_does_not_say(views):
    frames = by_camera(views.table({"hall": views.current["hall"]}))["hall"]
    grey = frames.tint.mean(axis=3, keepdims=True)
    assert variety(frames).min() > 0.02
    assert variety(type(frames)(**{
        name: getattr(frames, name) if name != "tint" else grey * np.array([0.2, 0.9, 0.4])
        for name in type(frames).__slots__
    })).max() < 0.001  # fmt: skip


@pytest.mark.parametrize(
    ("red", "blue", "name"), [(0.5, -0.5, "orange"), (-0.4, -0.4, "green"), (0.4, 0.4, "purple"), (-0.3, 0.3, "blue")]
)
def test_a_tint_has_the_name_of_its_light(red, blue, name):
    assert hue(np.array([red, blue])) == name
    assert size(np.array([red, blue])) == pytest.approx(max(red, blue, 0) - min(red, blue, 0))
