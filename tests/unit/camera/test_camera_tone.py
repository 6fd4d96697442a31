"""What became of a whole picture: light, a curve or a veil; and what is another one in all images, and only there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tasks.camera.frames import Frames
from tasks.camera.measures import familiar, measures
from tasks.camera.spots import spots
from tasks.camera.tone import tone


def frames(luma, detail=None):
    count = len(luma)
    return Frames(
        luma=luma,
        detail=np.full((count, 16, 16), 1.5) if detail is None else detail,
        orientation=np.full((count, 36), 1 / 36),
        octaves=np.full((count, 4), 5.0),
        burnt=np.zeros(count),
        colour=np.zeros(count),
        tint=np.full((count, 8, 8, 3), 128.0),
        hour=np.zeros(count),
        moment=np.arange(count) * 600.0,
    )


@pytest.fixture
def healthy():
    rng = np.random.default_rng(1)
    return frames(rng.uniform(40, 180, (40, 32, 32)), rng.normal(1.5, 0.1, (40, 16, 16)))


def seen(healthy, curve, contrast=1.0):
    detail = np.log1p(contrast * np.expm1(healthy.detail))
    return replace(healthy, luma=curve(healthy.luma), detail=detail, octaves=healthy.octaves + 2 * np.log(contrast))


def test_nothing_changes_the_tone_of_the_same_pictures(healthy):
    same = tone(healthy, healthy)
    assert (same.level, same.slope, same.fade) == (0.0, pytest.approx(1.0), pytest.approx(0.0))


def test_less_light_keeps_the_contrast_beside_it(healthy):
    dark = tone(healthy, seen(healthy, lambda luma: 0.5 * luma, 0.5))
    assert dark.slope == pytest.approx(1.0, abs=0.03)
    assert dark.level > 0.4


@pytest.mark.parametrize("gamma", [0.5, 2.0])
def test_a_curve_moves_level_and_contrast_together(healthy, gamma):
    found = tone(healthy, seen(healthy, lambda luma: 255 * (luma / 255) ** gamma))
    assert np.exp(found.level) == pytest.approx(gamma, rel=0.05)
    assert found.slope == pytest.approx(gamma, rel=0.05)


def test_a_veil_takes_contrast_and_leaves_the_level(healthy):
    found = tone(healthy, seen(healthy, lambda luma: 0.5 * luma + 55, 0.5))
    assert found.slope < 0.6
    assert abs(found.level) < 0.1
    assert found.fade == pytest.approx(np.log(2), abs=0.1)


def test_detail_that_is_lost_in_half_of_the_places_is_no_veil(healthy):
    hazed = seen(healthy, lambda luma: luma, 0.5)
    hazed.detail[:, :8] = healthy.detail[:, :8]
    assert tone(healthy, hazed).fade < 0.1


def test_an_even_grey_has_no_contrast_to_lose():
    even = frames(np.full((20, 32, 32), 90.0))
    assert tone(even, even).slope == 1.0


@pytest.mark.parametrize("change", [-0.5, 0.5])
def test_places_that_are_another_one_in_all_images_stand_apart(healthy, change):
    stuck = replace(healthy, detail=healthy.detail.copy())
    stuck.detail[:, 4:7, 4:7] += change
    found = spots(healthy, stuck)
    assert found.apart == pytest.approx(9 / 256)
    assert found.calm == pytest.approx(1 - 9 / 256)


def test_what_passes_in_half_of_the_images_is_no_spot(healthy):
    passing = replace(healthy, detail=healthy.detail.copy())
    passing.detail[::2, 4:7, 4:7] += 0.5
    assert spots(healthy, passing).apart == 0


def test_a_single_place_may_be_a_thing_of_the_scene(healthy):
    thing = replace(healthy, detail=healthy.detail.copy())
    thing.detail[:, 4, 4] += 0.5
    assert spots(healthy, thing).apart == 0


def test_light_on_all_places_stands_apart_nowhere(healthy):
    assert spots(healthy, replace(healthy, luma=0.6 * healthy.luma)).apart == 0


def test_a_picture_that_was_seen_before_is_known_again_and_a_cloth_is_not():
    rng = np.random.default_rng(2)
    scene = 40 * np.sin(np.arange(32) / 3)[:, None] * np.ones((32, 32)) + 100
    known = frames(scene + rng.normal(0, 8, (40, 32, 32)))
    old = frames(np.repeat(scene[None] + rng.normal(0, 8, (1, 32, 32)), 20, axis=0))
    assert familiar(known, old)
    assert not familiar(known, frames(100 + rng.normal(0, 8, (20, 32, 32))))


def test_a_veil_through_which_things_still_pass_hides_nothing_however_bright_it_is(healthy):
    moving = replace(healthy, luma=healthy.luma / 3)
    veiled = seen(moving, lambda luma: 0.45 * luma + 140, 0.45)
    hidden = seen(moving, lambda luma: 0.03 * luma + 140, 0.03)
    assert measures(moving, veiled).blind == 0.0
    assert measures(moving, hidden).blind == 1.0


@pytest.mark.parametrize(("rows", "columns", "side"), [((0, 32), (0, 6), 1.0), ((10, 20), (10, 20), 0.0)])
def test_what_is_new_along_a_whole_side_is_told_from_what_is_new_in_one_place(healthy, rows, columns, side):
    luma = healthy.luma.copy()
    luma[:, slice(*rows), slice(*columns)] *= 2.5
    found = spots(healthy, replace(healthy, luma=luma))
    assert found.side == side
    assert found.apart > 0.05
