"""What happens to lie on a belt is no change of its camera, however few looks there are and however alike they come."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from tasks.camera.damage import Damage, damage
from tasks.camera.frames import Frames
from tasks.camera.looks import CHANCE, by_chance, looks
from tasks.camera.pictures import judge_pictures
from tasks.camera.rules import CameraRules
from tasks.domain.finding import Outcome

EMPTY, PRODUCT, FAINT = 0.6, 1.6, 0.4
"""Detail of a bare belt, of a product, and what a drop on the lens adds or grease takes everywhere it sits."""
STUCK = (slice(5, 8), slice(6, 10))
"""Twelve places of 256 in the middle of the belt: 4.7 % of the picture."""


def belt(rng: np.random.Generator, scenes: int, burst: int, busy: float, stuck: float = 0.0) -> Frames:
    """So many scenes, each sent so often within a second, one in ten minutes; blocks of 2 x 2 places hold a product
    with the chance `busy`. `stuck` is added to the detail of the places in `STUCK`.
    """
    there = np.kron(rng.random((scenes, 8, 8)) < busy, np.ones((2, 2), bool))
    shown = np.repeat(there, burst, axis=0)
    detail = np.where(shown, PRODUCT, EMPTY) + rng.normal(0, 0.03, shown.shape)
    detail[:, *STUCK] += stuck
    light = np.linspace(80, 100, 32)[:, None] + 8 * np.kron(shown, np.ones((2, 2)))
    moment = np.repeat(np.arange(scenes) * 600.0, burst) + np.tile(np.arange(burst) * 0.5, scenes)
    n = len(shown)
    return Frames(
        luma=light + rng.normal(0, 1.5, (n, 32, 32)),
        detail=detail,
        orientation=np.full((n, 36), 1 / 36),
        octaves=np.full((n, 4), 5.0),
        burnt=np.zeros(n),
        colour=np.full(n, 0.2),
        tint=np.full((n, 8, 8, 3), 128.0),
        hour=moment / 3600 % 24,
        moment=moment,
    )


def changes(busy: float, scenes: int, burst: int, stuck: float = 0.0, windows: int = 25) -> list[Damage]:
    """What changed in so many windows against a reference of 120 scenes, the belt being as busy as it was."""
    rng = np.random.default_rng(8)
    reference = belt(rng, 120, 1, busy)
    return [damage(reference, belt(rng, scenes, burst, busy, stuck), 0.0) for _ in range(windows)]


def test_images_of_different_scenes_are_as_many_looks():
    assert looks(belt(np.random.default_rng(1), 40, 1, 0.4)) == pytest.approx(40)


@pytest.mark.parametrize("burst", [2, 3, 10])
def test_a_burst_is_one_look(burst):
    assert looks(belt(np.random.default_rng(1), 30, burst, 0.4)) == pytest.approx(30, rel=0.1)


def test_a_scene_that_comes_again_an_hour_later_is_another_look():
    frames = belt(np.random.default_rng(1), 4, 10, 0.4)
    spread = Frames(**{name: getattr(frames, name) for name in Frames.__slots__ if name != "moment"},
                    moment=np.arange(40) * 3600.0)  # fmt: skip
    assert looks(spread) == 40


def test_frames_of_a_dead_sensor_are_one_look():
    frames = belt(np.random.default_rng(1), 1, 1, 0.4).take(np.zeros(20, dtype=np.intp))
    assert looks(frames) == 1


@pytest.mark.parametrize(("scenes", "burst"), [(14, 3), (28, 1)])
@pytest.mark.parametrize(("busy", "hops", "sure"), [(0.45, "gained", "richer"), (0.55, "lost", "poorer")])
def test_where_products_lie_in_half_of_the_looks_the_middle_hops_and_nothing_is_sure(busy, hops, sure, scenes, burst):
    found = changes(busy, scenes, burst)
    assert np.mean([getattr(each, hops).mean() >= 0.03 for each in found]) > 0.5
    assert np.mean([getattr(each, sure).mean() >= 0.03 for each in found]) <= 0.04


@pytest.mark.parametrize("busy", [0.1, 0.3])
def test_what_sticks_to_the_lens_shows_whatever_passes(busy):
    drops, grease = (changes(busy, 28, 3, stuck, windows=5) for stuck in (FAINT, -FAINT))
    assert min(each.richer[STUCK].mean() for each in drops) > 0.6
    assert min(each.poorer[STUCK].mean() for each in grease) > 0.6


def names(reference: Frames, window: Frames) -> list[str]:
    found = judge_pictures({"cam": reference}, {"cam": window}, CameraRules())
    return [each.subject for each in found if each.outcome is Outcome.BREACH]


def test_a_camera_that_sends_few_products_in_bursts_is_called_neither_dirty_nor_moved():
    rng = np.random.default_rng(3)
    reference = belt(rng, 200, 1, 0.45)
    assert [names(reference, belt(rng, 14, 3, 0.45)) for _ in range(8)] == [[]] * 8


def test_drops_on_its_lens_are_named_in_one_window():
    rng = np.random.default_rng(3)
    reference = belt(rng, 200, 1, 0.2)
    assert names(reference, belt(rng, 28, 3, 0.2, 2 * FAINT)) == ["dirty_lens"]


@pytest.mark.parametrize("sunny", [0.0, 0.6, 0.9])
def test_the_median_of_a_few_looks_goes_hardly_ever_further_than_chance_brings_it(sunny: float):
    """Light that comes and goes: two lights half a logarithm apart, as under clouds, or one."""
    rng = np.random.default_rng(17)

    def light(n: int):
        return rng.normal(0, 0.05, n) + 0.5 * (rng.random(n) < sunny)

    beyond = []
    for _ in range(400):
        known, seen = light(64), light(24)
        far = by_chance(known, CHANCE / 2 * np.sqrt(1 / 64 + 1 / 24))
        beyond.append(abs(np.median(seen) - np.median(known)) > far)
    assert np.mean(beyond) <= 0.02


def test_with_many_looks_at_one_light_hardly_anything_is_chance():
    known = np.random.default_rng(3).normal(0, 0.05, 2000)
    assert by_chance(known, 0.02) == pytest.approx(0.05 * norm.ppf(0.52), rel=0.5)
