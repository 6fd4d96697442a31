"""How many labels show a fall agrees with the formula where one exists, and counts sessions, not frames."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tasks.domain.power import errors, more_needed, needed, pool, power, shows, usual

Z = 1.645 + 0.842  # one-sided 5 %, 80 %


@pytest.mark.parametrize(("n", "error"), [(50, 0.022), (100, 0.0163), (200, 0.0115), (400, 0.0081), (800, 0.0057)])
def test_the_usual_spread_gives_the_errors_that_were_measured(n: int, error: float) -> None:
    assert errors(usual(paired=True), n).std() == pytest.approx(error, rel=0.08)


def test_two_hundred_pairs_show_three_points() -> None:
    assert shows(usual(paired=True), 200) == pytest.approx(0.029, abs=0.002)


@pytest.mark.parametrize("sides", [1, 2])
def test_independent_images_agree_with_the_formula(sides: int) -> None:
    rng = np.random.default_rng(0)
    source = pool(rng.normal(0.8, 0.2, 2000))
    assert needed(source, 0.05, sides=sides) == pytest.approx(sides * (Z * 0.2 / 0.05) ** 2, rel=0.1)


def test_frames_of_one_session_count_little() -> None:
    rng = np.random.default_rng(1)
    level = np.repeat(rng.normal(0, 0.2, 100), 10)
    names = [f"s{n // 10}" for n in range(1000)]
    together, apart = pool(level, names), pool(level)
    assert together.design == pytest.approx(10, rel=0.01) and apart.design == 1
    many, few = needed(together, 0.05), needed(apart, 0.05)
    assert many is not None and few is not None and 7 < many / few < 13


def test_what_so_many_show_is_shown_by_so_many() -> None:
    source = usual(paired=False)
    count = needed(source, 0.03)
    assert count is not None and shows(source, count) == pytest.approx(0.03, abs=0.002)
    assert power(errors(source, count), 0.03) == pytest.approx(0.8, abs=0.03)
    assert power(errors(source, count), 0.0) <= 0.05


def test_a_fall_that_is_too_small_has_no_answer() -> None:
    assert needed(usual(paired=False), 1e-4) is None


@pytest.mark.parametrize("scores", [[], [0.9] * 99, [1.0] * 300, [math.nan] * 300])
def test_scores_that_say_nothing_give_the_usual_spread(scores: list[float]) -> None:
    assert not pool(scores).known


def test_what_is_missing_grows_with_the_square_of_the_distance() -> None:
    assert more_needed(100, 0.04, 0.04) == 1
    assert more_needed(100, 0.04, 0.01) == 1500
    assert more_needed(100, 0.04, 0.0) is None
    assert more_needed(100, 0.04, 1e-6) is None
