"""What every detector in tasks/drift/detectors promises; a new file there is tested without a line being added here."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.domain import plugin
from tasks.domain.errors import ConfigError
from tasks.drift.detector import PACKAGE, Data, Detector, Sessions, detector

NAMES = plugin.names(PACKAGE)
DIMENSIONS = 16
LEVEL = 0.01


@pytest.fixture(params=NAMES)
def tool(request):
    return detector(request.param)


def crowds(rng: np.random.Generator, n: int, share: np.ndarray) -> np.ndarray:
    """Images whose objects are mostly of one class: boxes of an image are anything but independent."""
    own = np.eye(len(share))[rng.choice(len(share), n, p=share)]
    return own * rng.geometric(0.25, (n, 1)) + (rng.random((n, len(share))) < 0.3)


def draw(tool: Detector, rng: np.random.Generator, n: int, shift: float = 0.0) -> np.ndarray:
    """n healthy images, or images of which something moved by `shift` standard deviations."""
    if tool.data is Data.RATE:
        return (rng.random(n) < 0.1 + 0.3 * shift).astype(float)
    if tool.data is Data.COUNTS:
        share = np.array([0.5 - 0.3 * shift, 0.3, 0.2 + 0.3 * shift])
        return crowds(rng, n, share)
    if tool.data is Data.VECTOR:
        return rng.standard_normal((n, DIMENSIONS)) * np.linspace(2, 0.5, DIMENSIONS) + shift
    return 40 + 3 * (rng.standard_normal(n) + shift)


def breach(tool: Detector, reference: np.ndarray, current: np.ndarray) -> bool:
    score = tool.score(reference, current)
    return score.p_value <= LEVEL and score.value >= tool.limit


def test_unit_source_and_limit_are_stated(tool):
    assert tool.unit
    assert len(tool.source) > 10
    assert tool.limit > 0
    assert tool.min_n >= 10


def test_identical_samples_score_nothing(tool):
    sample = draw(tool, np.random.default_rng(1), 200)
    score = tool.score(sample, sample.copy())
    assert score.value == pytest.approx(0, abs=1e-9)
    assert score.p_value > 0.5


def test_the_order_of_images_is_of_no_importance(tool):
    rng = np.random.default_rng(2)
    reference, current = draw(tool, rng, 150), draw(tool, rng, 80, shift=0.4)
    score = tool.score(reference, current)
    again = tool.score(rng.permutation(reference), rng.permutation(current))
    assert again.value == pytest.approx(score.value, rel=1e-9, abs=1e-12)
    assert again.p_value == pytest.approx(score.p_value, rel=1e-9)
    assert again.effect == pytest.approx(score.effect, rel=1e-9, abs=1e-12, nan_ok=True)


@pytest.mark.parametrize(("n", "repeats"), [(100, 120), (500, 60), (5_000, 12)])
def test_false_alarms_stay_rare_as_samples_grow(tool, n, repeats):
    rng = np.random.default_rng(n)
    heavy = tool.data in (Data.VECTOR, Data.COUNTS)
    repeats = repeats // 3 if heavy else repeats
    alarms = sum(breach(tool, draw(tool, rng, n), draw(tool, rng, n)) for _ in range(repeats))
    assert alarms <= max(1, 0.03 * repeats)


def test_no_change_is_significant_no_more_often_than_stated(tool):
    rng = np.random.default_rng(5)
    repeats = 60 if tool.data in (Data.VECTOR, Data.COUNTS) else 200
    p_values = [tool.score(draw(tool, rng, 200), draw(tool, rng, 50)).p_value for _ in range(repeats)]
    assert np.mean(np.array(p_values) <= 0.05) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / repeats)


@pytest.mark.parametrize("n", [100, 1_000])
def test_a_planted_effect_is_seen(tool, n):
    rng = np.random.default_rng(7)
    found = [breach(tool, draw(tool, rng, 500), draw(tool, rng, n, shift=1.0)) for _ in range(5)]
    assert all(found)


def test_a_tiny_effect_does_not_matter_however_many_images_there_are(tool):
    rng = np.random.default_rng(8)
    assert not breach(tool, draw(tool, rng, 20_000), draw(tool, rng, 20_000, shift=0.05))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_number_that_is_none_gives_no_score(tool, bad):
    rng = np.random.default_rng(9)
    reference, current = draw(tool, rng, 60), draw(tool, rng, 60)
    current[3] = bad
    for score in (tool.score(reference, current), tool.score(current, reference)):
        assert np.isnan(score.value)
        assert np.isnan(score.p_value)


def test_an_empty_sample_gives_no_score(tool):
    sample = draw(tool, np.random.default_rng(10), 50)
    for score in (tool.score(sample, sample[:0]), tool.score(sample[:0], sample)):
        assert np.isnan(score.p_value)


def test_a_value_that_never_varies_is_no_drift_and_its_change_is(tool):
    constant = np.ones_like(draw(tool, np.random.default_rng(11), 200))
    assert tool.score(constant, constant).value == 0
    if tool.data in (Data.SCALAR, Data.RATE):
        assert breach(tool, constant, np.zeros_like(constant))


def bursts(tool: Detector, rng: np.random.Generator, sessions: int) -> tuple[np.ndarray, np.ndarray]:
    """Sessions of 8 frames that all show nearly the same; (8 * sessions, ...) and the session of each frame."""
    scenes = draw(tool, rng, sessions)
    frames = np.repeat(scenes, 8, axis=0)
    if tool.data in (Data.SCALAR, Data.VECTOR):
        frames = frames + 0.1 * rng.standard_normal(frames.shape)
    return frames, np.repeat(np.arange(sessions), 8)


def test_frames_of_one_session_are_not_taken_for_many_witnesses(tool):
    rng = np.random.default_rng(12)
    repeats = 40
    alone = together = 0
    for _ in range(repeats):
        (before, first), (after, second) = bursts(tool, rng, 60), bursts(tool, rng, 30)
        sessions = Sessions(reference=first, current=second)
        alone += tool.score(before, after).p_value <= 0.05
        together += tool.score(before, after, sessions).p_value <= 0.05
    assert together <= 0.05 * repeats + 3 * np.sqrt(0.05 * 0.95 * repeats)
    assert alone > together


def test_a_planted_effect_is_seen_in_whole_sessions_too(tool):
    rng = np.random.default_rng(13)
    before, after = draw(tool, rng, 400), draw(tool, rng, 200, shift=1.0)
    score = tool.score(before, after, Sessions(reference=np.arange(400) // 4, current=np.arange(200) // 4))
    assert score.p_value <= LEVEL


def test_the_order_of_images_is_of_no_importance_with_sessions_either(tool):
    rng = np.random.default_rng(14)
    (before, first), (after, second) = bursts(tool, rng, 20), bursts(tool, rng, 15)
    one, two = rng.permutation(len(before)), rng.permutation(len(after))
    score = tool.score(before, after, Sessions(reference=first, current=second))
    again = tool.score(before[one], after[two], Sessions(reference=first[one], current=second[two]))
    assert again.value == pytest.approx(score.value, rel=1e-9, abs=1e-9)
    assert again.p_value == pytest.approx(score.p_value, rel=1e-6)


def test_an_unknown_name_is_refused_with_the_known_ones():
    with pytest.raises(ConfigError, match="known: anderson_darling, chi_square, domain_classifier"):
        detector("kolmogorov")
