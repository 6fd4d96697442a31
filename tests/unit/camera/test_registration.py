"""A map of the whole picture is found where there is one, its way is measured, and nothing else is taken for it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import affine_transform, gaussian_filter

from tasks.camera.registration import FAR, NEAR, correlation, registered

SIDE = 32
MIDDLE = (SIDE - 1) / 2
UNTURNED = np.eye(2)


def scene(seed, fine=2.0):
    """What a camera always sees: smooth, with the contrast of a photograph."""
    made = gaussian_filter(np.random.default_rng(seed).normal(0, 1, (3 * SIDE, 3 * SIDE)), fine)
    return (made / made.std()).astype(np.float32)


def seen(world, matrix=UNTURNED, shift=(0.0, 0.0)):
    """The middle of the world as a camera sees it that stands otherwise: scipy draws it, not what is tested."""
    start = np.array([SIDE + MIDDLE, SIDE + MIDDLE])
    offset = start + np.array(shift) - matrix @ np.array([MIDDLE, MIDDLE])
    return affine_transform(world, matrix, offset, output_shape=(SIDE, SIDE), order=3).astype(np.float32)


def way(matrix, shift):
    """How far the corners go on average, in sides."""
    corners = np.array([[y, x] for y in (0, SIDE - 1) for x in (0, SIDE - 1)]) - MIDDLE
    back = np.linalg.inv(matrix) @ (corners - np.array(shift)).T
    return float(np.linalg.norm(back.T - corners, axis=1).mean()) / SIDE


def turn(degrees, zoom=1.0):
    angle = np.radians(degrees)
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) / zoom


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(
    ("matrix", "shift"),
    [
        (UNTURNED, (3.0, 0.0)),
        (UNTURNED, (-2.0, 2.5)),
        (turn(9), (0.0, 0.0)),
        (turn(-7), (1.0, 1.0)),
        (turn(0, 1.25), (0.0, 0.0)),
        (np.array([[1.0, 0.15], [0.0, 1.0]]), (1.5, 0.0)),
    ],
    ids=["down", "aside", "turned", "turned and shifted", "nearer", "sheared"],
)
def test_a_planted_move_is_explained_and_its_way_is_measured(seed, matrix, shift):
    world = scene(seed)
    hints = ((float(np.degrees(np.arctan2(matrix[0, 1], matrix[0, 0]))), 1.0, 0.0, 0.0),)
    found = registered(seen(world), seen(world, matrix, shift), hints)
    assert found.explained >= 0.85 and found.gain > 0.1
    assert found.way == pytest.approx(way(matrix, shift), abs=0.02) and NEAR <= found.way <= FAR


def stain(picture, rng):
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    at, size = rng.uniform(8, 24, 2), rng.uniform(3, 6)
    return np.where(np.hypot(y - at[0], x - at[1]) < size, np.float32(-1.5), picture)


def slope(picture, rng):
    return (picture * np.linspace(0.6, 1.3, SIDE)[None, :]).astype(np.float32)


def blurred(picture, rng):
    return gaussian_filter(picture, 1.5)


def noisy(picture, rng):
    return (picture + rng.normal(0, 0.3, picture.shape)).astype(np.float32)


def another(picture, rng):
    return seen(scene(int(rng.integers(1000, 9999))))


def black(picture, rng):
    return np.zeros_like(picture)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("change", [stain, slope, blurred, noisy, another, black])
def test_what_lies_over_a_picture_or_replaces_it_is_no_move(seed, change):
    before = seen(scene(seed))
    assert registered(before, change(before, np.random.default_rng(seed)), ()).explained < 0.6


def test_a_way_below_the_least_is_none():
    world = scene(3)
    assert registered(seen(world), seen(world, shift=(0.8, 0.0)), ()).explained == 0


def test_the_correlation_is_that_of_numpy_and_an_even_map_has_none():
    rng = np.random.default_rng(8)
    one, other = rng.normal(0, 1, (2, SIDE, SIDE)).astype(np.float32)
    assert correlation(one, one + other) == pytest.approx(np.corrcoef(one.ravel(), (one + other).ravel())[0, 1])
    assert correlation(one, np.ones_like(one)) == 0
