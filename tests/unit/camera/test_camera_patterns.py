"""Fixed patterns, pictures played again, curves, other views, and what most cameras show at once."""

from __future__ import annotations

from itertools import count

import cv2
import numpy as np
import pytest

from tasks.camera.clock import Arrivals, judge_clocks
from tasks.camera.frames import by_camera
from tasks.camera.pictures import judge_pictures
from tasks.camera.rules import CameraRules
from tasks.domain.finding import Outcome, Report, Stage
from tasks.domain.sharing import nearly
from tasks.drift.properties import of_image

SIDE = 160
HOT = np.random.default_rng(4).random((SIDE, SIDE)) < 1 / 120


def clipped(pixels):
    return np.clip(pixels, 0, 255).astype(np.uint8)


def aged(image):
    """Pixels that are white for ever, all over the picture."""
    seen = image.copy()
    seen[HOT] = 250
    return seen


def scratched(image):
    """Columns of the sensor that are dead."""
    seen = image.copy()
    for place in (17, 42, 60, 97, 133):
        seen[:, place : place + 2] = 245
    return seen


def in_turns(images, size):
    """The first `size` pictures, played again and again with a little noise."""
    rng, numbers = np.random.default_rng(2), count()
    return lambda image: clipped(images[next(numbers) % size] + rng.normal(0, 1, image.shape))


def lit(factor):
    return lambda image: clipped(image * factor)


@pytest.mark.parametrize(("world", "camera"), [("belts", "cam-2"), ("views", "hall")])
@pytest.mark.parametrize("pattern", [aged, scratched])
def test_a_pattern_that_lies_over_the_whole_picture_is_dirt(request, world, camera, pattern):
    assert request.getfixturevalue(world).named({camera: pattern}) == {camera: "dirty_lens"}


def test_threads_over_an_even_belt_are_dirt_and_turn_no_camera(belts):
    film = np.zeros((SIDE, SIDE), np.float32)
    for ends in (((10, 0), (120, 159)), ((0, 40), (159, 90)), ((150, 5), (60, 150)), ((0, 150), (159, 120))):
        cv2.line(film, *ends, 1.0, 2)
    film = 0.6 * np.clip(1.4 * cv2.GaussianBlur(film, (0, 0), 1), 0, 1)[:, :, None]
    assert belts.named({"cam-2": lambda image: clipped(image * (1 - film) + 190 * film)}) == {"cam-2": "dirty_lens"}


@pytest.mark.parametrize(("world", "camera"), [("belts", "cam-2"), ("views", "hall")])
def test_a_loop_of_seven_pictures_is_frozen(request, world, camera):
    place = request.getfixturevalue(world)
    assert place.named({camera: in_turns(place.images[camera], 7)}) == {camera: "frozen"}


def test_a_picture_with_a_little_more_contrast_has_no_dirt(views):
    def polished(image):
        return clipped((image.astype(np.float32) - image.mean()) * 1.07 + image.mean())

    assert views.named({"hall": polished}) == {}


def test_the_pictures_of_another_camera_are_another_view_and_not_pale(views):
    other = iter(views.images["gate"])
    pale = {"hall": lambda image: clipped(next(other) * 0.25 + 0.75 * 110)}
    assert views.named(pale)["hall"] not in ("colour_lost", "colour_cast")
    other = iter(views.images["gate"])
    assert views.named({"hall": lambda image: next(other)}) == {"hall": "moved"}


def test_sepia_is_a_picture_of_one_colour_also_where_its_tint_is_that_of_before(views):
    weights = np.array([[0.131, 0.534, 0.272], [0.168, 0.686, 0.349], [0.189, 0.769, 0.393]])
    assert views.named({"hall": lambda image: clipped(image @ weights.T)}) == {"hall": "colour_lost"}


def test_a_filter_that_leaves_one_edge_free_is_a_cast(views):
    kept = np.ones((1, SIDE, 3))
    kept[:, SIDE // 5 :] = (0.45, 0.7, 1.0)
    assert views.named({"hall": lambda image: clipped(image * kept)}) == {"hall": "colour_cast"}


@pytest.mark.parametrize("factor", [0.6, 1.55])
def test_light_that_most_cameras_lose_or_gain_but_not_all_is_no_reason_to_learn(belts, factor):
    found = belts.judged({"cam-1": lit(factor), "cam-2": lit(factor)})
    report = Report(stage=Stage.CAMERA, findings=found)
    assert not report.breaches()
    assert nearly((report,)) == {"cam-1", "cam-2"}


def test_a_season_that_all_cameras_see_may_be_learnt(belts):
    found = belts.judged(dict.fromkeys(belts.images, lit(0.6)))
    assert not nearly((Report(stage=Stage.CAMERA, findings=found),))


def test_a_clock_that_has_lost_its_minutes_stands_again_and_again():
    times = np.arange(36.0) * 40
    sound = Arrivals(captured=times, delay=np.full(36, 0.3))
    hours = Arrivals(captured=times - times % 180, delay=times % 180 + 0.3)
    minutes = Arrivals(captured=times - times % 5, delay=times % 5 + 0.3)
    found = judge_clocks({"a": sound, "b": hours, "c": minutes}, CameraRules())
    assert {each.camera: each.value for each in found if each.outcome is Outcome.BREACH} == {"b": 160.0}


def test_an_only_camera_with_more_detail_in_most_places_is_looked_at_first_and_has_no_fault(belts):
    noise = np.random.default_rng(6)
    rows = {
        "cam-2": [of_image(clipped(each + noise.normal(0, 12, each.shape))).row() for each in belts.images["cam-2"]]
    }
    found = judge_pictures({"cam-2": belts.before["cam-2"]}, by_camera(belts.table(rows)), CameraRules())
    report = Report(stage=Stage.CAMERA, findings=found)
    assert not report.breaches()
    assert nearly((report,)) == {"cam-2"}


def test_a_healthy_only_camera_holds_nothing_back(belts):
    rows = {"cam-2": belts.current["cam-2"]}
    found = judge_pictures({"cam-2": belts.before["cam-2"]}, by_camera(belts.table(rows)), CameraRules())
    assert not nearly((Report(stage=Stage.CAMERA, findings=found),))
