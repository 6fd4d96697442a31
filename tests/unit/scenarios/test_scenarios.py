"""The replayed worlds are fair: nothing is shown twice, golden images stay apart, troubles are where they should be."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime

import cv2
import numpy as np
import pytest

from tasks.domain.errors import ConfigError
from tasks.scenarios.catalogue import NAMES, scenario_of
from tasks.scenarios.parts import DARK_CAMERA, Parts
from tasks.scenarios.script import CHAPTER_KEYS, Scenario, Shot

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)


@pytest.fixture(scope="module", params=NAMES)
def world(request: pytest.FixtureRequest) -> Scenario:
    if request.param == "solar":
        pytest.importorskip("elpv_dataset", reason="the photographs are an optional extra")
    return scenario_of(request.param, NOW)


@pytest.fixture(scope="module")
def commissioned(world: Scenario) -> list[Shot]:
    return list(world.commissioning())


def brightness(shot: Shot) -> float:
    return float(cv2.imdecode(np.frombuffer(shot.encoded, np.uint8), cv2.IMREAD_GRAYSCALE).mean())


def test_the_chapters_follow_each_other_without_a_gap_and_end_yesterday(world: Scenario) -> None:
    assert tuple(chapter.key for chapter in world.chapters) == CHAPTER_KEYS
    windows = [window for chapter in world.chapters for window in chapter.windows]
    assert all(first.end == second.start for first, second in itertools.pairwise(windows))
    assert windows[-1].end == datetime(2026, 5, 4, tzinfo=UTC)


def test_no_picture_is_shown_twice_and_each_lies_in_its_window(world: Scenario, commissioned: list[Shot]) -> None:
    seen = [shot.image_id for shot in commissioned]
    for chapter in world.chapters:
        for window in chapter.windows:
            shots = list(world.shots(window))
            assert len(shots) >= 70
            assert all(window.contains(shot.captured_at) for shot in shots)
            seen += [shot.image_id for shot in shots]
    assert len(seen) == len(set(seen))


def test_a_replay_can_be_repeated_byte_for_byte(world: Scenario) -> None:
    window = world.chapters[-1].windows[0]
    first, again = (next(iter(scenario.shots(window))) for scenario in (world, scenario_of(world.name, NOW)))
    assert first.encoded == again.encoded and first.truths == again.truths


def test_golden_pictures_exist_and_are_labelled(commissioned: list[Shot]) -> None:
    golden = [shot for shot in commissioned if shot.golden]
    assert len(golden) >= 100
    assert all(shot.truths is not None for shot in golden)


def test_the_modules_of_golden_cells_are_never_trained_on() -> None:
    pytest.importorskip("elpv_dataset", reason="the photographs are an optional extra")
    shots = list(scenario_of("solar", NOW).commissioning())
    golden = {shot.session for shot in shots if shot.golden}
    assert not golden & {shot.session for shot in shots if not shot.golden}


def test_cells_that_experts_were_not_sure_of_have_no_label() -> None:
    pytest.importorskip("elpv_dataset", reason="the photographs are an optional extra")
    world = scenario_of("solar", NOW)
    shots = [shot for chapter in world.chapters for window in chapter.windows for shot in world.shots(window)]
    unlabelled = sum(shot.truths is None for shot in shots)
    assert 0.05 < unlabelled / len(shots) < 0.4


def test_the_failed_lamp_darkens_its_camera_and_no_other() -> None:
    world = Parts(NOW)
    window = next(chapter.windows[0] for chapter in world.chapters if chapter.key == "camera")
    means: dict[str, list[float]] = {}
    for shot in world.shots(window):
        means.setdefault(shot.camera, []).append(brightness(shot))
    mean = {camera: float(np.mean(values)) for camera, values in means.items()}
    others = [value for camera, value in mean.items() if camera != DARK_CAMERA]
    assert mean[DARK_CAMERA] < 0.6 * min(others)


def test_an_unknown_scenario_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="solar, parts"):
        scenario_of("moon", NOW)
