"""Things in front of a lens that are lit as the scene is, and faults that leave little to compare."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import cv2
import numpy as np
import pytest

from tasks.camera.case import Case
from tasks.camera.damage import unlike
from tasks.camera.frames import Frames
from tasks.camera.measures import measures
from tasks.camera.moves import replaced
from tasks.camera.rules import CameraRules
from tasks.camera.spots import spots
from tasks.camera.stance import Stance

START = datetime(2026, 11, 20, tzinfo=UTC).timestamp()


def frames(luma, detail=None):
    """Images of these places (n, 32, 32); detail (n, 16, 16) is even unless it is given."""
    n = len(luma)
    return Frames(
        luma=np.clip(luma, 0, 255),
        detail=np.full((n, 16, 16), 1.5) if detail is None else detail,
        orientation=np.full((n, 36), 1 / 36),
        octaves=np.zeros((n, 4)),
        burnt=np.zeros(n),
        colour=np.zeros(n),
        tint=np.full((n, 8, 8, 3), 128.0),
        hour=np.full(n, 12.0),
        moment=START + 600.0 * np.arange(n),
    )


def scene(n, seed, lit=(0.7, 1.3)):
    """A wall with large patches, under changing light, before which something else passes in every image."""
    rng, wall = np.random.default_rng(seed), np.random.default_rng(1)
    patches = np.kron(wall.uniform(40, 160, (8, 8)), np.ones((4, 4)))
    images = np.repeat(patches[None], n, axis=0)
    for image in images:
        y, x = rng.integers(0, 26, 2)
        image[y : y + 6, x : x + 6] = rng.uniform(20, 200)
    return images * rng.uniform(*lit, (n, 1, 1)) + rng.normal(0, 1, images.shape)


def covered_by(images, rows, columns, lit, tone=0.8):
    """A board before these places that is lit as the scene is, or always alike."""
    seen = images.copy()
    light = np.median(images, axis=(1, 2), keepdims=True) if lit else np.full((len(images), 1, 1), 90.0)
    seen[:, rows, columns] = tone * light
    return seen


@pytest.mark.parametrize("lit", [False, True], ids=["lit by itself", "lit as the scene is"])
def test_what_hides_a_part_is_found_however_it_is_lit(lit):
    part = slice(8, 20)
    found = measures(frames(scene(40, 2)), frames(covered_by(scene(24, 3), part, part, lit)))
    assert found.blind == pytest.approx(0.14, abs=0.04)


def test_half_a_picture_that_became_another_one_does_not_make_the_other_half_look_changed():
    high = slice(0, 15)
    found = spots(frames(scene(40, 2)), frames(covered_by(scene(24, 3), high, slice(None), lit=True)))
    assert 0.3 <= found.apart <= 0.48
    assert found.calm >= 0.45


def test_what_shows_nothing_of_what_was_there_hides_it_and_what_dims_it_does_not():
    before, after, part = frames(scene(40, 2)), scene(24, 3), slice(4, 20)
    assert spots(before, frames(covered_by(after, part, part, lit=True, tone=0.2))).hidden >= 0.18
    dimmed = after.copy()
    dimmed[:, part, part] *= 0.5
    found = spots(before, frames(dimmed))
    assert found.apart >= 0.18
    assert found.hidden == 0


def test_nobody_knows_what_hides_a_place_that_never_showed_the_same_or_most_of_a_picture():
    rng = np.random.default_rng(5)
    noise = [rng.uniform(40, 60, (n, 32, 32)) for n in (40, 24)]
    assert spots(frames(noise[0]), frames(covered_by(noise[1], slice(4, 20), slice(4, 20), lit=False))).hidden == 0
    most = covered_by(scene(24, 3), slice(0, 26), slice(None), lit=True)
    assert spots(frames(scene(40, 2)), frames(most)).hidden == 0


def blurred(sigma):
    return lambda image: cv2.GaussianBlur(image, (0, 0), sigma)


@pytest.mark.parametrize("sigma", [2.0, 4.0, 6.0])
@pytest.mark.parametrize("camera", ["gate", "hall", "yard"])
def test_a_fixed_view_that_is_strongly_blurred_has_not_moved(views, camera, sigma):
    assert views.named({camera: blurred(sigma)}) == {camera: "out_of_focus"}


def brighter(factor):
    return lambda image: np.clip(image * float(factor), 0, 255).astype(np.uint8)


def test_what_is_left_of_a_picture_burnt_out_to_white_fits_anywhere_and_has_not_moved():
    before = frames(scene(40, 2))
    known = replace(measures(before, frames(scene(24, 3))), stance=Stance(told=True))
    now = replace(known, stance=Stance(told=True, gain=0.5, across=0.15), strange=0.3, lost=0.3)
    asked = [
        Case(now=replace(now, burnt=burnt), healthy=[known], others=[], rules=CameraRules()) for burnt in (0.0, 0.5)
    ]
    assert [replaced(case) for case in asked] == [True, False]


def grey_and_bright(image):
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)[:, :, None] * 2.0
    return np.clip(np.repeat(grey, 3, axis=2), 0, 255).astype(np.uint8)


def test_a_grey_picture_has_lost_its_colour_although_much_of_it_is_burnt_out(views):
    assert views.named({"hall": grey_and_bright}) == {"hall": "colour_lost"}
    assert views.named({"hall": brighter(2.6)}) == {"hall": "too_bright"}, "burnt out, the rest keeps its colour"


def carton(image):
    seen, part = image.copy(), slice(image.shape[0] // 5, image.shape[0] * 7 // 10)
    texture = cv2.GaussianBlur(np.random.default_rng(4).normal(0, 1, image.shape[:2]), (0, 0), 2)
    board = float(np.median(image)) * (0.6 + 0.1 * texture)[:, :, None]
    seen[part, part] = np.clip(np.broadcast_to(board, image.shape)[part, part], 0, 255)
    return seen


def test_a_board_that_is_lit_as_the_scene_is_covers_the_lens(place, one):
    assert place.named({one: carton}) == {one: "covered"}


def test_a_picture_lit_from_another_side_still_shows_what_it_showed_and_a_shifted_one_does_not():
    before, after = frames(scene(40, 2)), scene(24, 3)
    lit = np.clip(after * np.linspace(1.0, 0.15, 32), 0, 255)
    assert unlike(before, frames(lit)) < 0.05
    assert unlike(before, frames(np.roll(lit, 3, axis=1))) > 0.3


def lamp_out(image):
    across = np.linspace(0.85, 0.2, image.shape[1])[None, :, None]
    return np.clip(image * across, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("camera", ["gate", "hall", "yard"])
def test_a_fixed_view_that_is_lit_from_one_side_only_is_too_dark_and_has_not_moved(views, camera):
    assert views.named({camera: lamp_out}) == {camera: "too_dark"}
