"""Strange is what lies far from the reference, and of everyday scenes one in a hundred does."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from tasks.outliers.familiar import BANK, Limit, distances, familiar, limit, strangeness, unit
from tests.unit.outliers.plant import odd, usual


def names(*counts):
    return np.array([f"cam-{place}" for place, count in enumerate(counts) for _ in range(count)], dtype=object)


@pytest.mark.parametrize("neighbours", [1, 10])
def test_distances_are_those_of_scikit_learn(neighbours):
    rng = np.random.default_rng(2)
    bank, queries = unit(usual(rng, 300)), unit(odd(rng, 2_500))
    oracle = NearestNeighbors(n_neighbors=neighbours, algorithm="brute").fit(bank.astype(np.float64))
    expected = oracle.kneighbors(queries.astype(np.float64))[0][:, -1]
    np.testing.assert_allclose(distances(bank, queries, neighbours), expected, atol=2e-3)


def test_planted_outliers_are_found_and_everyday_scenes_rarely():
    rng = np.random.default_rng(3)
    known = familiar(unit(usual(rng, 1_000)), names(1_000), 25)
    fresh = strangeness(known, unit(usual(rng, 5_000)), names(5_000))
    assert 0.002 < (fresh > 1).mean() < 0.025
    assert (strangeness(known, unit(odd(rng, 200)), names(200)) > 1).mean() > 0.99


def test_every_camera_has_a_limit_of_its_own():
    rng = np.random.default_rng(4)
    wide = usual(rng, 400) + 2 * rng.standard_normal((400, 32)).astype(np.float32)
    vectors = np.concatenate([wide, usual(rng, 400, camera=1)])
    known = familiar(unit(vectors), names(400, 400), 25)
    assert known.limits["cam-0"].distance > 1.2 * known.limits["cam-1"].distance


def test_a_scale_of_the_embedding_and_the_order_of_the_window_change_nothing():
    rng = np.random.default_rng(5)
    known, window = familiar(unit(usual(rng, 200)), names(200), 25), usual(rng, 50)
    ratios = strangeness(known, unit(window), names(50))
    np.testing.assert_allclose(strangeness(known, unit(7.5 * window), names(50)), ratios, rtol=1e-4)
    np.testing.assert_allclose(strangeness(known, unit(window[::-1]), names(50))[::-1], ratios, rtol=1e-4)


def test_a_twin_in_the_same_burst_does_not_make_the_limit_too_tight():
    rng = np.random.default_rng(6)
    scenes = usual(rng, 120)
    burst = np.repeat(scenes, 10, axis=0) + 0.01 * rng.standard_normal((1_200, 32)).astype(np.float32)
    known = familiar(unit(burst), names(1_200), 25)
    assert (strangeness(known, unit(usual(rng, 1_000)), names(1_000)) > 1).mean() < 0.1


def test_a_row_without_a_number_has_no_strangeness_and_spoils_no_other():
    rng = np.random.default_rng(7)
    vectors = usual(rng, 60)
    clean = familiar(unit(vectors), names(60), 25)
    vectors = np.concatenate([vectors, np.full((1, 32), np.nan, np.float32), np.zeros((1, 32), np.float32)])
    known = familiar(unit(vectors), names(62), 25)
    assert len(known.bank) == 60
    assert known.limits["cam-0"].scenes == clean.limits["cam-0"].scenes == 60
    ratios = strangeness(known, unit(vectors), names(62))
    assert np.isfinite(ratios[:60]).all() and np.isnan(ratios[60:]).all()


@pytest.mark.parametrize("count", [0, 1, 4, 24])
def test_a_tiny_reference_judges_nobody(count):
    rng = np.random.default_rng(8)
    known = familiar(unit(usual(rng, count)), names(count), 25)
    assert known.limits == {}
    assert np.isnan(strangeness(known, unit(usual(rng, 3)), names(3))).all()


def test_an_empty_window_and_an_embedding_of_no_length_are_no_error():
    known = familiar(unit(usual(np.random.default_rng(9), 30)), names(30), 25)
    assert strangeness(known, unit(np.zeros((0, 32))), names(0)).shape == (0,)
    assert np.isnan(distances(np.zeros((5, 0), np.float32), np.zeros((2, 0), np.float32))).all()


def test_an_image_of_an_unknown_camera_can_be_looked_at():
    rng = np.random.default_rng(10)
    known = familiar(unit(usual(rng, 100)), names(100), 25)
    stranger = strangeness(known, unit(odd(rng, 1)), np.array(["new"], dtype=object))
    assert stranger[0] > 1


def test_a_large_reference_is_thinned_evenly():
    vectors = unit(np.random.default_rng(11).standard_normal((BANK + 1_000, 4)))
    known = familiar(vectors, names(BANK + 1_000), 25)
    assert len(known.bank) == BANK
    np.testing.assert_array_equal(known.bank[0], vectors[0])


def test_few_scenes_say_how_much_their_limit_leaves_open():
    assert limit(np.arange(40.0)) == Limit(distance=39.0, beyond=1 / 41, scenes=40)
    assert limit(np.arange(999.0)) == Limit(distance=989.0, beyond=10 / 1000, scenes=999)


def test_one_healthy_image_in_a_thousand_is_far_whatever_camera_took_it():
    rng = np.random.default_rng(12)
    wide = usual(rng, 500) + 2 * rng.standard_normal((500, 32)).astype(np.float32)
    cameras = names(500, 500)
    known = familiar(unit(np.concatenate([wide, usual(rng, 500, camera=1)])), cameras, 25)
    fresh = np.concatenate([
        usual(rng, 6_000) + 2 * rng.standard_normal((6_000, 32)).astype(np.float32), usual(rng, 6_000, camera=1)
    ])  # fmt: skip
    ratios = strangeness(known, unit(fresh), names(6_000, 6_000))
    far = known.limits["cam-0"].far
    assert far == known.limits["cam-1"].far >= 1
    assert known.limits["cam-0"].beyond_far == pytest.approx(1 / 1001)
    assert (ratios > far).mean() < 0.004
    assert (strangeness(known, unit(odd(rng, 200)), names(200)) > far).mean() > 0.9
