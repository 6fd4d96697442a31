"""How cameras hold their pictures: turned is seen, and damage is not taken for it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from tasks.estimate.ladder import LADDER, damaged
from tasks.estimate.posture import measured, postures, turned

SIDE, EACH = 160, 12
CAMERAS = {"a": 10.0, "b": 55.0, "c": 130.0}


def picture(camera: str, seed: int) -> np.ndarray:
    """A floor with threads in the camera's direction, lit from its own corner."""
    rng, angle = np.random.default_rng([seed, ord(camera)]), np.radians(CAMERAS[camera])
    y, x = np.mgrid[:SIDE, :SIDE]
    threads = np.sin((np.cos(angle) * x + np.sin(angle) * y) * 2 * np.pi / 16 + rng.uniform(0, 6))
    lamp = 1 - 0.5 * np.hypot(x - SIDE * (camera == "a"), y - 40 * (camera == "b")) / SIDE
    grey = (120 + 25 * threads) * lamp + rng.normal(0, 3, (SIDE, SIDE))
    return np.repeat(np.clip(grey, 0, 255).astype(np.uint8)[:, :, None], 3, 2)


def pictures(start: int) -> tuple[list[str], list[np.ndarray]]:
    cameras = [name for name in CAMERAS for _ in range(EACH)]
    return cameras, [picture(name, start + at) for at, name in enumerate(cameras)]


def postures_of(cameras: list[str], shown: list[np.ndarray]) -> dict:
    return postures(cameras, [measured(np.ascontiguousarray(each)) for each in shown])


@pytest.fixture(scope="module")
def before() -> dict:
    return postures_of(*pictures(0))


def about(image: np.ndarray, degrees: float) -> np.ndarray:
    turn = cv2.getRotationMatrix2D((SIDE / 2, SIDE / 2), degrees, 1.0)
    return cv2.warpAffine(image, turn, (SIDE, SIDE), borderMode=cv2.BORDER_REFLECT_101)


def test_the_same_cameras_are_not_turned(before: dict) -> None:
    assert not turned(before, postures_of(*pictures(500)))


@pytest.mark.parametrize("degrees", [-25, 12, 40])
def test_cameras_that_were_bumped_are_turned(before: dict, degrees: float) -> None:
    cameras, shown = pictures(500)
    assert turned(before, postures_of(cameras, [about(each, degrees) for each in shown]))


@pytest.mark.parametrize("turn", [lambda p: np.rot90(p), lambda p: np.rot90(p, 2), lambda p: p[:, ::-1]])
def test_cameras_on_their_side_upside_down_or_mirrored_are_turned(before: dict, turn) -> None:
    cameras, shown = pictures(500)
    assert turned(before, postures_of(cameras, [turn(each) for each in shown]))


@pytest.mark.parametrize("step", LADDER, ids=lambda step: f"{step.name}-{step.strength:g}")
def test_no_damage_is_taken_for_a_turn(before: dict, step) -> None:
    cameras, shown = pictures(500)
    assert not turned(before, postures_of(cameras, [damaged(each, step, at) for at, each in enumerate(shown)]))


def test_one_camera_alone_and_cameras_with_few_pictures_say_nothing(before: dict) -> None:
    cameras, shown = pictures(500)
    bumped = [about(each, 40) for each in shown]
    assert not turned({"a": before["a"]}, postures_of(cameras, bumped))
    assert postures_of(cameras[:7], bumped[:7]) == {}
    assert not turned(before, {})


def test_a_picture_without_any_edge_has_a_posture_that_fits_nothing() -> None:
    flat = postures(["a"] * 8, [measured(np.zeros((20, 30, 3), np.uint8))] * 8)
    assert flat["a"].edges.sum() == 0
    assert not turned({"a": flat["a"], "b": flat["a"]}, {"a": flat["a"], "b": flat["a"]})
